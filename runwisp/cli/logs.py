"""``runwisp logs``: what runs have printed (spec: interfaces, logs)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click
from attrs import frozen

from runwisp.cli.options import Globals
from runwisp.cli.output import note, print_error
from runwisp.cli.printers import JsonPrinter, TextPrinter
from runwisp.cli.source import open_source
from runwisp.cli.targets import choose_runs
from runwisp.errors import RunWispError
from runwisp.logs.reader import Snapshot
from runwisp.units import now_ms


@frozen
class Excerpt:
    """How much of each log is shown: ``count`` lines of its beginning or its end, None for all of it."""

    count: int | None = None
    is_beginning: bool = False

    def range(self, log: Snapshot) -> tuple[int, int]:
        """Numbers of the first and the last line to show; the first is higher if there is nothing to show."""
        first, last = log.first_available, log.total_lines
        if self.count is None:
            return first, last
        if self.is_beginning:
            return first, min(last, first + self.count - 1)
        return max(first, last - self.count + 1), last

    def is_cut(self, log: Snapshot) -> bool:
        """True if some of the lines that were asked for are no longer there."""
        if self.count is None or self.is_beginning:
            return log.truncated and self.count != 0
        return log.truncated and self.count > log.total_lines - log.first_available + 1


def _excerpt(ctx: click.Context, param: click.Parameter, value: str | None) -> Excerpt:
    """``100``: the last lines, ``+100``: the first ones."""
    if value is None:
        return Excerpt()
    digits = value.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise click.BadParameter(f"{value!r} is not a number of lines; write it like 100 or +100", ctx, param)
    return Excerpt(int(digits), is_beginning=value.startswith("+"))


@click.command("logs", short_help="print the output of runs")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option(
    "-n",
    "--lines",
    "excerpt",
    callback=_excerpt,
    metavar="[+]N",
    help="Show the last N lines of each run, with + the first N.",
)
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines; needs a daemon to ask.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON object.")
@click.pass_context
def command(
    ctx: click.Context, targets: Sequence[str], excerpt: Excerpt, follow: bool, as_json: bool
) -> None:
    """Print the output of each TARGET: a task, a service, a pattern like 'db-*', or the id of a run.

    A name stands for what is running of it, or else for its latest run. What a run wrote to stderr goes to
    stderr, and so does what became of it.

    Example: runwisp logs -n 100 nightly-backup
    """
    if follow and excerpt.is_beginning:
        raise click.UsageError("--lines +N does not go with --follow", ctx)
    if follow:
        raise _cannot_follow()
    settings: Globals = ctx.obj
    with open_source(settings) as source:
        choice = choose_runs(source, targets)
        for error in choice.errors:
            print_error(error)
        for name in choice.idle_names:
            note(f"{name} has not run yet")
        printer = JsonPrinter() if as_json else TextPrinter(choice.runs, now_ms(time.time))
        for run in choice.runs:
            with source.log(run) as log:
                if excerpt.is_cut(log):
                    note(
                        f"{run.label}: older lines are gone, the first one available is {log.first_available}"
                    )
                printer.print(run, log.lines(*excerpt.range(log)))
    if choice.errors:
        ctx.exit(1)


def _cannot_follow() -> RunWispError:
    error = RunWispError("--follow is not possible: there is no daemon to ask")
    error.hints = ["this version reads logs from the data directory; leave out --follow"]
    return error
