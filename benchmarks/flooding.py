"""The notifications of a daemon in which one run after the other fails, with two channels, one of them dead.

``python -m benchmarks.flooding DIRECTORY COUNT SECONDS LIVE DEAD`` keeps its data in ``DIRECTORY`` and tells
of ``COUNT`` failed runs, evenly over so many seconds. Messages go to the ports ``LIVE``, where a server takes
them, and ``DEAD``, where nobody ever answers. It prints by how many milliseconds a beat of the reactor was
late at most (:mod:`benchmarks.beats`).

There are no processes: to start one takes as long as the system lets the new process wait for a processor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall
from twisted.logger import globalLogBeginner

from benchmarks import history
from benchmarks.beats import Beats
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.daemonlog import observer
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.events import Bus, RunEnded
from runwisp.lean import collect_rarely, import_reactor
from runwisp.logs.index import pack_header
from runwisp.logs.paths import log_paths
from runwisp.model import EndReason, Run, UnixMs
from runwisp.notify.assembly import assemble_notifiers
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir
from runwisp.units import RunIds

TASKS = 100
_START_MS = UnixMs(1_700_000_000_000)
_STOP_S = 1.0


def configuration(live: int, dead: int) -> str:
    """Every failure goes to the bell and to both channels."""
    channels = "".join(
        f'[notifiers.{name}]\ntype = "webhook"\nurl = "http://localhost:{port}/"\n'
        for name, port in (("live", live), ("dead", dead))
    )
    return f'[notify]\ndefault_notifiers = ["inapp", "live", "dead"]\n{channels}'


def failed_runs(data: DataDir) -> list[Run]:
    """A failed run of each task, with a log of a line."""
    ids = RunIds(lambda: _START_MS / 1000)
    runs = []
    for number in range(TASKS):
        success = history.success(ids(), f"fails-{number}", _START_MS)
        run = evolve(success, end_reason=EndReason.FAILED, exit_code=1, is_failure=True)
        paths = log_paths(data.logs, run.task_name, run.id, run.created_at)
        paths.log.parent.mkdir(parents=True)
        paths.log.write_bytes(b"a line of the log of a failed run\n")
        paths.index.write_bytes(pack_header(1))
        runs.append(run)
    return runs


class Failures:
    """Tells ``bus`` of ``count`` failures, evenly over ``within_s`` seconds."""

    def __init__(
        self, reactor: PosixReactorBase, bus: Bus, runs: list[Run], count: int, within_s: float
    ) -> None:
        self._bus = bus
        self._runs = runs
        self._count = count
        self._told = 0
        self._loop = LoopingCall.withCount(self._tell)
        self._loop.clock = reactor
        self._pause_s = within_s / count

    def begin(self) -> Deferred[LoopingCall]:
        """Fires when the last one is told."""
        return self._loop.start(self._pause_s)

    def _tell(self, due: int) -> None:
        for _ in range(min(due, self._count - self._told)):
            self._bus.publish(RunEnded(self._runs[self._told % len(self._runs)]))
            self._told += 1
        if self._told == self._count:
            self._loop.stop()


async def measure(
    reactor: PosixReactorBase, config: Config, data: DataDir, count: int, within_s: float
) -> None:
    database = Database(data.database, reactor)
    database.open()
    parts = assemble(reactor, database, data.logs, os.environ)
    notifiers = assemble_notifiers(reactor, database, parts, lambda: config)
    notifiers.start("bench")
    failures = Failures(reactor, parts.bus, failed_runs(data), count, within_s)
    collect_rarely()
    beats = Beats(reactor)
    beats.start()
    await failures.begin()
    beats.stop()
    await notifiers.stop(_STOP_S)
    await database.close()
    print(beats.late_s * 1000)


def main(directory: str, count: str, within_s: str, live: str, dead: str) -> None:
    # As in the daemon, HTTP and TLS are imported when the first message goes out.
    import_reactor()
    from twisted.internet import reactor
    from twisted.internet.task import react

    assert isinstance(reactor, PosixReactorBase)
    use_monotonic_clock(reactor)
    home = Path(directory)
    (home / "runwisp.toml").write_text(configuration(int(live), int(dead)))
    config = load(home / "runwisp.toml", os.environ)
    data = DataDir(home / "data")
    data.prepare()
    with open(home / "daemon.log", "w") as log:
        globalLogBeginner.beginLoggingTo(
            [observer("info", "text", log, os.environ)], redirectStandardIO=False
        )
        react(lambda _: Deferred.fromCoroutine(measure(reactor, config, data, int(count), float(within_s))))


if __name__ == "__main__":
    main(*sys.argv[1:])
