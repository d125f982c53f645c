"""The engine as a contender: many runs of one task in a process of its own (:mod:`benchmarks.inside`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contest import Bench, MeasurementFailed

_PATIENCE_S = 300.0
_WARM_UP = """
[tasks.warm-up]
parallelism = 4
max_queued = 1000
run = "echo hi"
"""


def seconds_for(
    bench: Bench, config: str, task: str, count: int, check: Callable[[Path], None] = lambda logs: None
) -> float:
    """The seconds that ``count`` runs of ``task`` take, from the first trigger to the last committed end.

    ``check`` looks at the directory of the logs before all files are removed.

    :raises MeasurementFailed: a run did not succeed, or the check failed
    """
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        (home / "runwisp.toml").write_text(config + _WARM_UP)
        command = [sys.executable, "-m", "benchmarks.inside", directory, task, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        if done.returncode != 0:
            raise MeasurementFailed(f"the engine failed: {done.stderr[-2000:]}")
        check(home / "data" / "logs")
        return float(done.stdout)
