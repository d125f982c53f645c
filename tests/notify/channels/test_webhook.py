from __future__ import annotations

from hypothesis import example, given

from runwisp.notify.channels import webhook
from runwisp.notify.message import Message
from runwisp.notify.text import encodable
from tests.notify import events
from tests.notify.channels.received import json_of
from tests.notify.hostile import BARE, HUGE, WHOLE, message, messages, notifier_of

KEYS = {
    *("kind", "severity", "timestamp", "task", "title", "message", "trigger", "run", "output_tail", "reason"),
    *("source", "coalesced_count", "coalesced_summary"),
}
WEBHOOK = notifier_of('type = "webhook"\nurl = "https://hooks.example.net/runwisp"')


def test_a_whole_message_has_every_key() -> None:
    request = webhook.request(WEBHOOK, WHOLE)
    assert request.url == "https://hooks.example.net/runwisp"
    assert WHOLE.event.run is not None
    assert json_of(request) == {
        "kind": "run.failed",
        "severity": "error",
        "timestamp": "2026-03-02T03:00:00.000+01:00",
        "task": "db:backup",
        "title": "db:backup failed",
        "message": "Exit code 3 after 41s.",
        "trigger": "Triggered by cron · 2 Mar, 03:00",
        "run": {
            "id": WHOLE.event.run.id,
            "exit_code": 3,
            "triggered_by": "cron",
            "url": WHOLE.link,
            "duration": 41.0,
        },
        "output_tail": "line 1\nline 2\nline 3",
        "reason": "failed, exit code 3, 41 s",
        "source": "runwisp (bright-falcon)",
        "coalesced_count": None,
        "coalesced_summary": None,
    }


def test_what_is_not_there_is_null() -> None:
    value = json_of(webhook.request(WEBHOOK, BARE))
    assert value.keys() == KEYS
    assert {key for key, entry in value.items() if entry is None} == {
        *("task", "run", "output_tail", "reason", "coalesced_count", "coalesced_summary")
    }
    running = json_of(webhook.request(WEBHOOK, message(events.started())))["run"]
    assert (running["url"], running["duration"], running["exit_code"]) == (None, None, None)


def test_repeats_are_counted_and_their_summary_says_so() -> None:
    check_in = json_of(webhook.request(WEBHOOK, message(events.failure(), coalesced_count=10)))
    assert (check_in["coalesced_count"], check_in["coalesced_summary"]) == (10, None)
    summary = message(events.failure(), coalesced_count=4, coalesced_summary=True)
    assert json_of(webhook.request(WEBHOOK, summary))["coalesced_summary"] is True


def test_headers_of_the_operator_win_except_over_the_transport() -> None:
    notifier = notifier_of(
        'type = "webhook"\nurl = "https://x.example"\n'
        'headers = { content-type = "application/x", X-Key = "k", Content-Length = "5" }'
    )
    assert webhook.request(notifier, BARE).headers == {
        "User-Agent": "runwisp-notify/1",
        "content-type": "application/x",
        "X-Key": "k",
    }


@given(messages())
@example(HUGE)
def test_hostile_texts_arrive_as_they_are(told: Message) -> None:
    value = json_of(webhook.request(WEBHOOK, told))
    assert value.keys() == KEYS
    assert value["task"] == (told.event.task_name and encodable(told.event.task_name))
    assert value["message"] == told.sentence
    assert value["output_tail"] == (told.tail or None)
    assert value["reason"] == (encodable(told.event.reason) or None)
