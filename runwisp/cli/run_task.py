"""``runwisp run-task``: asks a daemon to run a task, and follows the run (spec: interfaces, run-task)."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import TextIO

import click

from runwisp.cli.completing import units
from runwisp.cli.connecting import connected, connected_to
from runwisp.cli.documents import no_run_document, outcome_document, run_exit_code
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import note, print_json, say
from runwisp.cli.printers import TextPrinter, tell_rotation
from runwisp.client.api import Api
from runwisp.client.errors import NotFound, Unreachable
from runwisp.client.following import NewLines, Rotated, follow_log, next_attempt
from runwisp.client.resources import RemoteRun
from runwisp.config.suggest import closest
from runwisp.errors import RunWispError, UnknownUnit
from runwisp.model import Status, UnixMs
from runwisp.units import now_ms

INTERRUPTED = 130


@click.command("run-task", cls=JsonCommand, failure=no_run_document, short_help="have the daemon run a task")
@click.argument("task", shell_complete=units(lambda unit: unit.api_trigger))
@click.option("--detach", is_flag=True, help="Print the id of the run and leave.")
@click.option(
    "--url",
    metavar="URL",
    envvar="RUNWISP_URL",
    help="The daemon at this URL, with login.  [variable: RUNWISP_URL]",
)
@click.pass_obj
def command(settings: Globals, task: str, detach: bool, url: str | None, as_json: bool) -> None:
    """Have the running daemon run TASK, and show its output.

    Retries are followed; the exit code is that of the last attempt. Ctrl-C stops following, not the run. A
    service gets one more replica where there is room. With --json the output goes to stderr.

    With --url the password comes from RUNWISP_PASSWORD, else from the data directory, else from a prompt.

    \b
    Examples:
      runwisp run-task nightly-backup
      runwisp run-task --detach nightly-backup
      runwisp run-task --url https://builder:9477 nightly-backup
    """
    connection: AbstractContextManager[Api] = connected_to(url, settings) if url else connected(settings)
    code = 0
    with connection as api:
        run = _trigger(api, task)
        if not detach:
            if run.status is Status.PENDING:
                note(f"{run.label} {run.id} waits until there is a slot for it")
            run, is_over = _follow(api, run, sys.stderr if as_json else sys.stdout)
            code = run_exit_code(run) if is_over else INTERRUPTED
    if as_json:
        print_json(outcome_document(run))
    elif detach:
        say(run.id)
    sys.exit(code)


def _trigger(api: Api, task: str) -> RemoteRun:
    try:
        return api.trigger(task)
    except NotFound:
        names = [unit.name for unit in api.units()]
        raise UnknownUnit(task, names, closest(task, names)) from None


def _follow(api: Api, run: RemoteRun, stdout: TextIO) -> tuple[RemoteRun, bool]:
    """Show the run and its retries; the last attempt, and False if Ctrl-C came before its end."""
    try:
        while True:
            run = _show(api, run, stdout)
            retry = next_attempt(api, run, time.sleep)
            if retry is None:
                return run, True
            run = retry
    except Unreachable as error:
        error.hints = [f"what has become of it: `runwisp logs {run.id}`"]
        raise
    except KeyboardInterrupt:
        note(f"\n{run.label} goes on; see `runwisp logs -f {run.id}`")
        return api.run(run.id) or run, False


def _show(api: Api, run: RemoteRun, stdout: TextIO) -> RemoteRun:
    """Print what the run writes; the run when it has ended."""
    printer = TextPrinter([run], _now, stdout=stdout)
    for step in follow_log(api, run.id, 1, time.sleep):
        if isinstance(step, NewLines):
            printer.print(run, step.items)
        elif isinstance(step, Rotated):
            tell_rotation(run, step.first_available)
        else:
            printer.end(step.run)
            return step.run
    raise RunWispError(f"the log of {run.id} has no end")


def _now() -> UnixMs:
    return now_ms(time.time)
