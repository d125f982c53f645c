"""A program that deletes many old runs and says for how long that held up the reactor.

``python -m benchmarks.sweeping DIRECTORY COUNT`` makes a data directory in ``DIRECTORY`` with the rows and
logs of ``COUNT`` ended runs, of which none is to be kept. It prints by how many milliseconds a beat of the
reactor was late at most, from the begin of the sweep until the database has shrunk, and how many seconds that
took. Time in which the system ran other programs instead does not count.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from sqlite3 import Cursor

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall, deferLater, react

from benchmarks import history
from runwisp.config.loader import load
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.engine.housekeeping import Housekeeping
from runwisp.logs.index import pack_header
from runwisp.logs.paths import log_paths
from runwisp.model import UnixMs
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir
from runwisp.units import RunIds

TASK = "old"
CONFIG = f"""
[tasks.{TASK}]
keep_runs = 0
run = "true"
"""
_START_MS = 1_700_000_000_000
_BEAT_S = 0.005
_GLANCE_S = 0.2


class Beats:
    """Counts on being called every 5 ms by the thread that made it; ``late_s`` is how late it was at most.

    That is the time a turn of the reactor took, and what it waited for the interpreter.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.late_s = 0.0
        self._clock = clock
        self._statistics = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self._last_s = self._running_s()
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock

    def start(self) -> None:
        self._last_s = self._running_s()
        self._loop.start(_BEAT_S, now=False)

    def stop(self) -> None:
        self._loop.stop()
        os.close(self._statistics)

    def _beat(self) -> None:
        now_s = self._running_s()
        self.late_s = max(self.late_s, now_s - self._last_s - _BEAT_S)
        self._last_s = now_s

    def _running_s(self) -> float:
        """The clock without the time that this thread has waited for a processor."""
        waited_ns = int(os.pread(self._statistics, 100, 0).split()[1])
        return self._clock.seconds() - waited_ns / 1e9


def fill(data: DataDir, count: int) -> None:
    """Make ``count`` runs, a second apart, each with a log of one line."""
    ids = RunIds(lambda: _START_MS / 1000)
    table = [history.success(ids(), TASK, UnixMs(_START_MS + 1000 * number)) for number in range(count)]
    (data.logs / TASK).mkdir()
    for run in table:
        paths = log_paths(data.logs, run.task_name, run.id, run.created_at)
        paths.log.write_bytes(b"a line of the log of an old run\n")
        paths.index.write_bytes(pack_header(1))
    history.write(data, lambda cursor: history.insert(cursor, table))


def _rest(cursor: Cursor) -> int:
    """Rows and unused pages that are still there."""
    (rows,) = cursor.execute("SELECT total(total) FROM run_totals").fetchone()
    (pages,) = cursor.execute("PRAGMA freelist_count").fetchone()
    return int(rows + pages)


async def measure(reactor: PosixReactorBase, home: Path, data: DataDir) -> None:
    config = load(home / "runwisp.toml", os.environ)
    database = Database(data.database, reactor)
    database.open()
    parts = assemble(reactor, database, data.logs, os.environ)
    housekeeping = Housekeeping(parts.resources, database, lambda: config, data.logs, parts.bus)
    beats = Beats(reactor)
    beats.start()
    began_s = reactor.seconds()
    housekeeping.start()
    while await database.read(_rest):
        await deferLater(reactor, _GLANCE_S)
    took_s = reactor.seconds() - began_s
    beats.stop()
    await housekeeping.stop()
    await database.close()
    left = os.listdir(data.logs)
    if left:
        raise RuntimeError(f"still there: {left}")
    print(beats.late_s * 1000, took_s)


def main(directory: str, count: str) -> None:
    from twisted.internet import reactor

    assert isinstance(reactor, PosixReactorBase)
    use_monotonic_clock(reactor)
    home = Path(directory)
    (home / "runwisp.toml").write_text(CONFIG)
    data = DataDir(home / "data")
    data.prepare()
    fill(data, int(count))
    react(lambda _: Deferred.fromCoroutine(measure(reactor, home, data)))


if __name__ == "__main__":
    main(*sys.argv[1:])
