"""Puts together the real resources of the engine, for the daemon and for ``exec``."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from runwisp.engine.background import Background
from runwisp.engine.disk import DiskGuard
from runwisp.engine.environment import inheritable
from runwisp.engine.launch import SystemAccounts, prepare
from runwisp.engine.ledger import Ledger
from runwisp.engine.process import OPEN_PIDFD, Launch, Spawner
from runwisp.engine.resources import Resources
from runwisp.engine.syncing import Syncer
from runwisp.events import Bus
from runwisp.logs.files import flush_file_system
from runwisp.logs.finish import finish_log
from runwisp.logs.library import Library
from runwisp.logs.masking import Masker
from runwisp.logs.writer import LogWriter
from runwisp.model import Bytes, Run, Unit
from runwisp.store.interfaces import IDatabase
from runwisp.threads import make_patient
from runwisp.units import RunIds

T = TypeVar("T")


@frozen
class Assembly:
    """The resources, and what else their makers know how to do."""

    resources: Resources
    bus: Bus
    open_log: Callable[[Unit, Run], LogWriter]
    finish_log: Callable[[Run, str], None]
    library: Library


def use_monotonic_clock(reactor: PosixReactorBase) -> None:
    """Let ``reactor`` count time on the monotonic clock.

    Twisted's ``seconds`` is the wall clock: set back by an hour, it would hold every timeout, grace period
    and backoff for an hour. It must be replaced before anything is scheduled.
    """
    reactor.seconds = time.monotonic


def _hear_no_sigchld() -> None:
    """Exits are learned of from pidfds; the reactor's handler would be woken by each of them for nothing."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def assemble(
    reactor: PosixReactorBase,
    database: IDatabase,
    logs: Path,
    environ: Mapping[str, str],
    min_free_space: Callable[[], Bytes | None] = lambda: None,
) -> Assembly:
    """Resources on the real reactor, processes and files; ``logs`` is the root of the log tree.

    :param min_free_space: what should be free there at the moment
    """
    background = Background()
    bus = Bus(reactor)
    library = Library(logs)
    if OPEN_PIDFD is not None:
        reactor.callWhenRunning(_hear_no_sigchld)
    disk = DiskGuard(logs, min_free_space, bus)
    accounts = SystemAccounts()
    inherited = inheritable(environ)
    log = Logger(namespace=__name__)

    make_patient(reactor.getThreadPool(), reactor)

    def in_thread(work: Callable[..., T], /, *args: object) -> Deferred[T]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), work, *args)

    def prepare_launch(unit: Unit, run: Run) -> Launch:
        return prepare(unit, run, inherited, accounts)

    def open_log(unit: Unit, run: Run) -> LogWriter:
        writer = LogWriter(
            library.paths(run),
            max_size=unit.log_max_size,
            on_full=unit.log_on_full,
            masker=Masker(unit.secrets.values()) if unit.secrets else None,
            wall=time.time,
            shortage=disk.shortage,
            on_error=lambda error: log.warn(
                "log not written: {error}", error=error, task=run.label, run=run.id
            ),
            later=lambda work: background.start("sync of a full log", in_thread(work)),
        )
        library.add(run.id, writer)
        return writer

    def end_log(run: Run, note: str) -> None:
        finish_log(library.paths(run), note, time.time)

    resources = Resources(
        clock=reactor,
        wall=time.time,
        ids=RunIds(time.time),
        ledger=Ledger(reactor, database, bus, background),
        spawner=Spawner(reactor),
        prepare=prepare_launch,
        open_log=open_log,
        disk=disk,
        in_thread=in_thread,
        syncer=Syncer(reactor, background, in_thread, partial(flush_file_system, logs)),
        background=background,
    )
    return Assembly(resources, bus, open_log, end_log, library)
