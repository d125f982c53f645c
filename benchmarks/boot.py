"""The start of a daemon that has many tasks and a long past."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.allowance import allow
from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.figures import Reading
from benchmarks.veteran import veteran

DAEMON = "daemon"
SECONDS = "seconds until ready"
_ALLOWED_S = 2.0


@contextmanager
def _daemon(bench: Bench) -> Iterator[Measure]:
    with veteran(bench) as old:

        def measure() -> Reading:
            began_s = time.perf_counter()
            with old.running():
                return {SECONDS: time.perf_counter() - began_s}

        yield measure


CONTEST = Contest("boot", (Contender(DAEMON, _daemon), allow(SECONDS, _ALLOWED_S)))
