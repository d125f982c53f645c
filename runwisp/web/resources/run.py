"""A run as the API shows it, and what belongs to lists of runs (spec: rest, run; small resources)."""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from runwisp.model import (
    Bytes,
    EndReason,
    Run,
    RunId,
    Seconds,
    Status,
    TriggeredBy,
    TriggerSource,
    UnixMs,
)


@frozen(kw_only=True)
class RunResource:
    id: RunId
    task_name: str = field(metadata={"description": "stays when the unit leaves the configuration"})
    status: Status
    end_reason: EndReason | None
    exit_code: int | None = field(
        metadata={"description": "set when ended; -2 crashed, -1 never ran or has no code"}
    )
    is_failure: bool = field(
        metadata={"description": "counts as a failure under the unit's failures; false until ended"}
    )
    message: str | None = field(metadata={"description": "why it did not run or what ended it"})
    created_at: UnixMs
    start_at: UnixMs | None
    end_at: UnixMs | None
    duration: Seconds | None
    triggered_by: TriggeredBy
    trigger_source: TriggerSource | None
    retry_attempt: int = field(metadata={"description": "0 is the first attempt"})
    retry_of_run_id: RunId | None = field(metadata={"description": "the attempt before this one"})
    next_retry_at: UnixMs | None = field(
        metadata={"description": "when the waiting retry of this run is due, until that exists"}
    )
    replica_index: int
    stopping: bool = field(metadata={"description": "a stop was requested and the process has not ended yet"})
    params: None = field(default=None, metadata={"description": "reserved"})
    peak_memory_bytes: Bytes | None
    cpu_time: Seconds | None = field(metadata={"description": "user and system time"})


def run_resource(run: Run, stopping: bool) -> RunResource:
    """What the API shows of ``run``.

    :param stopping: a stop was requested and the process has not ended yet; the row does not tell
    """
    return RunResource(
        id=run.id,
        task_name=run.task_name,
        status=run.status,
        end_reason=run.end_reason,
        exit_code=run.exit_code,
        is_failure=run.is_failure,
        message=run.message,
        created_at=run.created_at,
        start_at=run.start_at,
        end_at=run.end_at,
        duration=run.duration,
        triggered_by=run.triggered_by,
        trigger_source=run.trigger_source,
        retry_attempt=run.retry_attempt,
        retry_of_run_id=run.retry_of_run_id,
        next_retry_at=run.next_retry_at,
        replica_index=run.replica_index,
        stopping=stopping,
        peak_memory_bytes=run.peak_memory_bytes,
        cpu_time=run.cpu_time,
    )


@frozen(kw_only=True)
class RunList:
    items: tuple[RunResource, ...]
    next_cursor: str | None
    total: int | None = field(
        metadata={"description": "all matches; only on the first page, and null where that takes too long"}
    )


@frozen(kw_only=True)
class RunSummary:
    total: int
    success: int
    failed: int = field(metadata={"description": "failures except missed runs"})
    missed: int
    last_failure_at: UnixMs | None


class SkipReason(StrEnum):
    """Why a bulk call passed over a run."""

    ACTIVE = "active"
    ENDED = "ended"
    LOCKED = "locked"
    SERVICE = "service"
    REMOVED = "removed"
    UNKNOWN = "unknown"


@frozen
class SkippedRun:
    id: RunId
    reason: SkipReason


@frozen(kw_only=True)
class BulkResult:
    affected: int
    skipped: tuple[SkippedRun, ...] = field(metadata={"description": "with match_all only the first 1,000"})
    created: tuple[RunResource, ...] = field(metadata={"description": "by task name; of a re-run only"})
