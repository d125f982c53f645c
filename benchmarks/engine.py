"""The engine as a contender: many runs of one task in a process of its own (:mod:`benchmarks.inside`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.contest import MeasurementFailed

_PATIENCE_S = 300.0
_WARM_UP = """
[tasks.warm-up]
parallelism = 4
max_queued = 1000
run = "echo hi"
"""


def seconds_for(home: Path, config: str, task: str, count: int) -> float:
    """The seconds that ``count`` runs of ``task`` take, from the first trigger to the last committed end.

    Logs and database are below the empty directory ``home``.

    :raises MeasurementFailed: a run did not succeed
    """
    (home / "runwisp.toml").write_text(config + _WARM_UP)
    command = [sys.executable, "-m", "benchmarks.inside", str(home), task, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode != 0:
        log = home / "daemon.log"
        said = done.stderr + (log.read_text() if log.exists() else "")
        raise MeasurementFailed(f"the engine failed: {said[-2000:]}")
    return float(done.stdout)
