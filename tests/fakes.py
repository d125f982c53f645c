"""Stand-ins for what the parts of the program share; each is verified against its interface."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Cursor
from typing import TypeVar

from twisted.internet.defer import Deferred, execute, fail
from zope.interface import implementer

from runwisp.errors import StorageError
from runwisp.store import schema
from runwisp.store.batch import BEGIN_READ, BEGIN_WRITE
from runwisp.store.connection import CONNECT_OPTIONS, set_up_writer, transact
from runwisp.store.interfaces import IDatabase

T = TypeVar("T")


@implementer(IDatabase)
class ImmediateDatabase:
    """The real schema in memory; everything is done before the call returns, so Deferreds have fired.

    While ``refusal`` is set, every write fails with it, as on a full disk.
    """

    def __init__(self) -> None:
        self.refusal: StorageError | None = None
        self._connection = sqlite3.connect(":memory:", **CONNECT_OPTIONS)
        set_up_writer(self._connection)
        schema.migrate(self._connection)

    def write(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        if self.refusal is not None:
            return fail(self.refusal)
        return execute(transact, self._connection, BEGIN_WRITE, work)

    def read(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        return execute(transact, self._connection, BEGIN_READ, work)

    def hurry(self) -> None:
        """Nobody else can lock it."""

    @contextmanager
    def traced(self, on_statement: Callable[[str], object]) -> Iterator[None]:
        """Tell of each statement while the context lasts, those that begin and commit too."""
        self._connection.set_trace_callback(on_statement)
        try:
            yield
        finally:
            self._connection.set_trace_callback(None)

    def now(self, work: Callable[[Cursor], T]) -> T:
        """The result of ``work``, for tests that want to look or to prepare."""
        return transact(self._connection, BEGIN_WRITE, work)
