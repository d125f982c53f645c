from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from runwisp.model import Bytes, EndReason, NotifyKind, Severity
from runwisp.policy import notify_events
from runwisp.policy.notify_events import body, counts_as_failure, is_played_down, run_ended, title
from tests.notify import events
from tests.notify.events import START, ended_run


@pytest.mark.parametrize(
    ("reason", "kind", "severity"),
    [
        ("success", "run.succeeded", "info"),
        ("failed", "run.failed", "error"),
        ("log_overflow", "run.failed", "error"),
        ("unhealthy", "run.failed", "error"),
        ("timeout", "run.timeout", "error"),
        ("crashed", "run.crashed", "error"),
        ("missed", "run.missed", "error"),
        ("stopped", "run.stopped", "warn"),
        ("daemon_stopped", "run.stopped", "warn"),
        ("queue_full", "run.queue_full", "warn"),
    ],
)
def test_an_end_reason_decides_kind_and_severity(reason: str, kind: str, severity: str) -> None:
    run = ended_run(EndReason(reason))
    event = run_ended(run, "01A", START)
    assert event is not None
    assert (event.kind, event.severity) == (kind, severity)
    assert (event.id, event.timestamp, event.task_name, event.run) == ("01A", START, "backup", run)
    assert counts_as_failure(event) is (severity == "error")
    assert not is_played_down(event)


@pytest.mark.parametrize("reason", ["skipped", "dst_skipped", "start_failed"])
def test_some_ends_raise_nothing(reason: str) -> None:
    assert run_ended(ended_run(EndReason(reason)), "01A", START) is None


@pytest.mark.parametrize("reason", ["skipped", "dst_skipped", "stopped", "daemon_stopped", "queue_full"])
def test_a_reason_that_the_unit_adds_to_its_failures_is_a_failed_run(reason: str) -> None:
    event = run_ended(ended_run(EndReason(reason), is_failure=True), "01A", START)
    assert event is not None
    assert (event.kind, event.severity) == (NotifyKind.RUN_FAILED, Severity.ERROR)
    assert counts_as_failure(event)


@pytest.mark.parametrize("reason", ["failed", "log_overflow", "unhealthy", "timeout", "crashed", "missed"])
def test_what_the_unit_takes_out_of_its_failures_is_played_down(reason: str) -> None:
    usual = run_ended(ended_run(EndReason(reason)), "01A", START)
    event = run_ended(ended_run(EndReason(reason), is_failure=False), "01A", START)
    assert usual is not None
    assert event is not None
    assert (event.kind, event.severity) == (usual.kind, Severity.INFO)
    assert is_played_down(event)
    assert not counts_as_failure(event)


def test_a_replica_that_gave_up_is_told_with_its_attempts() -> None:
    event = events.gave_up(replica_index=2)
    assert (event.kind, event.severity) == (NotifyKind.SERVICE_FATAL, Severity.ERROR)
    assert event.extra == {"replica_index": 2, "attempts": 5, "last_exit_code": 3}
    assert title(event) == "web#2 gave up"
    assert counts_as_failure(event)
    assert is_played_down(events.gave_up(is_failure=False))


def test_starts_are_for_those_who_ask_for_them() -> None:
    event = events.started()
    assert (event.kind, event.severity, event.reason) == (NotifyKind.RUN_STARTED, Severity.INFO, "")
    assert is_played_down(event)


@pytest.mark.parametrize(
    ("free", "wanted", "killed", "reason"),
    [
        (300 * 1024**2, 1024**3, False, "300 MB free of at least 1 GB; its output is no longer stored"),
        (0, 0, True, "0 B free; the run is killed"),
        (None, 0, False, "an unknown amount is free; its output is no longer stored"),
    ],
)
def test_a_full_disk_is_told_with_its_figures(
    free: int | None, wanted: int, killed: bool, reason: str
) -> None:
    run = events.disk_pressure().run
    assert run is not None
    event = notify_events.disk_pressure(
        run,
        free_bytes=None if free is None else Bytes(free),
        min_free_bytes=Bytes(wanted),
        killed_task=killed,
        event_id="01A",
        now=START,
    )
    assert (event.kind, event.severity, event.reason) == ("log.disk_pressure", "warn", reason)
    assert event.extra == {
        "run_id": run.id,
        "free_bytes": free,
        "min_free_bytes": wanted,
        "killed_task": killed,
    }


def test_a_failed_delivery_names_its_channel_and_what_it_was_about() -> None:
    original = events.failure()
    event = events.undelivered(original)
    assert (event.kind, event.severity, event.task_name) == ("notify.delivery_failed", "warn", "backup")
    assert event.extra == {"channel": "ops", "original_kind": "run.failed", "task_name": "backup"}
    assert event.reason == "slack:ops: 404 Not Found"
    assert title(event) == "ops could not deliver"
    assert not counts_as_failure(event)


@pytest.mark.parametrize(
    ("reason", "changes", "said"),
    [
        ("failed", {}, "failed, exit code 3, 41 s"),
        ("failed", {"exit_code": 0}, "failed, 41 s"),
        ("timeout", {"exit_code": -1}, "timeout, exit code -1, 41 s"),
        ("missed", {"exit_code": -1, "start_at": None}, "missed, exit code -1"),
        ("failed", {"message": "no such directory"}, "no such directory"),
        ("log_overflow", {"end_at": START - 600}, "log_overflow, exit code 3, 40 s"),
        ("success", {}, ""),
        ("success", {"message": "odd"}, "odd"),
    ],
)
def test_the_reason_is_the_error_or_else_the_outcome(
    reason: str,
    changes: dict[str, Any],  # Any: each field of a run has a type of its own
    said: str,
) -> None:
    assert events.ended(ended_run(EndReason(reason), **changes)).reason == said


def test_every_kind_has_a_title_with_the_unit_and_its_replica() -> None:
    titles = {kind: title(event) for kind, event in events.one_of_each().items()}
    assert titles.keys() == set(NotifyKind)
    for kind in set(NotifyKind) - {NotifyKind.DELIVERY_FAILED, NotifyKind.TEST}:
        assert titles[kind].startswith(("backup ", "web "))
    assert "None" not in titles[NotifyKind.TEST]
    third = evolve(events.failure(), run=ended_run(replica_index=2))
    assert title(third) == "backup#2 failed"


def test_the_body_is_the_reason_and_the_run() -> None:
    event = events.failure()
    assert event.run is not None
    assert body(event) == f"failed, exit code 3, 41 s · run {event.run.id}"
    assert body(evolve(event, reason="")) == f"run {event.run.id}"
    assert body(evolve(event, run=None)) == "failed, exit code 3, 41 s"
    assert body(events.trial()) == ""
