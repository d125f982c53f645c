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
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import deferLater, react

from benchmarks import history
from benchmarks.beats import Beats
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
_GLANCE_S = 0.2


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
