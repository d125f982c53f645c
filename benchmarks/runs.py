"""Short runs: how many per second, alone and beside many children that live on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.engine import seconds_for
from benchmarks.figures import Reading

ENGINE = "engine"
CROWDED_ENGINE = "engine with 300 live children"
SUBPROCESS = "subprocess.run on 2 threads"
RUNS_PER_SECOND = "runs per second"
AT_A_TIME = 4
COMMAND = "echo hi"
_COUNT = 2000
_QUICK_COUNT = 400
_SERVICES = 5
_INSTANCES = 60
_THREADS = 2

_TASK = f"""
[tasks.echo]
parallelism = {AT_A_TIME}
max_queued = 10_000
run = "{COMMAND}"
"""
_CROWD = "".join(
    f"""
[services.sleeper-{number}]
instances = {_INSTANCES}
run = "exec sleep 1000000"
"""
    for number in range(_SERVICES)
)


def _count(bench: Bench) -> int:
    return _QUICK_COUNT if bench.is_quick else _COUNT


@contextmanager
def _engine(config: str, bench: Bench) -> Iterator[Measure]:
    def measure() -> Reading:
        count = _count(bench)
        # Removed with all others at the end: to create files soon after many were deleted takes some file
        # systems several times as long.
        home = Path(mkdtemp(dir=bench.scratch))
        return {RUNS_PER_SECOND: count / seconds_for(home, config, "echo", count)}

    yield measure


@contextmanager
def _subprocess(bench: Bench) -> Iterator[Measure]:
    def run(_: int) -> None:
        subprocess.run(["/bin/sh", "-c", COMMAND], capture_output=True, check=True)

    def measure() -> Reading:
        count = _count(bench)
        with ThreadPoolExecutor(_THREADS) as pool:
            began_s = time.perf_counter()
            list(pool.map(run, range(count)))
            return {RUNS_PER_SECOND: count / (time.perf_counter() - began_s)}

    yield measure


CONTEST = Contest(
    "runs",
    (
        Contender(ENGINE, partial(_engine, _TASK)),
        Contender(SUBPROCESS, _subprocess),
        Contender(CROWDED_ENGINE, partial(_engine, _TASK + _CROWD)),
    ),
)
