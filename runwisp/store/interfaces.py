"""The seam between the database and those who use it."""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Cursor
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

T = TypeVar("T")


class IDatabase(Interface):
    """Runs functions over a cursor, each inside a transaction, and never blocks its caller.

    A function may run in another thread and may share nothing with others. It must not begin, commit or roll
    back, and it must not hand out its cursor. It is called again if the failure of another undid what it did.
    What it raises is the failure of its Deferred; an error of the database itself (locked, full, damaged,
    closed) is a :class:`runwisp.errors.StorageError`.
    """

    def write(work: Callable[[Cursor], T]) -> Deferred[T]:
        """Run ``work`` and fire with its result once that is committed.

        Writes take effect in the order of the calls. They may share a commit; one that fails leaves nothing
        behind and does not disturb the others.
        """

    def read(work: Callable[[Cursor], T]) -> Deferred[T]:
        """Run ``work``, which only reads and sees one state of the database throughout."""

    def hurry() -> None:
        """From now on give up soon where another process has locked the database: the program is ending."""
