"""Output: how long a fast producer takes until its last byte is in a file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.background import running, wait_for_rest, wait_until
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.engine import seconds_for
from benchmarks.figures import Reading
from benchmarks.peers import SUPERVISOR, install

ENGINE = "engine"
PIPE = "producer | cat > file"
SUPERVISORD = "supervisord"
SECONDS = "seconds"
LINE_BYTES = 104
_BYTES = 300_000_000
_QUICK_BYTES = 100_000_000
_BLOCK_LINES = 10_000
_GLANCE_S = 0.001


def _lines(bench: Bench) -> Path:
    """A file of lines, which ``cat`` produces faster than anybody stores them. Read once, it is in memory."""
    path = bench.scratch / "lines.txt"
    if not path.exists():
        block = "".join(
            f"{number:09} {'the quick brown fox ' * 5}"[: LINE_BYTES - 1] + "\n"
            for number in range(_BLOCK_LINES)
        )
        size = _QUICK_BYTES if bench.is_quick else _BYTES
        with open(path, "w") as file:
            for _ in range(size // len(block)):
                file.write(block)
    return path


def _check_size(stored: Path, lines: Path) -> None:
    if stored.stat().st_size != lines.stat().st_size:
        raise MeasurementFailed(f"{stored.stat().st_size} bytes of {lines.stat().st_size} were stored")


@contextmanager
def _engine(bench: Bench) -> Iterator[Measure]:
    lines = _lines(bench)
    config = f"""
[tasks.lines]
log_max_size = "0"
run = "exec cat {lines}"
"""

    def measure() -> Reading:
        with TemporaryDirectory(dir=bench.scratch) as directory:
            took_s = seconds_for(Path(directory), config, "lines", 1)
            (stored,) = Path(directory).glob("data/logs/lines/*.log")
            _check_size(stored, lines)
            return {SECONDS: took_s}

    yield measure


@contextmanager
def _pipe(bench: Bench) -> Iterator[Measure]:
    lines = _lines(bench)

    def measure() -> Reading:
        with TemporaryDirectory(dir=bench.scratch) as directory:
            stored = Path(directory) / "stored.txt"
            began_s = time.perf_counter()
            subprocess.run(["/bin/sh", "-c", f"cat {lines} | cat > {stored}"], check=True)
            took_s = time.perf_counter() - began_s
            _check_size(stored, lines)
            return {SECONDS: took_s}

    yield measure


@contextmanager
def _supervisord(bench: Bench) -> Iterator[Measure]:
    lines = _lines(bench)
    program = install(bench.tools, SUPERVISOR) / "supervisord"

    def measure() -> Reading:
        with TemporaryDirectory(dir=bench.scratch) as directory:
            home = Path(directory)
            go, stored = home / "go", home / "stored.txt"
            os.mkfifo(go)
            (home / "supervisord.conf").write_text(
                f"""
[supervisord]
nodaemon = true
logfile = supervisord.log
pidfile = supervisord.pid

[program:lines]
command = /bin/sh -c "read go < {go} && exec cat {lines}"
autorestart = false
startsecs = 0
stdout_logfile = {stored}
stdout_logfile_maxbytes = 0
"""
            )
            size = lines.stat().st_size
            with (
                running([str(program), "-c", "supervisord.conf"], home) as supervisord,
                open(go, "r+b", buffering=0) as signal,
            ):
                wait_for_rest(supervisord, home)
                began_s = time.perf_counter()
                signal.write(b"go\n")
                wait_until(lambda: stored.stat().st_size >= size, "supervisord should store all", _GLANCE_S)
                return {SECONDS: time.perf_counter() - began_s}

    yield measure


CONTEST = Contest(
    "capture",
    (
        Contender(ENGINE, _engine),
        Contender(PIPE, _pipe),
        Contender(SUPERVISORD, _supervisord),
    ),
)
