"""A daemon in which run after run fails, and that tells two channels of it, of which one is dead.

``python -m benchmarks.flooding DIRECTORY COUNT SECONDS LIVE DEAD`` keeps its data in ``DIRECTORY`` and lets
``COUNT`` runs fail within so many seconds. Messages go to the ports ``LIVE``, where a server takes them, and
``DEAD``, where nobody ever answers. It prints by how many milliseconds a beat of the reactor was late at most
(:mod:`benchmarks.beats`), from the first failure until the last one is told.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import globalLogBeginner

from benchmarks.beats import Beats
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.daemonlog import observer
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.events import Event, RunEnded
from runwisp.lean import collect_rarely, import_reactor
from runwisp.notify.assembly import assemble_notifiers
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir

TASKS = 100
_GLANCE_S = 0.05
_STOP_S = 1.0


def configuration(live: int, dead: int) -> str:
    """Every failure goes to the bell and to both channels."""
    channels = "".join(
        f'[notifiers.{name}]\ntype = "webhook"\nurl = "http://127.0.0.1:{port}/"\n'
        for name, port in (("live", live), ("dead", dead))
    )
    tasks = "".join(f'[tasks.fails-{number}]\nparallelism = 4\nrun = "exit 1"\n' for number in range(TASKS))
    return f'[notify]\ndefault_notifiers = ["inapp", "live", "dead"]\n{channels}{tasks}'


class Failures:
    """Triggers ``count`` runs, evenly over ``within_s`` seconds, and counts those that have ended."""

    def __init__(self, reactor: PosixReactorBase, engine: Engine, count: int, within_s: float) -> None:
        self.ended = 0
        self._engine = engine
        self._count = count
        self._triggered = 0
        self._loop = LoopingCall.withCount(self._trigger)
        self._loop.clock = reactor
        self._pause_s = within_s / count

    def hear(self, event: Event) -> None:
        self.ended += isinstance(event, RunEnded)

    def begin(self) -> Deferred[LoopingCall]:
        """Fires when the last one is triggered."""
        return self._loop.start(self._pause_s)

    def _trigger(self, due: int) -> None:
        for _ in range(min(due, self._count - self._triggered)):
            self._engine.trigger(f"fails-{self._triggered % TASKS}", None)
            self._triggered += 1
        if self._triggered == self._count:
            self._loop.stop()


async def measure(
    reactor: PosixReactorBase, config: Config, data: DataDir, count: int, within_s: float
) -> None:
    database = Database(data.database, reactor)
    database.open()
    parts = assemble(reactor, database, data.logs, os.environ)
    engine = Engine(parts.resources, config)
    notifiers = assemble_notifiers(reactor, database, parts, lambda: engine.config)
    notifiers.start("bench")
    await Boot(engine, Recovery(parts.resources, config, parts.finish_log), database).bring_up()
    collect_rarely()
    failures = Failures(reactor, engine, count, within_s)
    parts.bus.subscribe(failures.hear)
    beats = Beats(reactor)
    beats.start()
    await failures.begin()
    while failures.ended < count:
        await deferLater(reactor, _GLANCE_S)
    beats.stop()
    await engine.shut_down(config.daemon.shutdown_timeout)
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
