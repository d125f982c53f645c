"""The daemon's database: one writer whose callers share commits, and a few readers beside it.

A commit, and the way into the writer's thread and back, cost far more than the statements of one write. So
the writes queued within one turn of the reactor, or while a commit is under way, go together into the next
transaction, and the thread stays at work until nothing is queued. Readers have connections of their own and
see what is committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection, Cursor
from typing import Any, TypeVar

from attrs import frozen
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred, fail
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.errors import StorageError
from runwisp.store import connection as connections
from runwisp.store.batch import BEGIN_READ, Outcome, run_batch
from runwisp.store.interfaces import IDatabase
from runwisp.threads import make_patient

T = TypeVar("T")

#: So many writes share a commit at most; more would keep the first of them waiting.
BATCH_LIMIT = 256
_MOST_READERS = 2


@frozen
class _Write:
    work: Callable[[Cursor], object]
    done: Deferred[Any]  # each write has a result type of its own


@implementer(IDatabase)
class Database:
    """SQLite behind two pools of threads; see :class:`~runwisp.store.interfaces.IDatabase`."""

    log = Logger()

    def __init__(self, path: Path, reactor: PosixReactorBase) -> None:
        self._path = path
        self._reactor = reactor
        self._writer: ConnectionPool | None = None
        self._readers: ConnectionPool | None = None
        self._queue: deque[_Write] = deque()
        self._is_flushing = False
        self._reads = 0
        self._is_closing = False
        self._is_hurried = False
        self._waiting_for_quiet: list[Deferred[None]] = []

    def open(self) -> None:
        """Create or migrate the database and make the pools; blocks.

        The threads start with the reactor, or at once if it runs.

        :raises StorageError: the database cannot be opened or migrated, or it is newer than this program
        """
        connections.migrate(self._path)
        self._writer = self._pool("writer", 1, connections.writer_uri(self._path), connections.set_up_writer)
        self._readers = self._pool(
            "readers", _MOST_READERS, connections.reader_uri(self._path), connections.set_up_reader
        )

    def hurry(self) -> None:
        self._is_hurried = True

    def close(self) -> Deferred[None]:
        """Refuse what comes from now on, finish what is queued, and empty the write-ahead log."""
        self._is_closing = True
        return Deferred.fromCoroutine(self._close())

    def write(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        writer = self._writer
        if writer is None or self._is_closing:
            return fail(StorageError("the database is not open"))
        done: Deferred[T] = Deferred()
        self._queue.append(_Write(work, done))
        if not self._is_flushing:
            self._is_flushing = True
            self._reactor.callLater(0, self._flush, writer)
        return done

    def read(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        if self._readers is None or self._is_closing:
            return fail(StorageError("the database is not open"))
        return Deferred.fromCoroutine(self._read(self._readers, work))

    def _pool(self, name: str, most: int, uri: str, set_up: Callable[[Connection], None]) -> ConnectionPool:
        pool = ConnectionPool(
            "sqlite3",
            uri,
            **connections.CONNECT_OPTIONS,
            cp_reactor=self._reactor,
            cp_name=name,
            cp_noisy=False,
            cp_min=0,
            cp_max=most,
            cp_openfun=set_up,
        )
        make_patient(pool.threadpool, self._reactor)
        return pool

    def _flush(self, writer: ConnectionPool) -> None:
        drained = writer.runWithConnection(self._drain)
        drained.addErrback(self._refuse_queued)
        drained.addCallback(self._drained, writer)

    def _drain(self, connection: Connection) -> None:
        """Called in the writer's thread: commit what is queued, batch after batch, and tell of each."""
        while batch := self._take_batch():
            if self._is_hurried:
                connections.hurry(connection)
            self._reactor.callFromThread(_settle, batch, _outcomes(connection, batch))

    def _take_batch(self) -> list[_Write]:
        return [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_LIMIT))]

    def _refuse_queued(self, failure: Failure) -> None:
        """The writer's connection could not be had at all."""
        batch = self._take_batch()
        try:
            with connections.storage_errors("the database cannot be written"):
                failure.raiseException()
        except Exception as error:
            _settle(batch, [Outcome(error=error)] * len(batch))

    def _drained(self, _: object, writer: ConnectionPool) -> None:
        if self._queue:
            # It was queued after the thread's last look.
            self._flush(writer)
            return
        self._is_flushing = False
        self._tell_if_quiet()

    async def _read(self, readers: ConnectionPool, work: Callable[[Cursor], T]) -> T:
        self._reads += 1
        try:
            with connections.storage_errors("the database cannot be read"):
                result: T = await readers.runWithConnection(connections.transact, BEGIN_READ, work)
                return result
        finally:
            self._reads -= 1
            self._tell_if_quiet()

    def _tell_if_quiet(self) -> None:
        if not self._is_flushing and not self._reads:
            waiting, self._waiting_for_quiet = self._waiting_for_quiet, []
            for waiter in waiting:
                waiter.callback(None)

    async def _close(self) -> None:
        quiet: Deferred[None] = Deferred()
        self._waiting_for_quiet.append(quiet)
        self._tell_if_quiet()
        await quiet
        writer, readers, self._writer, self._readers = self._writer, self._readers, None, None
        if writer is None or readers is None:
            return
        readers.close()
        try:
            with connections.storage_errors("the database cannot be written"):
                await writer.runWithConnection(_checkpoint, self._is_hurried)
        except StorageError as error:
            # Nothing is lost: the next one to open the database reads the log.
            self.log.warn("the write-ahead log stays as it is: {error}", error=error)
        finally:
            writer.close()


def _outcomes(connection: Connection, batch: list[_Write]) -> list[Outcome]:
    try:
        with connections.storage_errors("the database cannot be written"):
            return run_batch(connection, [write.work for write in batch])
    except Exception as error:  # all of the batch failed: each of those who wait hears of it
        return [Outcome(error=error)] * len(batch)


def _settle(batch: list[_Write], outcomes: list[Outcome]) -> None:
    for write, outcome in zip(batch, outcomes, strict=True):
        if outcome.error is None:
            write.done.callback(outcome.value)
        else:
            write.done.errback(outcome.error)


def _checkpoint(connection: Connection, is_hurried: bool) -> None:
    if is_hurried:
        connections.hurry(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
