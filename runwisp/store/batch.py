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

    A function that raises is undone, the others stay; then all of them have been called twice.

    :raises StorageError: the database refused the whole; nothing is written
    """
    if len(works) == 1:
        return [_outcome(lambda: transact(connection, BEGIN_WRITE, works[0]))]
    has_begun = False

    def together(cursor: Cursor) -> list[Outcome]:
        nonlocal has_begun
        has_begun = True
        return [Outcome(work(cursor)) for work in works]

    try:
        return transact(connection, BEGIN_WRITE, together)
    except Exception:  # whoever it was has taken the others along: again, each apart, which costs more
        if not has_begun:
            raise
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
