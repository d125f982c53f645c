"""The root service: boots the daemon in order, hears signals, reloads, and shuts down within its time.

Spec: runtime, boot sequence, graceful shutdown and reload; operations, reload, signals, shutdown.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from sqlite3 import Cursor
from types import FrameType
from typing import TextIO

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.announcement import Announcement
from runwisp.config.restart_only import restart_problems
from runwisp.config.settings import Config
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.housekeeping import Housekeeping
from runwisp.engine.reload import Reloading
from runwisp.errors import ConfigErrors, NeedsRestart, RunWispError, ShuttingDown
from runwisp.events import TasksChanged
from runwisp.lean import collect_rarely, give_back
from runwisp.lifeline import Lifeline
from runwisp.notify.service import Notifiers
from runwisp.policy.reload import needs_restart, plan_reload
from runwisp.store import fingerprint
from runwisp.store.database import Database
from runwisp.store.datadir import DataDir
from runwisp.web.server import Server

#: Some programs signal a process and then its whole group: so soon after the first it is the same signal.
SAME_SIGNAL_S = 0.3
#: Every process takes three descriptors while it runs.
_MOST_DESCRIPTORS = 65_536


class Daemon(MultiService):
    """All of RunWisp as one Twisted service.

    ``load`` reads the configuration anew and may block; ``terminal`` is where somebody watches the start;
    ``leave`` ends the process with an exit code.
    """

    log = Logger()

    def __init__(
        self,
        *,
        reactor: PosixReactorBase,
        data_dir: DataDir,
        database: Database,
        engine: Engine,
        boot: Boot,
        housekeeping: Housekeeping,
        notifiers: Notifiers,
        lifeline: Lifeline,
        server: Server,
        load: Callable[[], Config],
        terminal: TextIO | None = None,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__()
        self.setName("runwisp")
        self.exit_code = 0
        self._reactor = reactor
        self._data_dir = data_dir
        self._database = database
        self._engine = engine
        self._boot = boot
        self._housekeeping = housekeeping
        self._notifiers = notifiers
        self._lifeline = lifeline
        self._server = server
        self._load = load
        self._terminal = terminal
        self._leave = leave
        self._reloads = DeferredLock()
        self._booting: Deferred[None] | None = None
        self._signalled_at_s = 0.0
        self._is_stopping = False
        lifeline.setServiceParent(self)

    def privilegedStartService(self) -> None:
        """Take the data directory, the addresses and the database; what fails here ends the program with 1.

        twistd calls this after it forked, so the lock and the threads belong to the process that stays.
        """
        # Whoever reads our number from the lock may send it, and by default it would end us.
        signal.signal(signal.SIGHUP, self._signalled)
        try:
            self._data_dir.prepare()
            self._data_dir.lock()
            self._server.bind()
            self._database.open()
        except RunWispError as error:
            self._server.listeners.abandon()
            self._data_dir.unlock()
            self._say_why(error)
            raise SystemExit(1) from None
        super().privilegedStartService()

    def startService(self) -> None:
        super().startService()
        if sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
        _allow_descriptors()
        self._reactor.addSystemEventTrigger("after", "shutdown", self._leave_with_code)
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        """Stop everything; fires when no child is left and the database is closed."""
        super().stopService()
        return Deferred.fromCoroutine(self._shut_down())

    async def reload(self) -> TasksChanged:
        """Read the configuration anew and apply what has changed; one reload at a time, and after the boot.

        What comes of it stands in the log.

        :return: what changed
        :raises ConfigErrors: it is not valid, or changes what only a restart can; nothing was applied
        :raises ShuttingDown: it is too late for it
        """
        try:
            changes = await self._reload()
        except RunWispError as error:
            self.log.error("reload rejected: {error}", error=error)
            for problem in error.problems if isinstance(error, ConfigErrors) else ():
                self.log.error("{problem}", problem=str(problem), key=problem.key)
            raise
        self._tell(changes)
        return changes

    async def _reload(self) -> TasksChanged:
        await self._reloads.acquire()
        try:
            self._check_reload()
            self._lifeline.reloading()
            old = self._engine.config
            new = await self._engine.resources.in_thread(self._load)
            self._check_reload()
            keys = needs_restart(old, new)
            if keys:
                problems = await self._engine.resources.in_thread(restart_problems, new.path, keys)
                raise NeedsRestart(str(new.path), problems)
            changes = Reloading(self._engine, new, plan_reload(old, new)).apply()
            self._server.listeners.refresh()
            return changes
        finally:
            if not self._is_stopping:
                self._lifeline.reloaded()
            self._reloads.release()

    def _check_reload(self) -> None:
        if self._is_stopping:
            raise ShuttingDown("the daemon is shutting down")

    async def _shut_down(self) -> None:
        began_s = self._reactor.seconds()
        timeout_s = self._engine.config.daemon.shutdown_timeout
        self._is_stopping = True
        self._lifeline.stopping(timeout_s)
        if self._booting is not None:
            self._booting.cancel()
        swept = self._housekeeping.stop()
        await self._engine.shut_down(timeout_s)
        await swept
        await self._notifiers.stop(timeout_s - (self._reactor.seconds() - began_s))
        await self._server.close()
        await self._database.close()
        self._data_dir.unlock()
        self.log.info("stopped", took=round(self._reactor.seconds() - began_s, 3))

    def _begin(self) -> None:
        self._hear_signals()
        # What an earlier daemon has left must be gone before a reload starts anything.
        self._booting = self._reloads.run(lambda: Deferred.fromCoroutine(self._bring_up()))
        self._booting.addErrback(self._boot_failed)

    async def _bring_up(self) -> None:
        config = self._engine.config
        self._warn(config)
        identity = await self._database.write(identify)
        await self._server.prepare()
        self._notifiers.start(identity)
        taken = await self._boot.bring_up()
        self._housekeeping.start()
        self._server.open()
        self._lifeline.ready()
        collect_rarely()
        give_back()
        announcement = Announcement(
            url=self._server.listeners.url,
            fingerprint=identity,
            config=config,
            data=self._data_dir.path,
            taken=taken,
        )
        self._announce(announcement)

    def _announce(self, announcement: Announcement) -> None:
        if self._terminal is not None:
            # Whoever watched may have gone.
            with suppress(OSError):
                self._terminal.write(announcement.banner())
        else:
            for name, schedule in announcement.units():
                self.log.info("unit", name=name, schedule=schedule)
        self.log.info("ready", **announcement.fields())

    def _warn(self, config: Config) -> None:
        for warning in config.warnings:
            self.log.warn("configuration: {warning}", warning=str(warning))

    def _boot_failed(self, failure: Failure) -> None:
        if self._is_stopping:
            return
        if isinstance(failure.value, RunWispError):
            self._say_why(failure.value)
        else:
            self.log.failure("the daemon could not start", failure=failure)
        self.exit_code = 1
        self._reactor.stop()

    def _say_why(self, error: RunWispError) -> None:
        """Why it does not start, and what can be done about it, as one line."""
        self.log.error("{error}", error="; ".join([str(error), *error.hints]))

    def _hear_signals(self) -> None:
        # The reactor has just installed its own handlers, with which it would end by the signal instead of
        # with an exit code, and which know neither a second signal nor SIGHUP.
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._signalled)

    def _signalled(self, signum: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._on_signal, signal.Signals(signum))

    def _on_signal(self, signum: signal.Signals) -> None:
        if signum is signal.SIGHUP:
            self._engine.resources.background.start("reload", self._reload_on_signal())
        elif not self._is_stopping:
            self._signalled_at_s = self._reactor.seconds()
            self.log.info(
                "shutting down",
                signal=signum.name,
                active=self._engine.active_count,
                timeout=self._engine.config.daemon.shutdown_timeout,
            )
            self._reactor.stop()
        elif self._reactor.seconds() - self._signalled_at_s >= SAME_SIGNAL_S:
            self.log.warn("second signal: killing what is left", signal=signum.name)
            self.exit_code = 1
            self._engine.cut_short()
            self._notifiers.cut_short()

    async def _reload_on_signal(self) -> None:
        with suppress(RunWispError):
            await self.reload()

    def _tell(self, changes: TasksChanged) -> None:
        """The changes of a reload, one line each."""
        self._warn(self._engine.config)
        for name in changes.added:
            self.log.info("reload: added", name=name)
        for name, keys in changes.changed.items():
            self.log.info("reload: changed", name=name, keys=", ".join(keys))
        for name in changes.removed:
            self.log.info("reload: removed", name=name)
        for key in changes.settings:
            self.log.info("reload: setting changed", key=key)
        has_changes = changes.added or changes.changed or changes.removed or changes.settings
        self.log.info("reloaded" if has_changes else "reloaded: no changes")

    def _leave_with_code(self) -> None:
        # twistd has no way to end with a code of our choice; everything is closed and flushed by now.
        if self.exit_code:
            sys.stdout.flush()
            sys.stderr.flush()
            self._leave(self.exit_code)


def _allow_descriptors() -> None:
    """Raise the soft limit: the usual 1,024 are gone when a few hundred tasks are due together."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def identify(cursor: Cursor) -> str:
    """The fingerprint of this daemon."""
    return fingerprint.resolve(cursor, os.environ, fingerprint.read_machine_id(), os.getcwd())
