"""A daemon starts and has many missed slots to make up for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Cursor
from tempfile import mkdtemp

from benchmarks import history
from benchmarks.background import compile_runwisp, running, runwisp_daemon, wait_until
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading
from runwisp.model import UnixMs
from runwisp.store import connection, runs

DAEMON = "daemon"
SUBPROCESS = "subprocess.run on 2 threads"
SECONDS = "seconds"
RUNS = 200
COMMAND = "true"
_TASK = "hourly"
_CONFIG = f"""
[scheduler]
timezone = "UTC"

[tasks.{_TASK}]
cron = "@hourly"
catch_up = "all"
parallelism = 4
run = "{COMMAND}"
"""
_HOUR_MS = 3_600_000
_THREADS = 2
_GLANCE_S = 0.005


def _successes(cursor: Cursor) -> int:
    totals = runs.totals(cursor, [_TASK])
    if totals.failed:
        raise MeasurementFailed(f"{totals.failed} runs failed")
    return totals.success


@contextmanager
def _daemon(bench: Bench) -> Iterator[Measure]:
    compile_runwisp()

    def measure() -> Reading:
        home = Path(mkdtemp(dir=bench.scratch))
        data = history.data_dir(home)
        command = runwisp_daemon(home, _CONFIG)
        now = UnixMs(int(time.time() * 1000))
        last_tick = UnixMs(now - now % _HOUR_MS - RUNS * _HOUR_MS)
        history.write(data, lambda cursor: history.register(cursor, _TASK, last_tick))
        began_s = time.perf_counter()
        # It only reads, but a connection that can do nothing else must not be the first to open the database.
        with running(command, home), closing(connection.open_writer(data.database)) as watcher:
            cursor = watcher.cursor()
            wait_until(lambda: _successes(cursor) >= RUNS, "all runs should be made up for", _GLANCE_S)
            return {SECONDS: time.perf_counter() - began_s}

    yield measure


@contextmanager
def _subprocess(bench: Bench) -> Iterator[Measure]:
    def run(_: int) -> None:
        subprocess.run(["/bin/sh", "-c", COMMAND], capture_output=True, check=True)

    def measure() -> Reading:
        with ThreadPoolExecutor(_THREADS) as pool:
            began_s = time.perf_counter()
            list(pool.map(run, range(RUNS)))
            return {SECONDS: time.perf_counter() - began_s}

    yield measure


CONTEST = Contest("catch-up", (Contender(DAEMON, _daemon), Contender(SUBPROCESS, _subprocess)))
