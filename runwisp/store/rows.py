"""Rows of the table ``runs`` and :class:`~runwisp.model.Run`, and moments as the database writes them."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import fields

from runwisp.model import EndReason, Run, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.units import format_time, parse_time

Value: TypeAlias = str | int | float | None

#: The columns are the attributes of a run, in the same order.
COLUMNS = ", ".join(attribute.name for attribute in fields(Run))
PLACES = ", ".join("?" for _ in fields(Run))


def to_text(moment: UnixMs | None) -> str | None:
    """RFC 3339 with milliseconds and ``Z``; text order is time order."""
    return None if moment is None else format_time(moment)


def to_moment(text: str | None) -> UnixMs | None:
    return None if text is None else parse_time(text)


def to_row(run: Run) -> tuple[Value, ...]:
    """The values of ``COLUMNS``."""
    return (
        run.id,
        run.task_name,
        run.status.value,
        format_time(run.created_at),
        run.triggered_by.value,
        run.trigger_source.value if run.trigger_source is not None else None,
        run.end_reason.value if run.end_reason is not None else None,
        run.exit_code,
        to_text(run.start_at),
        to_text(run.end_at),
        run.retry_attempt,
        run.retry_of_run_id,
        to_text(run.next_retry_at),
        run.replica_index,
        run.is_failure,
        run.message,
        run.process_group,
        run.process_started,
        run.peak_memory_bytes,
        run.cpu_time,
    )


def to_run(row: tuple[Any, ...]) -> Run:  # sqlite3 does not say what its rows hold
    """The run whose ``COLUMNS`` these are."""
    (
        run_id,
        task_name,
        status,
        created_at,
        triggered_by,
        trigger_source,
        end_reason,
        exit_code,
        start_at,
        end_at,
        retry_attempt,
        retry_of_run_id,
        next_retry_at,
        replica_index,
        is_failure,
        message,
        process_group,
        process_started,
        peak_memory_bytes,
        cpu_time,
    ) = row
    return Run(
        id=run_id,
        task_name=task_name,
        status=Status(status),
        created_at=parse_time(created_at),
        triggered_by=TriggeredBy(triggered_by),
        trigger_source=TriggerSource(trigger_source) if trigger_source is not None else None,
        end_reason=EndReason(end_reason) if end_reason is not None else None,
        exit_code=exit_code,
        start_at=to_moment(start_at),
        end_at=to_moment(end_at),
        retry_attempt=retry_attempt,
        retry_of_run_id=retry_of_run_id,
        next_retry_at=to_moment(next_retry_at),
        replica_index=replica_index,
        is_failure=bool(is_failure),
        message=message,
        process_group=process_group,
        process_started=process_started,
        peak_memory_bytes=peak_memory_bytes,
        cpu_time=cpu_time,
    )
