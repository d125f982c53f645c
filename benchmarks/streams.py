"""Clients that follow: what idle ones cost, and whether a run notices that many follow its output."""

from __future__ import annotations

import http.client
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from attrs import define

from benchmarks import proc
from benchmarks.allowance import allow
from benchmarks.asking import Connection
from benchmarks.background import running, runwisp_daemon, wait_for_rest, wait_until
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading

DAEMON = "daemon"
KIBIBYTES = "KiB resident per client"
_IDLE = 500
#: What is allowed for a connection, its request and its answer that has begun.
_ALLOWED_KIB = 32.0
#: Clients that come before the measurement, so that what all share is there already.
_FIRST = 10

FOLLOWED = "followed"
ALONE = "not followed"
SECONDS = "seconds"
FOLLOWERS = 100
LINES_PER_SECOND = 20_000
_RUN_S = 10.0
_QUICK_RUN_S = 4.0
_AT_ONCE = 200
_LINE = b"%09d " + b"the quick brown fox " * 4 + b"and so on.\n"
_PATIENCE_S = 60.0
#: Sleeps as long after each piece as it takes to print, so that each wait for the pipe is lost time.
_PRINTER = f"""
import os, time
for first in range(0, {{lines}}, {_AT_ONCE}):
    left = b"".join({_LINE!r} % number for number in range(first, first + {_AT_ONCE}))
    while left:
        left = left[os.write(1, left):]
    time.sleep({_AT_ONCE / LINES_PER_SECOND})
"""


def _stream(path: Path, target: str) -> socket.socket:
    """A connection to the daemon's socket on which a stream has been asked for."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
    return client


@contextmanager
def _daemon(bench: Bench, config: str) -> Iterator[tuple[Popen[bytes], Path]]:
    """A daemon at rest, and its socket."""
    with TemporaryDirectory(dir=bench.scratch) as directory:
        home = Path(directory)
        with running(runwisp_daemon(home, config), home) as daemon:
            wait_for_rest(daemon, home)
            yield daemon, home / "data" / "runwisp.sock"


# Idle clients


@contextmanager
def _idle(bench: Bench) -> Iterator[Measure]:
    def measure() -> Reading:
        with _daemon(bench, "") as (daemon, path), ExitStack() as clients:
            _listen(path, _FIRST, clients)
            before = proc.resident_bytes(daemon.pid)
            _listen(path, _IDLE, clients)
            grown = proc.resident_bytes(daemon.pid) - before
            return {KIBIBYTES: grown / _IDLE / 1024}

    yield measure


def _listen(path: Path, count: int, clients: ExitStack) -> None:
    for _ in range(count):
        client = clients.enter_context(closing(_stream(path, "/api/events")))
        received = b""
        while b"event: ping" not in received:
            piece = client.recv(65_536)
            if not piece:
                raise MeasurementFailed(f"no stream: {received.decode()}")
            received += piece


# Followers of a run


@define
class _Follower:
    """What one follower has got; the pieces in which it comes are cut anywhere."""

    lines: int = 0
    is_done: bool = False
    _last: bytes = b""

    def take(self, piece: bytes) -> None:
        # As long as a mark, less one: none is counted twice, and none is missed where pieces meet.
        self.lines += (self._last[-4:] + piece).count(b'{"n":')
        ends = self._last + piece[-4096:] if len(piece) > 4096 else self._last + piece
        if b"event: rotated" in self._last + piece:
            raise MeasurementFailed("lines were dropped from the log")
        self.is_done = b"event: done" in ends
        self._last = piece[-16:] if len(piece) >= 16 else (self._last + piece)[-16:]


def _follow(path: Path, run_id: str, lines: int) -> None:
    """Read all that ``FOLLOWERS`` clients get of a run until its end.

    :raises MeasurementFailed: one of them has not got every line
    """
    followers = [_Follower() for _ in range(FOLLOWERS)]
    with selectors.DefaultSelector() as selector, ExitStack() as clients:
        for follower in followers:
            client = clients.enter_context(closing(_stream(path, f"/api/runs/{run_id}/log/stream?from=1")))
            selector.register(client, selectors.EVENT_READ, (client, follower))
        while selector.get_map():
            ready = selector.select(_PATIENCE_S)
            if not ready:
                raise MeasurementFailed("the streams stand still")
            for key, _ in ready:
                client, follower = key.data
                piece = client.recv(1 << 20)
                follower.take(piece)
                if follower.is_done or not piece:
                    selector.unregister(client)
    got = {follower.lines for follower in followers}
    if got != {lines}:
        raise MeasurementFailed(f"{lines} lines were printed, followers got {sorted(got)}")


@contextmanager
def _printing(is_followed: bool, bench: Bench) -> Iterator[Measure]:
    lines = round(LINES_PER_SECOND * (_QUICK_RUN_S if bench.is_quick else _RUN_S))
    printer = bench.scratch / "printer.py"
    printer.write_text(_PRINTER.format(lines=lines))
    config = f'[tasks.lines]\nrun = "exec {sys.executable} {printer}"\n'
    with _daemon(bench, config) as (_, path), closing(Connection(path)) as connection:

        def measure() -> Reading:
            run_id = _trigger(connection)
            if is_followed:
                _follow(path, run_id, lines)
            run = f"/api/runs/{run_id}"
            wait_until(lambda: bool(connection.json(run)["end_at"]), "the run should end", 0.05)
            ended = connection.json(run)
            if ended["end_reason"] != "success":
                raise MeasurementFailed(f"the run ended as {ended['end_reason']}")
            time.sleep(1)
            return {SECONDS: float(ended["duration"])}

        yield measure


def _trigger(connection: http.client.HTTPConnection) -> str:
    connection.request("POST", "/api/tasks/lines/trigger")
    response = connection.getresponse()
    run_id: str = json.loads(response.read())["id"]
    return run_id


IDLE = Contest("sse-idle", (Contender(DAEMON, _idle), allow(KIBIBYTES, _ALLOWED_KIB)))
FOLLOWING = Contest(
    "followers",
    (
        Contender(FOLLOWED, partial(_printing, True)),
        Contender(ALONE, partial(_printing, False)),
    ),
)
