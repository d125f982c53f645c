"""Keeps the work for those who follow logs from taking the time of the runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater


class Pace:
    """Work that takes at most ``share`` of all time, but for ``burst_s`` seconds of it in a row."""

    def __init__(self, clock: IReactorTime, share: float, burst_s: float) -> None:
        self._clock = clock
        self._share = share
        self._burst_s = burst_s
        self._even_s = clock.seconds()
        self._lock = DeferredLock()

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
            now_s = self._clock.seconds()
            saved_s = self._burst_s / self._share
            self._even_s = max(self._even_s, began_s - saved_s) + (now_s - began_s) / self._share

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it is one's turn, and time for it; what is done within is work."""
        await self._lock.acquire()
        try:
            if (delay_s := self.delay_s) > 0:
                await deferLater(self._clock, delay_s)
            with self.work():
                yield
        finally:
            self._lock.release()
