"""One task without a daemon, for ``runwisp exec``: no schedules, services, catch-up or recovery."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger, globalLogBeginner
from twisted.python.failure import Failure

from runwisp.config.settings import Config
from runwisp.daemonlog import observer
from runwisp.engine.assembly import assemble, use_monotonic_clock
from runwisp.engine.engine import Engine
from runwisp.events import Bus, Event, RunCreated, RunEnded
from runwisp.logs.live import Batch, Update
from runwisp.logs.writer import LogWriter
from runwisp.model import Run, RunId, TriggerSource, Unit
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir


@frozen
class Outcome:
    """The last attempt, and whether Ctrl-C ended it."""

    run: Run
    is_interrupted: bool


class Solo:
    """Fires a task once and follows it through its retries to the last attempt."""

    log = Logger()

    def __init__(self, engine: Engine, bus: Bus, name: str) -> None:
        self.is_interrupted = False
        self._engine = engine
        self._bus = bus
        self._name = name
        self._current: RunId | None = None
        self._last: Run | None = None
        self._finished: Deferred[Run] = Deferred()

    async def run(self) -> Run:
        """Run the task and return its last attempt.

        :raises UnknownUnit: there is no such task
        :raises Refused: it is a service, or must not be triggered by hand
        """
        unsubscribe = self._bus.subscribe(self._on_event)
        try:
            self._engine.trigger(self._name, TriggerSource.CLI).addErrback(self._finished.errback)
            return await self._finished
        finally:
            unsubscribe()

    def interrupt(self) -> None:
        """Stop the run by its ladder and drop its retry; a second call kills at once."""
        if self.is_interrupted:
            self._engine.cut_short()
            return
        self.is_interrupted = True
        self._engine.keepers[self._name].stop()
        if self._last is not None:
            self._finish(self._last)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, RunCreated) and self._current in (None, event.run.retry_of_run_id):
            self._current, self._last = event.run.id, None
        elif isinstance(event, RunEnded) and event.run.id == self._current:
            run = self._last = event.run
            if run.next_retry_at is None or self.is_interrupted:
                self._finish(run)

    def _finish(self, run: Run) -> None:
        if not self._finished.called:
            self._finished.callback(run)


def run_solo(config: Config, data_dir: DataDir, name: str, echo: Callable[[Batch], None]) -> Outcome:
    """Run the task ``name`` in this process and return when its last attempt is recorded.

    ``echo`` gets what the task prints. The caller holds the lock of ``data_dir``. This starts the reactor, so
    it can be called once in a process.

    :raises StorageError: the database cannot be opened
    """
    from twisted.internet import reactor

    assert isinstance(reactor, PosixReactorBase)
    use_monotonic_clock(reactor)
    globalLogBeginner.beginLoggingTo(
        [observer("error", "auto", sys.stderr, os.environ)], redirectStandardIO=False
    )
    database = Database(data_dir.database, reactor)
    database.open()
    parts = assemble(
        reactor, database, data_dir.logs, os.environ, min_free_space=lambda: config.storage.min_free_space
    )

    def open_log(unit: Unit, run: Run) -> LogWriter:
        writer = parts.open_log(unit, run)
        writer.subscribe(echo_lines)
        return writer

    def echo_lines(update: Update) -> None:
        if isinstance(update, Batch):
            echo(update)

    engine = Engine(evolve(parts.resources, open_log=open_log), config)
    solo = Solo(engine, parts.bus, name)
    results: list[Run] = []
    failures: list[Failure] = []

    async def main() -> None:
        try:
            signal.signal(signal.SIGINT, lambda *_: reactor.callFromThread(solo.interrupt))
            signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(solo.interrupt))
            results.append(await solo.run())
            await engine.shut_down(config.daemon.shutdown_timeout)
            await database.close()
        finally:
            reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()).addErrback(failures.append))
    reactor.run()
    for failure in failures:
        failure.raiseException()
    return Outcome(results[0], solo.is_interrupted)
