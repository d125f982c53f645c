"""Commands with ``--json``: one document on stdout, whatever happens (spec: interfaces, JSON documents)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from runwisp.cli.failures import explained
from runwisp.cli.output import print_json
from runwisp.client.resources import RemoteRun
from runwisp.errors import Problem, RunWispError
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.units import format_time

#: Makes the document of a command that failed.
Failure = Callable[[RunWispError], Mapping[str, object]]


class JsonCommand(click.Command):
    """A command with the flag ``--json``, passed on as ``as_json``.

    When it fails, also over its arguments, ``failure`` makes the document. The error still goes to stderr.
    """

    def __init__(self, *args: Any, failure: Failure, **kwargs: Any) -> None:  # the arguments are click's own
        super().__init__(*args, **kwargs)
        self._failure = failure
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document instead.")
        )

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        wants_json = "--json" in args
        with self._failures_told(wants_json):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with self._failures_told(ctx.params["as_json"]):
            return super().invoke(ctx)

    @contextmanager
    def _failures_told(self, wants_json: bool) -> Iterator[None]:
        try:
            yield
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if wants_json:
                print_json(self._failure(explained(error)))
            raise


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
