"""A log of a gigabyte, read through the API: its pages, and what is searched in it."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from benchmarks import history
from benchmarks.allowance import allow
from benchmarks.asking import Connection, slowest_hundredth
from benchmarks.background import compile_runwisp, running, runwisp_daemon, wait_for_rest
from benchmarks.contest import Bench, Contender, Contest, Measure, MeasurementFailed
from benchmarks.figures import Reading
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.logs.writer import LogWriter
from runwisp.model import LogOnFull, RunId, Stream, UnixMs

DAEMON = "daemon"
PREAD = "pread"
GREP = "grep -c"
GREP_IGNORING_CASE = "grep -ci"
PAGE_MS = "p99 of ms for a page"
SECONDS = "seconds"
SECONDS_IGNORING_CASE = "seconds, ignoring case"

_ALLOWED_MS = 20.0
_BYTES = 1_000_000_000
_QUICK_BYTES = 100_000_000
_PAGES = 400
_QUICK_PAGES = 100
_PAGE_LINES = 1000
_RUN_ID = RunId("00000000000000000000000001")
#: Of 1,000 blocks of lines, one has this.
_NEEDLE = "connection refused"
_CHUNK_LINES = 550
_CHUNKS = 1000
_CHUNK_S = 0.02
#: Between them they have every letter of the needle, as most logs do.
_WORDS = ("alpha", "Cert", "connected", "DELTA", "foxtrot", "requested", "unused", "user", "whiskey", "zulu")
_SEED = 9477


def _chunks() -> Iterator[bytes]:
    """What a web server might print, in pieces of less than 64 KiB, over and over again."""
    pick = random.Random(_SEED)
    chunks = []
    for number in range(_CHUNKS):
        lines = [
            f"2026-03-02T02:00:{n % 60:02}.{n % 1000:03}Z INFO [worker-{pick.randrange(40)}] "
            f"{pick.choice(_WORDS)} handled path=/api/v1/{pick.choice(_WORDS)}/{pick.randrange(10**6)}"
            for n in range(_CHUNK_LINES)
        ]
        if number == _CHUNKS // 2:
            lines[pick.randrange(_CHUNK_LINES)] += f": {_NEEDLE}"
        chunks.append("\n".join([*lines, ""]).encode())
    while True:
        yield from chunks


class _Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def _home(bench: Bench) -> Path:
    """The home of a daemon with one ended run, whose log is large; it is made once for all contenders."""
    home = bench.scratch / "gigabyte"
    if not home.exists():
        home.mkdir()
        now = UnixMs(int(time.time() * 1000))
        data = history.data_dir(home)
        run = history.success(_RUN_ID, "lines", now)
        history.write(data, lambda cursor: history.insert(cursor, [run]))
        _fill(log_paths(data.logs, run.task_name, run.id, run.created_at), bench, now / 1000)
    return home


def _fill(paths: LogPaths, bench: Bench, now_s: float) -> None:
    clock = _Clock(now_s)
    writer = LogWriter(paths, max_size=None, on_full=LogOnFull.DROP_OLD, masker=None, wall=clock)
    size = _QUICK_BYTES if bench.is_quick else _BYTES
    for chunk in _chunks():
        if writer.bytes_written >= size:
            break
        writer.write(Stream.STDOUT, chunk)
        clock.now_s += _CHUNK_S
    writer.close()
    writer.sync()


def _log_of(home: Path) -> Path:
    (log,) = history.data_dir(home).logs.glob("lines/*.log")
    return log


@contextmanager
def _daemon(bench: Bench) -> Iterator[Connection]:
    home = _home(bench)
    compile_runwisp()
    command = runwisp_daemon(home, '[tasks.lines]\nrun = "true"\n')
    with running(command, home) as daemon:
        wait_for_rest(daemon, home)
        with closing(Connection(history.data_dir(home).socket)) as connection:
            yield connection


def _p99_ms(pages: int, read: Callable[[int], object]) -> float:
    """:param read: reads page number n"""
    times = []
    for number in range(pages):
        began_s = time.perf_counter()
        read(number)
        times.append((time.perf_counter() - began_s) * 1000)
    return slowest_hundredth(times)


def _pages(bench: Bench) -> int:
    return _QUICK_PAGES if bench.is_quick else _PAGES


@contextmanager
def _pages_of_daemon(bench: Bench) -> Iterator[Measure]:
    pick = random.Random(_SEED)
    with _daemon(bench) as daemon:
        path = f"/api/runs/{_RUN_ID}/log?limit={_PAGE_LINES}"
        total = daemon.json(path)["total_lines"]

        def read(number: int) -> None:
            place = f"&from={pick.randrange(1, total - _PAGE_LINES)}" if number % 2 else ""
            lines = daemon.get(path + place).count(b'"n":')
            if lines != _PAGE_LINES:
                raise MeasurementFailed(f"a page has {lines} lines")

        yield lambda: {PAGE_MS: _p99_ms(_pages(bench), read)}


@contextmanager
def _pages_by_pread(bench: Bench) -> Iterator[Measure]:
    """The same bytes, as somebody reads them who knows where they are."""
    pick = random.Random(_SEED)
    with open(_log_of(_home(bench)), "rb") as log:
        size = os.fstat(log.fileno()).st_size
        page = b"\n".join(next(_chunks()).split(b"\n")[:_CHUNK_LINES])
        wanted = len(page) * _PAGE_LINES // _CHUNK_LINES

        def read(number: int) -> bytes:
            start = pick.randrange(size - wanted) if number % 2 else size - wanted
            return os.pread(log.fileno(), wanted, start)

        yield lambda: {PAGE_MS: _p99_ms(_pages(bench), read)}


@contextmanager
def _search_of_daemon(bench: Bench) -> Iterator[Measure]:
    with _daemon(bench) as daemon:
        path = f"/api/tasks/lines/log/search?q={_NEEDLE.replace(' ', '+')}&limit=1000"
        expected = _matching_lines(_log_of(_home(bench)), "-c")

        def seconds(case: str) -> float:
            began_s = time.perf_counter()
            answer = daemon.json(f"{path}&case={case}")
            took_s = time.perf_counter() - began_s
            if len(answer["items"]) != expected or answer["next_cursor"] is not None:
                raise MeasurementFailed(f"{len(answer['items'])} lines of {expected} were found")
            return took_s

        yield lambda: {SECONDS: seconds("true"), SECONDS_IGNORING_CASE: seconds("false")}


@contextmanager
def _grep(quantity: str, options: str, bench: Bench) -> Iterator[Measure]:
    log = _log_of(_home(bench))

    def measure() -> Reading:
        began_s = time.perf_counter()
        _matching_lines(log, options)
        return {quantity: time.perf_counter() - began_s}

    yield measure


def _matching_lines(log: Path, options: str) -> int:
    """What grep counts, in the UTF-8 locale in which a person calls it."""
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = ["grep", options, _NEEDLE, str(log)]
    return int(subprocess.run(command, capture_output=True, check=True, env=environ).stdout)


PAGES = Contest(
    "log-pages",
    (Contender(DAEMON, _pages_of_daemon), Contender(PREAD, _pages_by_pread), allow(PAGE_MS, _ALLOWED_MS)),
)
SEARCH = Contest(
    "search",
    (
        Contender(DAEMON, _search_of_daemon),
        Contender(GREP, partial(_grep, SECONDS, "-c")),
        Contender(GREP_IGNORING_CASE, partial(_grep, SECONDS_IGNORING_CASE, "-ci")),
    ),
)
