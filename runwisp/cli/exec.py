"""``runwisp exec``: runs one task in this process (spec: interfaces, exec; runtime, exec)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.documents import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import print_json
from runwisp.errors import RunWispError
from runwisp.lean import import_reactor
from runwisp.model import EndReason, Run, Stream
from runwisp.policy.triggering import check_exec
from runwisp.store.datadir import DataDir

if TYPE_CHECKING:
    from runwisp.logs.live import Batch

INTERRUPTED = 130


def _failed(error: RunWispError) -> dict[str, object]:
    task = click.get_current_context(silent=True)
    return {"task": task.params.get("task") if task is not None else None, "error": str(error)}


@click.command("exec", cls=JsonCommand, failure=_failed, short_help="run a task in this process")
@click.argument("task")
@click.pass_obj
def command(settings: Globals, task: str, as_json: bool) -> None:
    """Run TASK in this process, with its output on the terminal, and record it like any run.

    Retries are followed; the exit code is that of the last attempt. Ctrl-C stops the task. A daemon must not
    be using the data directory meanwhile. With --json the output goes to stderr.

    Example: runwisp exec nightly-backup
    """
    config = load_config(find_config(settings))
    check_exec(config, task)
    data_dir = DataDir(settings.data)
    data_dir.prepare()
    data_dir.lock()
    try:
        # Twisted takes a fifth of a second to import: a refused command is not to wait for it.
        import_reactor()
        from runwisp.engine.solo import run_solo

        outcome = run_solo(config, data_dir, task, _json_echo if as_json else _echo)
    finally:
        data_dir.unlock()
    if as_json:
        print_json(_document(outcome.run))
    sys.exit(INTERRUPTED if outcome.is_interrupted else exit_code(outcome.run))


def exit_code(run: Run) -> int:
    """What the shell gets: never 0 for a run that did not succeed (spec: interfaces, exit codes)."""
    if run.end_reason is EndReason.SUCCESS:
        return 0
    return run.exit_code if run.exit_code is not None and run.exit_code > 0 else 1


def _echo(batch: Batch) -> None:
    target = sys.stdout if batch.stream is Stream.STDOUT else sys.stderr
    target.buffer.write(batch.data)
    target.buffer.flush()


def _json_echo(batch: Batch) -> None:
    sys.stderr.buffer.write(batch.data)
    sys.stderr.buffer.flush()


def _document(run: Run) -> dict[str, object]:
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
