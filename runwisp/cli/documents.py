"""JSON documents that several commands print (spec: interfaces, JSON documents)."""

from __future__ import annotations

import click

from runwisp.client.resources import RemoteRun
from runwisp.errors import Problem, RunWispError
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.units import format_time


def problem_document(problem: Problem) -> dict[str, object]:
    """A finding about the configuration (spec: config, validate)."""
    return {
        "class": problem.class_,
        "message": problem.message,
        "key": problem.key,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
    }


def run_document(run: Run) -> dict[str, object]:
    """A run with the fields of the API; whether a live one is stopping is known to the daemon alone.

    Spec: rest, run.
    """
    if isinstance(run, RemoteRun):
        return dict(run.document)
    return {
        "id": run.id,
        "task_name": run.task_name,
        "status": run.status,
        "end_reason": run.end_reason,
        "exit_code": run.exit_code,
        "is_failure": run.is_failure,
        "message": run.message,
        "created_at": format_time(run.created_at),
        "start_at": _time(run.start_at),
        "end_at": _time(run.end_at),
        "duration": run.duration,
        "triggered_by": run.triggered_by,
        "trigger_source": run.trigger_source,
        "retry_attempt": run.retry_attempt,
        "retry_of_run_id": run.retry_of_run_id,
        "next_retry_at": _time(run.next_retry_at),
        "replica_index": run.replica_index,
        "stopping": False if run.status is Status.ENDED else None,
        "params": None,
        "peak_memory_bytes": run.peak_memory_bytes,
        "cpu_time": run.cpu_time,
    }


def outcome_document(run: Run) -> dict[str, object]:
    """What came of a task that was run (spec: interfaces, JSON documents)."""
    return {
        "task": run.task_name,
        "run_id": run.id,
        "status": run.status,
        "end_reason": run.end_reason,
        "exit_code": run.exit_code,
        "duration": run.duration,
        "is_failure": run.is_failure,
        "cpu_time": run.cpu_time,
        "peak_memory_bytes": run.peak_memory_bytes,
    }


def no_run_document(error: RunWispError) -> dict[str, object]:
    """The document of a command that should have run a task and could not."""
    ctx = click.get_current_context(silent=True)
    return {"task": ctx.params.get("task") if ctx is not None else None, "error": str(error)}


def run_exit_code(run: Run) -> int:
    """What the shell gets: never 0 for a run that did not succeed (spec: interfaces, exit codes)."""
    if run.end_reason is EndReason.SUCCESS:
        return 0
    return run.exit_code if run.exit_code is not None and run.exit_code > 0 else 1


def _time(moment: UnixMs | None) -> str | None:
    return format_time(moment) if moment is not None else None
