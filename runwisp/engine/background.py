"""Keeps the coroutines that nobody awaits: their failures are logged, and a stop can wait for them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger


class Background:
    """Owner of work that runs beside its caller."""

    log = Logger()

    def __init__(self) -> None:
        # Any: the result of background work is of no interest to anybody.
        self._alive: set[Deferred[Any]] = set()

    def start(self, name: str, work: Coroutine[Deferred[Any], Any, Any] | Deferred[Any]) -> None:
        """Begin ``work`` at once, up to its first wait; a failure is logged under ``name``."""
        done = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        self._alive.add(done)
        done.addErrback(lambda failure: self.log.failure("{name} failed", failure=failure, name=name))
        done.addBoth(lambda _: self._alive.discard(done))

    async def when_idle(self) -> None:
        """Wait until no work is left, that started meanwhile included."""
        while self._alive:
            await DeferredList(list(self._alive))
