"""Waiting in tests on the real reactor: for the event itself, and never without a deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

T = TypeVar("T")

DEADLINE_S = 20.0
_POLL_S = 0.005


async def within(clock: IReactorTime, event: Deferred[T], seconds: float = DEADLINE_S) -> T:
    """The result of ``event``; :class:`twisted.internet.defer.TimeoutError` if it takes longer."""
    return await event.addTimeout(seconds, clock)


async def wait_for(clock: IReactorTime, condition: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
    """Return when ``condition`` holds, for things that announce themselves to nobody."""
    deadline = clock.seconds() + seconds
    while not condition():
        assert clock.seconds() < deadline, f"did not come true within {seconds} s"
        await deferLater(clock, _POLL_S)
