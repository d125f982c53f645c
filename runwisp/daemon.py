"""The root service: boots the daemon in order, hears signals, and shuts down within its time.

Spec: runtime, boot sequence and graceful shutdown; operations, reload, signals, shutdown.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from sqlite3 import Cursor
from types import FrameType

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp import __version__
from runwisp.cli.options import Globals
from runwisp.config.settings import Config
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.resources import Resources
from runwisp.errors import RunWispError
from runwisp.lifeline import Lifeline
from runwisp.store import fingerprint, marks, runs
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir
from runwisp.units import now_ms


class Daemon(MultiService):
    """All of RunWisp as one Twisted service."""

    log = Logger()

    def __init__(
        self,
        *,
        reactor: PosixReactorBase,
        config: Config,
        settings: Globals,
        data_dir: DataDir,
        database: Database,
        resources: Resources,
        engine: Engine,
        recovery: Recovery,
        lifeline: Lifeline,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__()
        self.setName("runwisp")
        self.exit_code = 0
        self._reactor = reactor
        self._config = config
        self._settings = settings
        self._data_dir = data_dir
        self._database = database
        self._resources = resources
        self._engine = engine
        self._recovery = recovery
        self._lifeline = lifeline
        self._leave = leave
        self._boot: Deferred[None] | None = None
        self._is_stopping = False
        lifeline.setServiceParent(self)

    def privilegedStartService(self) -> None:
        """Take the data directory and the database; what fails here ends the program with 1.

        twistd calls this after it forked, so the lock and the threads belong to the process that stays.
        """
        try:
            self._data_dir.prepare()
            self._data_dir.lock()
            self._database.open()
        except RunWispError as error:
            self.log.error("{error}", error=error)
            raise SystemExit(1) from None
        super().privilegedStartService()

    def startService(self) -> None:
        super().startService()
        if sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._leave_with_code)
        self._reactor.callWhenRunning(self._begin)

    async def _stop(self) -> None:
        began_s = self._reactor.seconds()
        timeout_s = self._config.daemon.shutdown_timeout
        self._is_stopping = True
        self._lifeline.stopping(timeout_s)
        if self._boot is not None:
            self._boot.cancel()
        await self._engine.shut_down(timeout_s)
        await self._database.close()
        self._data_dir.unlock()
        self.log.info("stopped", took=round(self._reactor.seconds() - began_s, 3))

    def stopService(self) -> Deferred[None]:
        """Stop everything; fires when no child is left and the database is closed."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _begin(self) -> None:
        self._hear_signals()
        self._boot = Deferred.fromCoroutine(self._bring_up())
        self._boot.addErrback(self._boot_failed)

    async def _bring_up(self) -> None:
        config, engine = self._config, self._engine
        for warning in config.warnings:
            self.log.warn("configuration: {warning}", warning=str(warning))
        await self._recovery.reconcile(await self._database.read(runs.running))
        identity = await self._database.write(self._identify)
        await self._database.write(self._register_tasks)
        pending = await self._database.read(runs.pending)
        retries = await self._database.read(runs.waiting_retries)
        engine.resume(pending, retries)
        engine.start()
        self._lifeline.ready()
        self.log.info(
            "ready",
            version=__version__,
            fingerprint=identity,
            config=str(config.path),
            data=str(self._data_dir.path),
            tasks=len(config.tasks),
            services=len(config.services),
            timezone=f"{config.timezone} ({config.timezone_source})",
        )

    def _register_tasks(self, cursor: Cursor) -> None:
        now = now_ms(self._resources.wall)
        for name in sorted(self._config.tasks):
            marks.register(cursor, name, now)

    @staticmethod
    def _identify(cursor: Cursor) -> str:
        return fingerprint.resolve(cursor, os.environ, fingerprint.read_machine_id(), os.getcwd())

    def _boot_failed(self, failure: Failure) -> None:
        if self._is_stopping:
            return
        self.log.failure("the daemon could not start", failure=failure)
        self.exit_code = 1
        self._reactor.stop()

    def _hear_signals(self) -> None:
        # The reactor has just installed its own handlers, with which it would end by the signal instead of
        # with an exit code, and which know neither a second signal nor SIGHUP.
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._signalled)

    def _signalled(self, signum: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._on_signal, signal.Signals(signum))

    def _on_signal(self, signum: signal.Signals) -> None:
        if signum is signal.SIGHUP:
            self.log.warn("SIGHUP: this version cannot reload its configuration; restart the daemon")
        elif not self._is_stopping:
            self.log.info(
                "shutting down",
                signal=signum.name,
                active=self._engine.active_count,
                timeout=self._config.daemon.shutdown_timeout,
            )
            self._reactor.stop()
        else:
            self.log.warn("second signal: killing what is left", signal=signum.name)
            self.exit_code = 1
            self._engine.cut_short()

    def _leave_with_code(self) -> None:
        # twistd has no way to end with a code of our choice; everything is closed and flushed by now.
        if self.exit_code:
            sys.stdout.flush()
            sys.stderr.flush()
            self._leave(self.exit_code)
