"""Events for notifications, as the engine raises them."""

from __future__ import annotations

from itertools import count
from typing import Any

from attrs import evolve

from runwisp.model import Bytes, EndReason, NotifyEvent, NotifyKind, Run, Status, UnixMs
from runwisp.policy import notify_events
from tests import make

#: 2026-03-02 02:00:00 UTC.
START = UnixMs(1_772_416_800_000)

_numbers = count(1)


def event_id() -> str:
    """An id above all that were given before."""
    return f"01JA9Y0H8N3QF5W6B2X4{next(_numbers):06}"


# Any: the fields of a run have types of their own, which evolve checks no further.
def ended_run(reason: EndReason = EndReason.FAILED, task_name: str = "backup", **changes: Any) -> Run:
    """A run of 41 seconds with exit code 3, or 0 for a success, that counts as failure if it usually does."""
    ended = make.run(
        task_name,
        status=Status.ENDED,
        end_reason=reason,
        exit_code=0 if reason is EndReason.SUCCESS else 3,
        start_at=UnixMs(START - 41_000),
        end_at=START,
        is_failure=notify_events.kind_of_end(make.run(end_reason=reason)) in notify_events.FAILURES
        or reason is EndReason.START_FAILED,
    )
    return evolve(ended, **changes)


def failure(task_name: str = "backup", at_s: float = 0.0, **changes: Any) -> NotifyEvent:
    """A failed run of a task, ``at_s`` seconds after :data:`START`."""
    event = notify_events.run_ended(
        ended_run(EndReason.FAILED, task_name, **changes), event_id(), after(at_s)
    )
    assert event is not None
    return event


def ended(run: Run) -> NotifyEvent:
    event = notify_events.run_ended(run, event_id(), START)
    assert event is not None
    return event


def success(task_name: str = "backup") -> NotifyEvent:
    return ended(ended_run(EndReason.SUCCESS, task_name))


def started(task_name: str = "backup") -> NotifyEvent:
    run = make.run(task_name, status=Status.RUNNING, start_at=START)
    return notify_events.run_started(run, event_id(), START)


def gave_up(task_name: str = "web", **changes: Any) -> NotifyEvent:
    run = ended_run(EndReason.START_FAILED, task_name, **changes)
    return notify_events.service_fatal(run, 5, event_id(), START)


def disk_pressure(task_name: str = "backup", *, killed_task: bool = False) -> NotifyEvent:
    return notify_events.disk_pressure(
        make.run(task_name, status=Status.RUNNING, start_at=START),
        free_bytes=Bytes(300 * 1024**2),
        min_free_bytes=Bytes(1024**3),
        killed_task=killed_task,
        event_id=event_id(),
        now=START,
    )


def undelivered(original: NotifyEvent | None = None, channel: str = "ops", at_s: float = 0.0) -> NotifyEvent:
    return notify_events.delivery_failed(
        original or failure(), channel, "slack:ops: 404 Not Found", event_id(), after(at_s)
    )


def trial() -> NotifyEvent:
    return notify_events.notify_test(event_id(), START)


def one_of_each() -> dict[NotifyKind, NotifyEvent]:
    """An event of every kind there is."""
    reasons = [
        EndReason.SUCCESS,
        EndReason.FAILED,
        EndReason.TIMEOUT,
        EndReason.CRASHED,
        EndReason.STOPPED,
        EndReason.QUEUE_FULL,
        EndReason.MISSED,
    ]
    events = [ended(ended_run(reason)) for reason in reasons]
    events += [started(), gave_up(), disk_pressure(), undelivered(), trial()]
    return {event.kind: event for event in events}


def after(seconds: float) -> UnixMs:
    return UnixMs(START + round(seconds * 1000))
