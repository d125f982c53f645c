"""``runwisp runs``: the history (spec: interfaces, runs)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click
from attrs import evolve

from runwisp.cli.completing import groups, units, word_lists
from runwisp.cli.documents import run_document
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import note, print_json, say, table
from runwisp.cli.source import open_source
from runwisp.cli.targets import check_names
from runwisp.cli.wording import NOTHING, ago, duration_label, status_label, status_style, trigger_label
from runwisp.config.suggest import closest
from runwisp.errors import RunWispError
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.store.filters import RunFilter
from runwisp.units import now_ms

HEADER = ("ID", "TASK", "STATUS", "EXIT", "STARTED", "DURATION", "TRIGGER")

#: The word of ``--status`` for every run that counts as a failure.
FAILURE = "failure"
STATUS_WORDS = (*map(str, Status), *map(str, EndReason), FAILURE)

_STATUS_COLUMN = HEADER.index("STATUS")


def _failure(error: RunWispError) -> dict[str, object]:
    return {"runs": [], "error": str(error)}


def _wanted(ctx: click.Context, param: click.Parameter, value: str | None) -> RunFilter:
    words = [word.strip() for word in value.split(",")] if value is not None else []
    for word in words:
        if word not in STATUS_WORDS:
            nearest = closest(word, STATUS_WORDS)
            advice = f"did you mean {nearest!r}?" if nearest else f"use {', '.join(STATUS_WORDS)}"
            raise click.BadParameter(f"{word!r} is not a status; {advice}", ctx, param)
    return RunFilter(
        statuses=tuple(status for status in Status if status in words),
        end_reasons=tuple(reason for reason in EndReason if reason in words),
        is_failure=FAILURE in words,
    )


@click.command("runs", cls=JsonCommand, failure=_failure, short_help="list runs, newest first")
@click.argument("tasks", metavar="[TASK]...", nargs=-1, shell_complete=units())
@click.option(
    "-n",
    "limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="N",
    help="At most N runs.",
)
@click.option(
    "--status",
    "wanted",
    callback=_wanted,
    shell_complete=word_lists(STATUS_WORDS),
    metavar="LIST",
    help="Only runs in one of these phases or with one of these end reasons; failure means all failed ones.",
)
@click.option(
    "--group",
    metavar="NAME",
    shell_complete=groups,
    help="Only what is in this group now; '' means what is in none.",
)
@click.pass_obj
def command(
    settings: Globals, tasks: Sequence[str], limit: int, wanted: RunFilter, group: str | None, as_json: bool
) -> None:
    """List the runs of each TASK, or of all tasks and services, newest first.

    \b
    Examples:
      runwisp runs
      runwisp runs -n 100 --status failed,timeout nightly-backup
      runwisp runs --json --group Databases
    """
    with open_source(settings) as source:
        check_names(source, tasks)
        runs = source.runs(evolve(wanted, task_names=tuple(tasks) or None), limit, group)
    if as_json:
        print_json({"runs": [run_document(run) for run in runs], "error": None})
    elif runs:
        now = now_ms(time.time)
        styles = {_STATUS_COLUMN: [status_style(run) for run in runs]}
        say(table(HEADER, [_row(run, now) for run in runs], styles))
    else:
        note("no runs")


def _row(run: Run, now: UnixMs) -> tuple[str, ...]:
    return (
        run.id,
        run.label,
        status_label(run, now),
        str(run.exit_code) if run.exit_code is not None else NOTHING,
        ago(run.start_at, now),
        duration_label(run, now),
        trigger_label(run),
    )
