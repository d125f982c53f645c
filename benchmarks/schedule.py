"""Many tasks put on the schedule at once (:mod:`benchmarks.scheduling`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from benchmarks.allowance import allow
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading

SCHEDULER = "scheduler"
SECONDS = "seconds"
TASKS = 100_000
SCHEDULES = 2_000
_ALLOWED_S = 3.0
_PATIENCE_S = 300.0


@contextmanager
def _schedule(bench: Bench) -> Iterator[Measure]:
    # In a new process each time: what the last one has computed would be found again.
    def measure() -> Reading:
        with TemporaryDirectory(dir=bench.scratch) as directory:
            command = [sys.executable, "-m", "benchmarks.scheduling", directory, str(TASKS), str(SCHEDULES)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        if done.returncode != 0:
            raise MeasurementFailed(f"the scheduler failed: {done.stderr[-2000:]}")
        return {SECONDS: float(done.stdout)}

    yield measure


CONTEST = Contest("schedule", (Contender(SCHEDULER, _schedule), allow(SECONDS, _ALLOWED_S)))
