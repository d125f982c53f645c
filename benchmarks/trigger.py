"""A task is fired by hand: how long until its process has started.

The process tells through a pipe as the first thing it does. The peer forks and executes the same shell with
the same command and does nothing else: no request, no row, no log, no answer.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import BinaryIO

from benchmarks.asking import Connection, middle, slowest_hundredth
from benchmarks.background import compile_runwisp, running, runwisp_daemon, wait_for_rest
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading

DAEMON = "daemon"
SUBPROCESS = "subprocess"
MIDDLE = "ms of the middle start"
SLOWEST = "ms of the slowest hundredth"
_STARTS = 500
_QUICK_STARTS = 100
#: Between two starts, so that the run before is over on either side.
_PAUSE_S = 0.02
_PATIENCE_S = 30.0


@contextmanager
def _pipe(home: Path) -> Iterator[tuple[str, BinaryIO]]:
    """A command, and the pipe through which its process tells that it has started."""
    path = home / "pipe"
    os.mkfifo(path)
    with open(path, "r+b", buffering=0) as pipe:
        yield f"echo started > {path}", pipe


def _reading(start: Callable[[], None], finish: Callable[[], None], pipe: BinaryIO, count: int) -> Reading:
    """``count`` starts, each from its begin to the word of the process.

    :raises MeasurementFailed: a process does not start
    """
    times = []
    for _ in range(count):
        time.sleep(_PAUSE_S)
        began_s = time.perf_counter()
        start()
        if not select([pipe], [], [], _PATIENCE_S)[0]:
            raise MeasurementFailed(f"no process has started for {_PATIENCE_S:g} s")
        times.append((time.perf_counter() - began_s) * 1000)
        pipe.readline()
        finish()
    return {MIDDLE: middle(times), SLOWEST: slowest_hundredth(times)}


def _count(bench: Bench) -> int:
    return _QUICK_STARTS if bench.is_quick else _STARTS


@contextmanager
def _daemon(bench: Bench) -> Iterator[Measure]:
    with (
        TemporaryDirectory(dir=bench.scratch) as directory,
        _pipe(home := Path(directory)) as (command, pipe),
    ):
        compile_runwisp()
        words = runwisp_daemon(home, f"[tasks.fired]\nrun = '{command}'\n")
        with running(words, home) as daemon:
            wait_for_rest(daemon, home)
            with closing(Connection(home / "data" / "runwisp.sock")) as connection:

                def start() -> None:
                    connection.request("POST", "/api/tasks/fired/trigger")

                def finish() -> None:
                    response = connection.getresponse()
                    body = response.read()
                    if response.status != 201:
                        raise MeasurementFailed(f"not fired: {response.status} {body.decode()}")

                yield lambda: _reading(start, finish, pipe, _count(bench))


@contextmanager
def _subprocess(bench: Bench) -> Iterator[Measure]:
    with TemporaryDirectory(dir=bench.scratch) as directory, _pipe(Path(directory)) as (command, pipe):
        children: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            children.append(subprocess.Popen(["/bin/sh", "-c", command]))

        def finish() -> None:
            children.pop().wait()

        yield lambda: _reading(start, finish, pipe, _count(bench))


CONTEST = Contest("trigger", (Contender(DAEMON, _daemon), Contender(SUBPROCESS, _subprocess)))
