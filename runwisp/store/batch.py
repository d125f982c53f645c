"""Several writes in one transaction, each of which fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sqlite3 import Connection, Cursor
from typing import Any

from attrs import frozen

from runwisp.store.connection import storage_errors, transact

BEGIN_WRITE = "BEGIN IMMEDIATE"
#: Reads begin too, so that all statements of one see the same state.
BEGIN_READ = "BEGIN"


@frozen
class Outcome:
    """What a write returned, unless ``error`` says what it raised."""

    value: Any = None  # each write has a type of its own
    error: Exception | None = None


def run_batch(connection: Connection, works: Sequence[Callable[[Cursor], object]]) -> list[Outcome]:
    """Run the functions one after the other and commit what they did; outcomes in the same order.

    A function that raises is undone, the others stay.

    :raises StorageError: the database refused the whole; nothing is written
    """
    if len(works) == 1:
        # An error means that nothing is written: no need to set it apart.
        return [_outcome(lambda: transact(connection, BEGIN_WRITE, works[0]))]
    return transact(connection, BEGIN_WRITE, lambda _: [_apart(connection, work) for work in works])


def _apart(connection: Connection, work: Callable[[Cursor], object]) -> Outcome:
    cursor = connection.cursor()
    cursor.execute("SAVEPOINT apart")
    outcome = _outcome(lambda: work(cursor))
    cursor.close()
    if outcome.error is not None:
        if not connection.in_transaction:
            # SQLite has rolled back everything, as it does when the disk is full.
            raise outcome.error
        connection.execute("ROLLBACK TO apart")
    connection.execute("RELEASE apart")
    return outcome


def _outcome(work: Callable[[], object]) -> Outcome:
    try:
        with storage_errors("the database failed"):
            return Outcome(value=work())
    except Exception as error:  # whatever it is, it belongs to the one who asked for the write
        return Outcome(error=error)
