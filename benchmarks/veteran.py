"""A daemon with many tasks and a long past, which is made in its directory before it is started."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Cursor
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks import history
from benchmarks.background import compile_runwisp, running, runwisp_daemon, wait_until
from benchmarks.contest import Bench
from runwisp.model import Run, RunId, UnixMs
from runwisp.store.datadir import DataDir

TASKS = 1_000
RUNS = 1_000_000
_GLANCE_S = 0.005
#: Between two runs, in ms.
_STEP_MS = 50
_READY = re.compile(r"\bready .*\bversion=")


@frozen
class Veteran:
    """The daemon, which is not running."""

    home: Path
    command: list[str]

    @property
    def data(self) -> DataDir:
        return history.data_dir(self.home)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it and wait until it is ready."""
        with running(self.command, self.home):
            wait_until(self._is_ready, "the daemon should be ready", _GLANCE_S)
            yield

    def _is_ready(self) -> bool:
        return _READY.search((self.home / "output.txt").read_text()) is not None


@contextmanager
def veteran(bench: Bench) -> Iterator[Veteran]:
    """1,000 tasks and 1,000,000 ended runs of theirs, 50 ms apart."""
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
        yield Veteran(home, command)


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
