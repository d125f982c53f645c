"""An event that comes once and that several may wait for."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed


class Happening:
    """Something that happens once; any number may wait for it, before or after."""

    def __init__(self) -> None:
        self.has_happened = False
        self._waiters: list[Deferred[None]] = []

    def when(self) -> Deferred[None]:
        """Fires when it happens, at once if it has; a waiter that lost interest may cancel."""
        if self.has_happened:
            return succeed(None)
        waiter: Deferred[None] = Deferred(self._waiters.remove)
        self._waiters.append(waiter)
        return waiter

    def happen(self) -> None:
        """It happened; a second call changes nothing."""
        self.has_happened = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)
