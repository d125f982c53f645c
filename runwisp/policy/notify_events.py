"""What becomes an event for notifications, and what it says (spec: notifications, events)."""

from __future__ import annotations

from runwisp.model import Bytes, EndReason, NotifyEvent, NotifyKind, Run, Severity, UnixMs
from runwisp.units import format_size

_KINDS = {
    EndReason.SUCCESS: NotifyKind.RUN_SUCCEEDED,
    EndReason.FAILED: NotifyKind.RUN_FAILED,
    EndReason.LOG_OVERFLOW: NotifyKind.RUN_FAILED,
    EndReason.UNHEALTHY: NotifyKind.RUN_FAILED,
    EndReason.TIMEOUT: NotifyKind.RUN_TIMEOUT,
    EndReason.CRASHED: NotifyKind.RUN_CRASHED,
    EndReason.MISSED: NotifyKind.RUN_MISSED,
    EndReason.STOPPED: NotifyKind.RUN_STOPPED,
    EndReason.DAEMON_STOPPED: NotifyKind.RUN_STOPPED,
    EndReason.QUEUE_FULL: NotifyKind.RUN_QUEUE_FULL,
}
#: Kinds that are failures, unless the unit says otherwise.
FAILURES = frozenset(
    {
        NotifyKind.RUN_FAILED,
        NotifyKind.RUN_TIMEOUT,
        NotifyKind.RUN_CRASHED,
        NotifyKind.RUN_MISSED,
        NotifyKind.SERVICE_FATAL,
    }
)
_WARNINGS = frozenset({NotifyKind.RUN_STOPPED, NotifyKind.RUN_QUEUE_FULL})
_TITLES = {
    NotifyKind.RUN_STARTED: "{name} started",
    NotifyKind.RUN_SUCCEEDED: "{name} succeeded",
    NotifyKind.RUN_FAILED: "{name} failed",
    NotifyKind.RUN_TIMEOUT: "{name} timed out",
    NotifyKind.RUN_CRASHED: "{name} crashed",
    NotifyKind.RUN_STOPPED: "{name} was stopped",
    NotifyKind.RUN_QUEUE_FULL: "{name} was refused: the queue is full",
    NotifyKind.RUN_MISSED: "{name} missed its schedule",
    NotifyKind.SERVICE_FATAL: "{name} gave up",
    NotifyKind.LOG_DISK_PRESSURE: "{name} ran short of disk space",
    NotifyKind.DELIVERY_FAILED: "{name} could not deliver",
    NotifyKind.TEST: "Test message",
}


def kind_of_end(run: Run) -> NotifyKind | None:
    """The kind of event that the end of ``run`` raises, None if it raises none."""
    assert run.end_reason is not None
    if run.end_reason is EndReason.START_FAILED:
        return None
    kind = _KINDS.get(run.end_reason)
    if run.is_failure and kind not in FAILURES:
        return NotifyKind.RUN_FAILED
    return kind


def run_started(run: Run, event_id: str, now: UnixMs) -> NotifyEvent:
    return _of_run(NotifyKind.RUN_STARTED, Severity.INFO, run, event_id, now)


def run_ended(run: Run, event_id: str, now: UnixMs) -> NotifyEvent | None:
    """The event of an ended run; one that its unit does not count as failure has the severity info."""
    kind = kind_of_end(run)
    if kind is None:
        return None
    severity = Severity.INFO
    if kind in FAILURES and run.is_failure:
        severity = Severity.ERROR
    elif kind in _WARNINGS:
        severity = Severity.WARN
    return _of_run(kind, severity, run, event_id, now, reason=_why_ended(run))


def service_fatal(run: Run, attempts: int, event_id: str, now: UnixMs) -> NotifyEvent:
    """The event of a replica that gave up; ``run`` is its last run."""
    return _of_run(
        NotifyKind.SERVICE_FATAL,
        Severity.ERROR if run.is_failure else Severity.INFO,
        run,
        event_id,
        now,
        reason=_why_ended(run),
        replica_index=run.replica_index,
        attempts=attempts,
        last_exit_code=run.exit_code,
    )


