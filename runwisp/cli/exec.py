"""``runwisp exec``: runs one task in this process (spec: interfaces, exec; runtime, exec)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import click

from runwisp.cli.completing import configured_tasks
from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.documents import no_run_document, outcome_document, run_exit_code
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import print_json
from runwisp.cli.streams import abandon
from runwisp.errors import DataDirLocked
from runwisp.lean import import_reactor
from runwisp.model import Stream
from runwisp.policy.triggering import check_exec
from runwisp.store.datadir import DataDir

if TYPE_CHECKING:
    from runwisp.logs.live import Batch

INTERRUPTED = 130


@click.command("exec", cls=JsonCommand, failure=no_run_document, short_help="run a task in this process")
@click.argument("task", shell_complete=configured_tasks)
@click.pass_obj
def command(settings: Globals, task: str, as_json: bool) -> None:
    """Run TASK in this process, with its output on the terminal, and record it like any run.

    Retries are followed; the exit code is that of the last attempt. Ctrl-C stops the task. A daemon must not
    be using the data directory meanwhile. With --json the output goes to stderr.

    \b
    Examples:
      runwisp exec nightly-backup
      runwisp exec --data scratch nightly-backup   # beside a daemon that has the usual one
    """
    config = load_config(find_config(settings))
    check_exec(config, task)
    data_dir = DataDir(settings.data)
    data_dir.prepare()
    _lock(data_dir, task)
    try:
        # Twisted takes a fifth of a second to import: a refused command is not to wait for it.
        import_reactor()
        from runwisp.engine.solo import run_solo

        outcome = run_solo(config, data_dir, task, _json_echo if as_json else _echo)
    finally:
        data_dir.unlock()
    if as_json:
        print_json(outcome_document(outcome.run))
    sys.exit(INTERRUPTED if outcome.is_interrupted else run_exit_code(outcome.run))


def _lock(data_dir: DataDir, task: str) -> None:
    try:
        data_dir.lock()
    except DataDirLocked as error:
        error.hints = [f"if that is a daemon, ask it: `runwisp run-task {task}`"]
        raise


def _echo(batch: Batch) -> None:
    _show(batch, sys.stdout if batch.stream is Stream.STDOUT else sys.stderr)


def _json_echo(batch: Batch) -> None:
    _show(batch, sys.stderr)


def _show(batch: Batch, target: TextIO) -> None:
    try:
        target.buffer.write(batch.data)
        target.buffer.flush()
    except OSError:
        # Nobody reads any more, or the disk is full; the run goes on, and its log is not concerned.
        abandon(target)
