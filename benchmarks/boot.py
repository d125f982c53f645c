"""The start of a daemon that has many tasks and a long past."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Cursor
from tempfile import TemporaryDirectory

from benchmarks import history
from benchmarks.allowance import allow
from benchmarks.background import compile_runwisp, running, runwisp_daemon, wait_until
from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.figures import Reading
from runwisp.model import Run, RunId, UnixMs

DAEMON = "daemon"
SECONDS = "seconds until ready"
TASKS = 1_000
RUNS = 1_000_000
_ALLOWED_S = 2.0
_GLANCE_S = 0.005
#: Between two runs, in ms.
_STEP_MS = 50
_READY = re.compile(r"\bready .*\bversion=")


def _config() -> str:
    """Tasks of which none is due, and none has missed anything."""
    return "".join(
        f"""
[tasks.task-{number}]
cron = "{number % 60} {number // 60 % 24} 29 2 *"
run = "true"
"""
        for number in range(TASKS)
    )


def _past(now: UnixMs) -> Iterator[Run]:
    for number in range(RUNS):
        created_at = UnixMs(now - _STEP_MS * (RUNS - number))
        yield history.success(RunId(f"{number:026}"), f"task-{number % TASKS}", created_at)


@contextmanager
def _daemon(bench: Bench) -> Iterator[Measure]:
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        compile_runwisp()
        command = runwisp_daemon(home, _config())
        now = UnixMs(int(time.time() * 1000))

        def fill(cursor: Cursor) -> None:
            history.insert(cursor, _past(now))
            for number in range(TASKS):
                history.register(cursor, f"task-{number}", now)

        history.write(history.data_dir(home), fill)

        def measure() -> Reading:
            began_s = time.perf_counter()
            with running(command, home):
                wait_until(lambda: _is_ready(home), "the daemon should be ready", _GLANCE_S)
                return {SECONDS: time.perf_counter() - began_s}

        yield measure


def _is_ready(home: Path) -> bool:
    """The daemon in ``home`` has said that it is up."""
    return _READY.search((home / "output.txt").read_text()) is not None


CONTEST = Contest("boot", (Contender(DAEMON, _daemon), allow(SECONDS, _ALLOWED_S)))
