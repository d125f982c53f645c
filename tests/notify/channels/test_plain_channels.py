"""ntfy, Gotify and Pushover, which say the same in JSON of their own."""

from __future__ import annotations

import pytest
from hypothesis import example, given

from runwisp.model import EndReason
from runwisp.notify.channels import gotify, ntfy, pushover
from runwisp.notify.message import Message
from tests.notify import events
from tests.notify.channels.received import json_of, utf16_length
from tests.notify.hostile import BARE, HUGE, WHOLE, message, messages, notifier_of

NTFY = notifier_of('type = "ntfy"\ntopic = "ops"\nurl = "https://ntfy.example//"\ntoken = "tk"')
GOTIFY = notifier_of('type = "gotify"\nurl = "https://gotify.example/base/"\ntoken = "gt"')
PUSHOVER = notifier_of('type = "pushover"\ntoken = "pt"\nuser = "pu"')

SAYS = (
    "Exit code 3 after 41s.\nTriggered by cron · 2 Mar, 03:00\n\nline 1\nline 2\nline 3\n\n"
    "from runwisp · bright-falcon"
)
BARELY = (
    "Messages of this daemon arrive here.\nNoticed by the daemon · 2 Mar, 03:00\n\n"
    "from runwisp · bright-falcon"
)


def test_ntfy_gets_the_topic_at_the_root_of_its_server() -> None:
    request = ntfy.request(NTFY, WHOLE)
    assert (request.url, request.headers["Authorization"]) == ("https://ntfy.example", "Bearer tk")
    assert json_of(request) == {
        "topic": "ops",
        "title": "❌ db:backup failed",
        "message": SAYS,
        "priority": 4,
        "click": WHOLE.link,
    }


def test_ntfy_without_token_and_link() -> None:
    request = ntfy.request(notifier_of('type = "ntfy"\ntopic = "ops"'), BARE)
    assert request.url == "https://ntfy.sh"
    assert "Authorization" not in request.headers
    assert json_of(request) == {"topic": "ops", "title": "🔔 Test message", "message": BARELY, "priority": 2}


def test_gotify_gets_its_token_in_a_header() -> None:
    request = gotify.request(GOTIFY, WHOLE)
    assert (request.url, request.headers["X-Gotify-Key"]) == ("https://gotify.example/base/message", "gt")
    assert json_of(request) == {
        "title": "❌ db:backup failed",
        "message": SAYS,
        "priority": 8,
        "extras": {"client::notification": {"click": {"url": WHOLE.link}}},
    }
    assert json_of(gotify.request(GOTIFY, BARE)) == {
        "title": "🔔 Test message",
        "message": BARELY,
        "priority": 2,
    }


def test_pushover_gets_its_keys_in_the_body() -> None:
    request = pushover.request(PUSHOVER, WHOLE)
    assert request.url == "https://api.pushover.net/1/messages.json"
    assert json_of(request) == {
        "token": "pt",
        "user": "pu",
        "title": "❌ db:backup failed",
        "message": SAYS,
        "priority": 0,
        "url": WHOLE.link,
        "url_title": "Open the run",
    }
    assert json_of(pushover.request(PUSHOVER, BARE)) == {
        "token": "pt",
        "user": "pu",
        "title": "🔔 Test message",
        "message": BARELY,
        "priority": -1,
    }


@pytest.mark.parametrize(
    ("reason", "priorities"),
    [
        (EndReason.CRASHED, (4, 8, 0)),
        (EndReason.STOPPED, (3, 5, 0)),
        (EndReason.SUCCESS, (2, 2, -1)),
    ],
)
def test_the_priority_follows_the_severity(reason: EndReason, priorities: tuple[int, int, int]) -> None:
    told = message(events.ended(events.ended_run(reason)))
    requests = (ntfy.request(NTFY, told), gotify.request(GOTIFY, told), pushover.request(PUSHOVER, told))
    assert tuple(json_of(request)["priority"] for request in requests) == priorities


@given(messages())
@example(HUGE)
def test_ntfy_takes_hostile_texts_within_its_limit(told: Message) -> None:
    value = json_of(ntfy.request(NTFY, told))
    assert value["topic"] == "ops"
    assert len(value["message"].encode()) <= 4096
    assert value["title"]


@given(messages())
@example(HUGE)
def test_gotify_takes_hostile_texts_whole(told: Message) -> None:
    value = json_of(gotify.request(GOTIFY, told))
    assert value["title"] == told.headline
    assert told.sentence in value["message"]
    assert told.tail in value["message"]
    assert set(value) <= {"title", "message", "priority", "extras"}


@given(messages())
@example(HUGE)
def test_pushover_takes_hostile_texts_within_its_limits(told: Message) -> None:
    value = json_of(pushover.request(PUSHOVER, told))
    assert (value["token"], value["user"]) == ("pt", "pu")
    limits = {"title": 250, "message": 1024, "url": 512, "url_title": 100}
    assert all(utf16_length(value.get(key, "")) <= limit for key, limit in limits.items())
    assert value["title"]
    assert value["message"]
