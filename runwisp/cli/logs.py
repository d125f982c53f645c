"""``runwisp logs``: what runs have printed (spec: interfaces, logs)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

import click
from attrs import evolve, frozen

from runwisp.cli.completing import units
from runwisp.cli.options import Globals
from runwisp.cli.output import note, print_error
from runwisp.cli.printers import JsonPrinter, Printer, TextPrinter, tell_rotation
from runwisp.cli.source import Log, Source, open_source
from runwisp.cli.targets import Choice, choose_runs, is_pattern, is_run_id
from runwisp.model import Status, UnixMs
from runwisp.units import now_ms

#: How many lines of each run --follow begins with.
_FOLLOWED_LINES = 10


@frozen
class Excerpt:
    """How much of each log is shown: ``count`` lines of its beginning or its end, None for all of it."""

    count: int | None = None
    is_beginning: bool = False

    def range(self, log: Log) -> tuple[int, int]:
        """Numbers of the first and the last line to show; the first is higher if there is nothing to show."""
        first, last = log.first_available, log.total_lines
        if self.count is None:
            return first, last
        if self.is_beginning:
            return first, min(last, first + self.count - 1)
        return max(first, last - self.count + 1), last

    def is_cut(self, log: Log) -> bool:
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
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True, shell_complete=units())
@click.option(
    "-n",
    "--lines",
    "excerpt",
    callback=_excerpt,
    metavar="[+]N",
    help="Show the last N lines of each run, with + the first N.  [default: all, 10 with --follow]",
)
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines and new runs until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON object.")
@click.pass_context
def command(
    ctx: click.Context, targets: Sequence[str], excerpt: Excerpt, follow: bool, as_json: bool
) -> None:
    """Print the output of each TARGET: a task, a service, a pattern like 'db-*', or the id of a run.

    A name stands for what is running of it, or else for its latest run. What a run wrote to stderr goes to
    stderr, and so does what became of it. With only ids of runs, --follow ends when these have ended.

    \b
    Examples:
      runwisp logs nightly-backup               # its latest run
      runwisp logs -n 100 -f web 'worker-*'     # what they say from now on
      runwisp logs 01JA9XQ4Z6M8T2V7C3K5N0RK7Q   # one run
    """
    if follow and excerpt.is_beginning:
        raise click.UsageError("--lines +N does not go with --follow", ctx)
    settings: Globals = ctx.obj
    if follow:
        is_complete = _follow(settings, targets, excerpt, as_json=as_json)
    else:
        is_complete = _print(settings, targets, excerpt, as_json=as_json)
    if not is_complete:
        ctx.exit(1)


def _print(settings: Globals, targets: Sequence[str], excerpt: Excerpt, *, as_json: bool) -> bool:
    """Show what there is; False if some of the targets mean nothing."""
    with open_source(settings) as source:
        choice = _choose(source, targets)
        printer = _printer(choice, as_json=as_json)
        for run in choice.runs:
            with source.log(run) as log:
                if excerpt.is_cut(log):
                    tell_rotation(run, log.first_available)
                printer.print(run, log.lines(*excerpt.range(log)))
            if run.status is Status.ENDED:
                printer.end(run)
    return not choice.errors


def _follow(settings: Globals, targets: Sequence[str], excerpt: Excerpt, *, as_json: bool) -> bool:
    """Show what there is and what is to come; False if some of the targets mean nothing."""
    from runwisp.cli.connecting import connected
    from runwisp.cli.follow import Follower
    from runwisp.cli.remote import ApiSource

    excerpt = evolve(excerpt, count=_FOLLOWED_LINES) if excerpt.count is None else excerpt
    names = [target for target in targets if not is_run_id(target)]

    def is_wanted(name: str) -> bool:
        return any(fnmatchcase(name, target) if is_pattern(target) else name == target for target in names)

    choice = Choice()
    with connected(settings) as api, suppress(KeyboardInterrupt):
        # Whoever follows is patient with a daemon that goes away; here there has to be one.
        api.is_healthy()
        source, follower = ApiSource(api), Follower(api)
        if names:
            follower.watch()
        choice = _choose(source, targets)
        if choice.errors and not choice.runs and not choice.idle_names:
            return False
        for run in choice.runs:
            with source.log(run) as log:
                if excerpt.is_cut(log):
                    tell_rotation(run, log.first_available)
                follower.add(run, excerpt.range(log)[0])
        is_mixed = len(targets) > 1 or any(map(is_pattern, targets))
        follower.run(_printer(choice, as_json=as_json, is_mixed=is_mixed), is_wanted if names else None)
    return not choice.errors


def _choose(source: Source, targets: Sequence[str]) -> Choice:
    """The runs to show; what is wrong with the targets is told."""
    choice = choose_runs(source, targets)
    for error in choice.errors:
        print_error(error)
    for name in choice.idle_names:
        note(f"{name} has not run yet")
    return choice


def _printer(choice: Choice, *, as_json: bool, is_mixed: bool = False) -> Printer:
    return JsonPrinter() if as_json else TextPrinter(choice.runs, _now, is_mixed=is_mixed)


def _now() -> UnixMs:
    return now_ms(time.time)
