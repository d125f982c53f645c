"""Keeps in the database what is due, beside the deliveries (spec: notifications, outbox)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from sqlite3 import Cursor

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from runwisp.errors import StorageError
from runwisp.store import outbox
from runwisp.store.interfaces import IDatabase
from runwisp.store.outbox import Entry
from runwisp.units import now_ms


class Outbox:
    """Writes down how far each message is.

    A database that refuses costs what a restart would have resumed; the message itself goes out all the same,
    which may well be about a full disk. Writes take effect in the order of the calls.
    """

    log = Logger()

    def __init__(self, database: IDatabase, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall

    def take_up(self) -> Deferred[list[Entry]]:
        """What an earlier daemon left, oldest first; what is added later is not in it.

        It fails with :class:`StorageError`.
        """
        return self._database.write(outbox.everything)

    def add(self, entry: Entry) -> Deferred[None]:
        return self._write(partial(outbox.insert, entry=entry))

    def begin_attempt(self, entry: Entry) -> Deferred[None]:
        return self._write(partial(outbox.begin_attempt, entry_id=entry.id, now=now_ms(self._wall)))

    def end_attempt(self, entry: Entry) -> Deferred[None]:
        return self._write(partial(outbox.end_attempt, entry_id=entry.id))

    def delete(self, entry: Entry) -> Deferred[None]:
        return self._write(partial(outbox.delete, entry_id=entry.id))

    def _write(self, work: Callable[[Cursor], None]) -> Deferred[None]:
        return Deferred.fromCoroutine(self._written(work))

    async def _written(self, work: Callable[[Cursor], None]) -> None:
        try:
            await self._database.write(work)
        except StorageError as error:
            self.log.warn("the outbox could not be written: {error}", error=error)
