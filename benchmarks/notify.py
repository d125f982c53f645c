"""A flood of failures, told to two channels of which one is dead (:mod:`benchmarks.flooding`)."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.allowance import allow
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading

NOTIFICATIONS = "notifications"
LONGEST_WAIT = "ms of the longest wait"
FAILURES = 10_000
SECONDS = 60.0
_QUICK_FAILURES = 1_500
_ALLOWED_MS = 50.0
_PATIENCE_S = 300.0


class _Taking(BaseHTTPRequestHandler):
    """Takes every message, and counts them."""

    count = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).count += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody wants to read that."""


@contextmanager
def _server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def _flood(bench: Bench) -> Iterator[Measure]:
    count = _QUICK_FAILURES if bench.is_quick else FAILURES
    seconds = SECONDS * count / FAILURES

    def measure() -> Reading:
        # The kernel takes connections to the second one, and nobody ever asks it for them.
        with _server() as live, socket.create_server(("127.0.0.1", 0), backlog=1000) as dead:
            before = _Taking.count
            with TemporaryDirectory(dir=bench.scratch) as directory:
                longest_ms = _longest_ms(directory, count, seconds, live, dead.getsockname()[1])
            taken = _Taking.count - before
        if not taken:
            raise MeasurementFailed("no message arrived")
        return {LONGEST_WAIT: longest_ms, "messages": taken}

    yield measure


def _longest_ms(directory: str, count: int, seconds: float, live: int, dead: int) -> float:
    command = [sys.executable, "-m", "benchmarks.flooding", directory, str(count), str(seconds)]
    done = subprocess.run(
        [*command, str(live), str(dead)], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    if done.returncode != 0:
        log = Path(directory, "daemon.log")
        said = done.stderr + (log.read_text() if log.exists() else "")
        raise MeasurementFailed(f"the flood failed: {said[-2000:]}")
    return float(done.stdout)


CONTEST = Contest("notify", (Contender(NOTIFICATIONS, _flood), allow(LONGEST_WAIT, _ALLOWED_MS)))
