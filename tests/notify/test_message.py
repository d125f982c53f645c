from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from runwisp.model import EndReason, NotifyEvent, NotifyKind, TriggeredBy
from runwisp.notify.message import Message
from runwisp.policy import notify_events
from tests.notify import events
from tests.notify.hostile import message, messages, names


def _ended(reason: EndReason, **changes: Any) -> Message:
    return message(events.ended(events.ended_run(reason, **changes)))


def test_a_failure_tells_everything_about_it() -> None:
    event = events.failure("backup", at_s=3600, replica_index=2)
    assert event.run is not None
    told = message(event, tail="a\nb", external_url="https://jobs.example.net/")
    assert told.headline == "❌ backup#2 failed"
    assert (told.name, told.title) == ("backup#2", "backup#2 failed")
    assert told.sentence == "Exit code 3 after 41s."
    assert told.trigger == "Triggered by cron · 2 Mar, 04:00"
    assert told.tail == "a\nb"
    assert told.link == f"https://jobs.example.net/tasks/backup/{event.run.id}"
    assert told.link_label == "Open the run"
    assert told.footer == "from runwisp · bright-falcon"
    assert told.coalesced_note == ""


@pytest.mark.parametrize(
    ("reason", "changes", "sentence"),
    [
        (EndReason.FAILED, {"end_at": None}, "Exit code 3."),
        (EndReason.FAILED, {"exit_code": None}, "It failed after 41s."),
        (
            EndReason.FAILED,
            {"exit_code": -1, "start_at": None, "message": "no such shell"},
            "Exit code -1: no such shell",
        ),
        (EndReason.LOG_OVERFLOW, {"exit_code": -1}, "Log overflow, exit code -1 after 41s."),
        (EndReason.SUCCESS, {}, "Finished after 41s."),
        (EndReason.SUCCESS, {"start_at": None}, "Finished."),
        (EndReason.STOPPED, {}, "Stopped after 41s."),
        (EndReason.DAEMON_STOPPED, {}, "Stopped with the daemon after 41s."),
        (EndReason.TIMEOUT, {}, "It was ended after 41s, longer than it may run."),
        (EndReason.TIMEOUT, {"start_at": None}, "It took too long and was ended."),
        (EndReason.MISSED, {"message": "3 slots missed"}, "3 slots missed"),
        (EndReason.CRASHED, {"message": "killed"}, "The daemon was gone before the run ended: killed"),
        (
            EndReason.QUEUE_FULL,
            {"exit_code": -1, "start_at": None},
            "No room was left in the queue: queue_full, exit code -1",
        ),
    ],
)
def test_the_sentence_of_an_end(reason: EndReason, changes: dict[str, Any], sentence: str) -> None:
    assert _ended(reason, **changes).sentence == sentence


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (events.started(), "The run has started."),
        (
            notify_events.service_fatal(
                events.ended_run(message="no port"), 3, events.event_id(), events.START
            ),
            "It is not restarted any more: no port",
        ),
        (
            events.disk_pressure(),
            "Disk space is low: 300 MB free of at least 1 GB; its output is no longer stored",
        ),
        (notify_events.notify_test(events.event_id(), events.START), "Messages of this daemon arrive here."),
    ],
)
def test_the_sentence_of_what_is_no_end(event: NotifyEvent, sentence: str) -> None:
    assert message(event).sentence == sentence


def test_a_test_is_about_nobody_and_without_a_run() -> None:
    told = message(
        notify_events.notify_test(events.event_id(), events.START), tail="x", external_url="https://j.example"
    )
    assert (told.name, told.headline) == ("", "🔔 Test message")
    assert told.trigger == "Noticed by the daemon · 2 Mar, 03:00"
    assert (told.tail, told.link, told.link_label) == ("", "", "")


def test_a_delivery_that_failed_is_about_its_notifier() -> None:
    event = notify_events.delivery_failed(
        events.failure(), "slack-ops", "slack:slack-ops: 404", events.event_id(), events.START
    )
    told = message(event)
    assert told.name == "slack-ops"
    assert told.headline.startswith("⚠️ slack-ops ")
    assert told.sentence == "A message has not been delivered: slack:slack-ops: 404"


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (TriggeredBy.CRON, "by cron"),
        (TriggeredBy.API, "by the API"),
        (TriggeredBy.SERVICE, "by the service"),
        (TriggeredBy.STARTUP, "at startup"),
    ],
)
def test_the_trigger_is_told(by: TriggeredBy, words: str) -> None:
    assert _ended(EndReason.SUCCESS, triggered_by=by).trigger == f"Triggered {words} · 2 Mar, 03:00"


@pytest.mark.parametrize(
    ("reason", "has_tail"),
    [
        (EndReason.FAILED, True),
        (EndReason.TIMEOUT, True),
        (EndReason.SUCCESS, False),
        (EndReason.CRASHED, False),
    ],
)
def test_only_failures_and_timeouts_show_output(reason: EndReason, has_tail: bool) -> None:
    event = events.ended(events.ended_run(reason))
    assert message(event, tail="out").tail == ("out" if has_tail else "")


def test_links_are_percent_encoded_and_lead_to_the_task_when_space_is_short() -> None:
    url = "https://jobs.example.net/base//"
    event = events.disk_pressure("db:backup/ä?")
    assert (
        message(event, external_url=url).link == "https://jobs.example.net/base/tasks/db%3Abackup%2F%C3%A4%3F"
    )
    assert message(events.failure("a b"), external_url=None).link == ""


@pytest.mark.parametrize(
    ("count", "is_summary", "note"),
    [
        (None, False, ""),
        (10, False, "Check-in: 10 times since the last message."),
        (4, True, "Closing summary: 4 times since the last message."),
        (1, True, "Closing summary: once since the last message."),
    ],
)
def test_repeats_are_counted(count: int | None, is_summary: bool, note: str) -> None:
    told = message(events.failure(), coalesced_count=count, coalesced_summary=is_summary)
    assert told.coalesced_note == note


def test_every_kind_has_an_emoji_of_its_own() -> None:
    event = events.failure()
    extra = {"channel": "c", "original_kind": "run.failed"}
    found = {message(evolve(event, kind=kind, extra=extra)).emoji for kind in NotifyKind}
    assert len(found) == len(NotifyKind)


@given(messages())
def test_every_block_is_a_clean_line(told: Message) -> None:
    for block in (told.headline, told.sentence, told.trigger, told.link, told.footer, told.coalesced_note):
        assert block.encode().decode().splitlines() in ([], [block])
    assert told.title.startswith(told.name)


@given(names)
def test_a_link_has_the_task_as_one_part(name: str) -> None:
    link = message(events.failure(name), external_url="https://jobs.example.net").link
    assert link.isascii()
    assert link.count("/") == 5
    assert not set(' "<>\\\n?#') & set(link)
