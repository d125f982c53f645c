"""Waits until a run or a unit has reached a state, by listening to the bus and not by looking again."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from runwisp.events import Bus, Event, RunEnded
from runwisp.model import Run, Status

T = TypeVar("T")


@frozen
class Waiting:
    """Nothing here waits for longer than :meth:`within` allows it; who loses interest cancels."""

    clock: IReactorTime
    bus: Bus

    async def within(self, limit_s: float, work: Coroutine[Deferred[Any], Any, T]) -> T | None:
        """The result of ``work``, or None if it is not there after ``limit_s`` seconds."""
        try:
            return await Deferred.fromCoroutine(work).addTimeout(limit_s, self.clock)
        except TimeoutError:
            return None

    async def end_of(self, run: Run) -> Run:
        """The run as it ended.

        It has to be asked for in the turn in which the row of ``run`` was committed: the bus tells of an end
        in a later one.
        """
        if run.status is Status.ENDED:
            return run
        return await self._first(
            lambda event: event.run if isinstance(event, RunEnded) and event.run.id == run.id else None
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as ``holds`` is true: now, or after an event."""
        if not holds():
            await self._first(lambda _: holds() or None)

    async def _first(self, find: Callable[[Event], T | None]) -> T:
        """The first thing that ``find`` finds in an event."""
        found: Deferred[T] = Deferred()

        def look(event: Event) -> None:
            result = find(event)
            if result is not None and not found.called:
                found.callback(result)

        unsubscribe = self.bus.subscribe(look)
        try:
            return await found
        finally:
            unsubscribe()
