"""How long a reactor keeps those waiting who want a turn."""

from __future__ import annotations

import os

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

_BEAT_S = 0.005


class Beats:
    """Counts on being called every 5 ms by the thread that made it; ``late_s`` is how late it was at most.

    That is the time a turn of the reactor took, and what it waited for the interpreter. Time in which the
    system ran other programs instead does not count.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.late_s = 0.0
        self._clock = clock
        self._statistics = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self._last_s = self._running_s()
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock

    def start(self) -> None:
        self._last_s = self._running_s()
        self._loop.start(_BEAT_S, now=False)

    def stop(self) -> None:
        self._loop.stop()
        os.close(self._statistics)

    def _beat(self) -> None:
        now_s = self._running_s()
        self.late_s = max(self.late_s, now_s - self._last_s - _BEAT_S)
        self._last_s = now_s

    def _running_s(self) -> float:
        """The clock without the time that this thread has waited for a processor."""
        waited_ns = int(os.pread(self._statistics, 100, 0).split()[1])
        return self._clock.seconds() - waited_ns / 1e9
