"""``python -m benchmarks``: measures the rows and prints their table."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.contest import Bench, hold
from benchmarks.figures import Result, Row, Unmeasured
from benchmarks.rows import CONTESTS, ROWS
from benchmarks.table import render, to_json

_TOOLS = Path(__file__).parent.parent / ".tools"
#: Where temporary files are on a disk, which /tmp need not be.
_SCRATCH = "/var/tmp"


@click.command()
@click.argument("names", metavar="[ROW]...", nargs=-1, type=click.Choice(tuple(ROWS)))
@click.option("--repetitions", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--quick", is_flag=True, help="Less work in each repetition; the figures are rougher.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a row misses its target.")
def main(names: Sequence[str], repetitions: int, quick: bool, as_json: bool, strict: bool) -> None:
    """Measure RunWisp against its peers, all rows or those named.

    Rows: see benchmarks/README.rst. A row that cannot be measured makes the exit code 1 in any case.
    """
    machine = _machine()
    chosen = [row for row in ROWS.values() if row.name in names or not names]
    with TemporaryDirectory(prefix="runwisp-bench-", dir=_SCRATCH) as scratch:
        results = measure(chosen, Bench(Path(scratch), _TOOLS, quick), repetitions)
    if as_json:
        print(to_json(results))
    else:
        print(f"{machine}; medians of {repetitions} repetitions\n\n{render(results)}")
    sys.exit(exit_code(results, strict))


def measure(rows: Sequence[Row], bench: Bench, repetitions: int) -> list[Result | Unmeasured]:
    """The results of ``rows``, in their order; each contest is held once for all rows that need it."""
    outcomes = {}
    for name in dict.fromkeys(row.contest for row in rows):
        wanted = {side for row in rows if row.contest == name for side in (row.subject, row.peer)}
        outcomes[name] = hold(CONTESTS[name], wanted, bench, repetitions)
    return [outcomes[row.contest].result(row) for row in rows]


def exit_code(results: Sequence[Result | Unmeasured], strict: bool) -> int:
    """1 if a row has no figures, or if it missed its target and that counts."""
    return int(any(isinstance(result, Unmeasured) or (strict and not result.is_met) for result in results))


def _machine() -> str:
    """What the figures depend on; the load is that before the measurements."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{system}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