def disk_pressure(
    run: Run,
    *,
    free_bytes: Bytes | None,
    min_free_bytes: Bytes,
    killed_task: bool,
    event_id: str,
    now: UnixMs,
) -> NotifyEvent:
    """The event of a log that was cut for lack of space; 0 for ``min_free_bytes`` is no limit."""
    free = "an unknown amount is free" if free_bytes is None else f"{format_size(free_bytes)} free"
    wanted = f" of at least {format_size(min_free_bytes)}" if min_free_bytes else ""
    effect = "the run is killed" if killed_task else "its output is no longer stored"
    return _of_run(
        NotifyKind.LOG_DISK_PRESSURE,
        Severity.WARN,
        run,
        event_id,
        now,
        reason=f"{free}{wanted}; {effect}",
        run_id=run.id,
        free_bytes=free_bytes,
        min_free_bytes=min_free_bytes,
        killed_task=killed_task,
    )


def delivery_failed(
    original: NotifyEvent, channel: str, error: str, event_id: str, now: UnixMs
) -> NotifyEvent:
    """The event of a message about ``original`` that the notifier ``channel`` could not deliver.

    :param error: why, with nothing secret in it
    """
    return NotifyEvent(
        id=event_id,
        kind=NotifyKind.DELIVERY_FAILED,
        severity=Severity.WARN,
        timestamp=now,
        task_name=original.task_name,
        run=original.run,
        reason=error,
        extra={"channel": channel, "original_kind": original.kind.value, "task_name": original.task_name},
    )


def notify_test(event_id: str, now: UnixMs) -> NotifyEvent:
    return NotifyEvent(
        id=event_id,
        kind=NotifyKind.TEST,
        severity=Severity.INFO,
        timestamp=now,
        task_name=None,
        run=None,
        reason="",
    )


def counts_as_failure(event: NotifyEvent) -> bool:
    """Whether ``event`` is a failure of its unit (spec: notifications, what counts as a failure)."""
    return event.kind in FAILURES and event.severity is Severity.ERROR


def is_played_down(event: NotifyEvent) -> bool:
    """Whether only those get ``event`` who ask for its kind.

    That is so for starts, and for what would be a failure if its unit had not said otherwise.
    """
    if event.kind is NotifyKind.RUN_STARTED:
        return True
    return event.kind in FAILURES and event.severity is Severity.INFO


def subject(event: NotifyEvent) -> str:
    """The unit, with the number of its replica; for a failed delivery the notifier; empty for a test."""
    if event.kind is NotifyKind.DELIVERY_FAILED:
        return str(event.extra["channel"])
    return event.run.label if event.run is not None else event.task_name or ""


def title(event: NotifyEvent) -> str:
    """The subject and what it did."""
    return _TITLES[event.kind].format(name=subject(event))


def body(event: NotifyEvent) -> str:
    """The reason, and the run if there is one."""
    run = f"run {event.run.id}" if event.run is not None else ""
    return " · ".join(part for part in (event.reason, run) if part)


def _of_run(
    kind: NotifyKind,
    severity: Severity,
    run: Run,
    event_id: str,
    now: UnixMs,
    reason: str = "",
    **extra: str | int | bool | None,
) -> NotifyEvent:
    return NotifyEvent(
        id=event_id,
        kind=kind,
        severity=severity,
        timestamp=now,
        task_name=run.task_name,
        run=run,
        reason=reason,
        extra=extra,
    )


def _why_ended(run: Run) -> str:
    if run.message:
        return run.message
    if run.end_reason is None or run.end_reason is EndReason.SUCCESS:
        return ""
    parts = [run.end_reason.value]
    if run.exit_code:
        parts.append(f"exit code {run.exit_code}")
    if run.duration is not None:
        parts.append(f"{round(run.duration)} s")
    return ", ".join(parts)
