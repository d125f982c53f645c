"""Keeps the work for those who follow logs from taking the time of the runs."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

#: What takes longer has waited for a disk, and that takes the time of nobody else.
LONGEST_S = 0.05


class Pace:
    """Work that takes at most ``share`` of all time, but for ``burst_s`` seconds of it in a row."""

    def __init__(self, clock: IReactorTime, share: float, burst_s: float) -> None:
        self._clock = clock
        self._share = share
        self._burst_s = burst_s
        self._even_s = clock.seconds()
        self._waiting: deque[Deferred[None]] = deque()
        self._is_taken = False
        self._is_passing_on = False

    @property
    def delay_s(self) -> float:
        """How long to wait before more work."""
        return max(0.0, self._even_s - self._clock.seconds())

    @contextmanager
    def work(self) -> Iterator[None]:
        """What is done within is work."""
        began_s = self._clock.seconds()
        try:
            yield
        finally:
            took_s = min(self._clock.seconds() - began_s, LONGEST_S)
            saved_s = self._burst_s / self._share
            self._even_s = max(self._even_s, began_s - saved_s) + took_s / self._share

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it is one's turn, and time for it; what is done within is work."""
        await self._take()
        try:
            if (delay_s := self.delay_s) > 0:
                await deferLater(self._clock, delay_s)
            with self.work():
                yield
        finally:
            self._pass_on()

    async def _take(self) -> None:
        if self._is_taken:
            waiting: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(waiting)
            await waiting
        self._is_taken = True

    def _pass_on(self) -> None:
        """Whose turn is next may be done with it at once: a hundred of them must not nest."""
        self._is_taken = False
        if self._is_passing_on:
            return
        self._is_passing_on = True
        while self._waiting and not self._is_taken:
            self._is_taken = True
            self._waiting.popleft().callback(None)
        self._is_passing_on = False
