"""The deletion of many old runs at once, which must not hold up the reactor (:mod:`benchmarks.sweeping`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from benchmarks.allowance import allow
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading

HOUSEKEEPING = "housekeeping"
LONGEST_WAIT = "ms of the longest wait"
RUNS = 100_000
_QUICK_RUNS = 10_000
_ALLOWED_MS = 50.0
_PATIENCE_S = 600.0


@contextmanager
def _sweep(bench: Bench) -> Iterator[Measure]:
    count = _QUICK_RUNS if bench.is_quick else RUNS

    def measure() -> Reading:
        with TemporaryDirectory(dir=bench.scratch) as directory:
            command = [sys.executable, "-m", "benchmarks.sweeping", directory, str(count)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        if done.returncode != 0:
            raise MeasurementFailed(f"the sweep failed: {done.stderr[-2000:]}")
        longest_ms, took_s = map(float, done.stdout.split())
        return {LONGEST_WAIT: longest_ms, "runs deleted per second": count / took_s}

    yield measure


CONTEST = Contest("retention", (Contender(HOUSEKEEPING, _sweep), allow(LONGEST_WAIT, _ALLOWED_MS)))
