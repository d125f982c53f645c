"""A crowded second: how long after it begins the last of many jobs starts.

Both daemons stay up and have their slots at different seconds. Each job empties a file of its own, whose time
of modification is the time of its start on either side. The files are there from the beginning: to create one
soon after others were deleted takes some file systems many times as long.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import cronstable
from benchmarks.background import running, runwisp_daemon, wait_for_rest, wait_until
from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.figures import Reading

DAEMON = "daemon"
CRONSTABLE = "cronstable"
LAST_START = "seconds to the last start"
JOBS = 1000
#: Slots of one daemon are this many seconds apart, those of the other lie between them.
_EVERY_S = 30
_GLANCE_S = 0.25


def _marker(home: Path, number: int) -> str:
    return f": > {home}/marks/{number}"


def _runwisp(bench: Bench, home: Path) -> list[str]:
    return runwisp_daemon(
        home,
        "".join(
            f"""
[tasks.job-{number}]
cron = "*/{_EVERY_S} * * * * *"
run = "{_marker(home, number)}"
"""
            for number in range(JOBS)
        ),
    )


def _cronstable(bench: Bench, home: Path) -> list[str]:
    second = f"{_EVERY_S // 2}/{_EVERY_S}"
    jobs = [
        cronstable.Job(f"job-{number}", f"{second} * * * * * *", _marker(home, number))
        for number in range(JOBS)
    ]
    return cronstable.command(bench, home, jobs)


@contextmanager
def _daemon(offset_s: int, command: Callable[[Bench, Path], list[str]], bench: Bench) -> Iterator[Measure]:
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        marks = [home / "marks" / str(number) for number in range(JOBS)]
        (home / "marks").mkdir()
        for mark in marks:
            mark.touch()

        def starts() -> list[float]:
            return [mark.stat().st_mtime for mark in marks]

        def measure() -> Reading:
            slot = _slot_after(time.time(), offset_s)
            time.sleep(slot - time.time())
            wait_until(lambda: all(start >= slot for start in starts()), "all jobs should start", _GLANCE_S)
            return {LAST_START: max(starts()) - slot}

        with running(command(bench, home), home) as daemon:
            wait_for_rest(daemon, home)
            yield measure


def _slot_after(moment: float, offset_s: int) -> float:
    """The first slot after ``moment``, both in seconds since the epoch."""
    return math.ceil((moment - offset_s) / _EVERY_S) * _EVERY_S + offset_s


CONTEST = Contest(
    "due",
    (
        Contender(DAEMON, partial(_daemon, 0, _runwisp)),
        Contender(CRONSTABLE, partial(_daemon, _EVERY_S // 2, _cronstable)),
    ),
)
