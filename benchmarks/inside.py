"""A program that runs one task many times in an engine of its own and says how long it took.

``python -m benchmarks.inside DIRECTORY TASK COUNT`` expects ``runwisp.toml`` in the directory and keeps its
data and a daemon's log there. The task ``warm-up`` runs first, and the services of the configuration are up
before the clock starts. It prints the seconds from the first trigger to the committed end of the last run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import deferLater, react
from twisted.logger import globalLogBeginner

from benchmarks import proc
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.daemonlog import observer
from runwisp.engine.assembly import Assembly, assemble, use_monotonic_clock
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.events import Event, RunEnded
from runwisp.lean import collect_rarely
from runwisp.model import EndReason
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir

WARM_UP_RUNS = 40
_GLANCE_S = 0.05


class Ends:
    """Counts the runs of one task that ended."""

    def __init__(self, task: str, count: int) -> None:
        self._task = task
        self._missing = count
        self.all_ended: Deferred[None] = Deferred()

    def __call__(self, event: Event) -> None:
        if not isinstance(event, RunEnded) or event.run.task_name != self._task or self.all_ended.called:
            return
        self._missing -= 1
        if event.run.end_reason is not EndReason.SUCCESS:
            self.all_ended.errback(RuntimeError(f"not a success: {event.run}"))
        elif self._missing == 0:
            self.all_ended.callback(None)


async def run_many(
    reactor: PosixReactorBase, parts: Assembly, engine: Engine, task: str, count: int
) -> float:
    """Trigger ``task`` ``count`` times at once; the seconds until the last end is committed."""
    ends = Ends(task, count)
    unsubscribe = parts.bus.subscribe(ends)
    began_s = reactor.seconds()
    for _ in range(count):
        engine.trigger(task, None)
    await ends.all_ended
    took_s = reactor.seconds() - began_s
    unsubscribe()
    return took_s


async def measure(reactor: PosixReactorBase, config: Config, directory: Path, task: str, count: int) -> None:
    data = DataDir(directory / "data")
    data.prepare()
    database = Database(data.database, reactor)
    database.open()
    parts = assemble(reactor, database, data.logs, os.environ)
    engine = Engine(parts.resources, config)
    await Boot(engine, Recovery(parts.resources, config, parts.finish_log), database).bring_up()
    replicas = sum(service.instances for service in config.services.values())
    while proc.child_count(os.getpid()) < replicas:
        await deferLater(reactor, _GLANCE_S)
    collect_rarely()
    await run_many(reactor, parts, engine, "warm-up", WARM_UP_RUNS)
    print(await run_many(reactor, parts, engine, task, count))
    await engine.shut_down(config.daemon.shutdown_timeout)
    await database.close()


def main(directory: str, task: str, count: str) -> None:
    from twisted.internet import reactor

    assert isinstance(reactor, PosixReactorBase)
    use_monotonic_clock(reactor)
    home = Path(directory)
    config = load(home / "runwisp.toml", os.environ)
    with open(home / "daemon.log", "w") as log:
        globalLogBeginner.beginLoggingTo(
            [observer("info", "text", log, os.environ)], redirectStandardIO=False
        )
        react(lambda _: Deferred.fromCoroutine(measure(reactor, config, home, task, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
