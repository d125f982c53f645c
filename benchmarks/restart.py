"""A process is killed: how long until the one that replaces it has started.

On every side the process tells its number through a pipe as the first thing it does, and is killed with the
number that it told.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from select import select
from statistics import median
from tempfile import TemporaryDirectory
from typing import BinaryIO

from benchmarks.allowance import allow
from benchmarks.background import running, runwisp_daemon, wait_for_rest
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading
from benchmarks.peers import CIRCUS, SUPERVISOR, install

DAEMON = "daemon"
SUPERVISORD = "supervisord"
CIRCUSD = "circusd"
REACTION_MS = "ms until the next start"
_ALLOWED_MS = 20.0
_KILLS = 100
_QUICK_KILLS = 20
#: A side that is slow is killed less often: no repetition goes on for longer than this.
_ENOUGH_S = 15.0
#: What a process lives, so that the supervisor is at rest again.
_LIFE_S = 0.1
_PATIENCE_S = 30.0

Command = Callable[[Bench, Path, Path], list[str]]


def _program(home: Path, pipe: Path) -> Path:
    script = home / "program.sh"
    script.write_text(f"echo $$ > {pipe}\nexec sleep 1000000\n")
    return script


def _runwisp(bench: Bench, home: Path, pipe: Path) -> list[str]:
    return runwisp_daemon(
        home,
        f"""
[services.program]
restart_delay = "0s"
run = "exec /bin/sh {_program(home, pipe)}"
""",
    )


def _supervisord(bench: Bench, home: Path, pipe: Path) -> list[str]:
    (home / "supervisord.conf").write_text(
        f"""
[supervisord]
nodaemon = true

[program:program]
command = /bin/sh {_program(home, pipe)}
autorestart = true
startsecs = 0
"""
    )
    return [str(install(bench.tools, SUPERVISOR) / "supervisord"), "-c", "supervisord.conf"]


def _circusd(bench: Bench, home: Path, pipe: Path) -> list[str]:
    (home / "circus.ini").write_text(
        f"""
[circus]
endpoint = ipc://{home}/endpoint
pubsub_endpoint = ipc://{home}/events

[watcher:program]
cmd = /bin/sh {_program(home, pipe)}
max_retry = -1
"""
    )
    return [str(install(bench.tools, CIRCUS) / "circusd"), "circus.ini"]


def _told(pipe: BinaryIO) -> int:
    """The number of the process that starts next.

    :raises MeasurementFailed: none starts
    """
    if not select([pipe], [], [], _PATIENCE_S)[0]:
        raise MeasurementFailed(f"no process has started for {_PATIENCE_S:g} s")
    return int(pipe.readline())


@contextmanager
def _supervisor(command: Command, bench: Bench) -> Iterator[Measure]:
    kills = _QUICK_KILLS if bench.is_quick else _KILLS
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        path = home / "pipe"
        os.mkfifo(path)
        words = command(bench, home, path)
        with open(path, "r+b", buffering=0) as pipe, running(words, home) as supervisor:
            process = _told(pipe)
            wait_for_rest(supervisor, home)

            def react() -> float:
                nonlocal process
                time.sleep(_LIFE_S)
                killed_s = time.perf_counter()
                os.kill(process, signal.SIGKILL)
                process = _told(pipe)
                return (time.perf_counter() - killed_s) * 1000

            def measure() -> Reading:
                enough_s = time.perf_counter() + _ENOUGH_S
                reactions = [react()]
                while len(reactions) < kills and time.perf_counter() < enough_s:
                    reactions.append(react())
                return {REACTION_MS: median(reactions), "kills": len(reactions)}

            yield measure


CONTEST = Contest(
    "restart",
    (
        Contender(DAEMON, partial(_supervisor, _runwisp)),
        Contender(SUPERVISORD, partial(_supervisor, _supervisord)),
        Contender(CIRCUSD, partial(_supervisor, _circusd)),
        allow(REACTION_MS, _ALLOWED_MS),
    ),
)
