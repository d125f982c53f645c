"""Figures of the machine, taken now and then (spec: rest, metrics samples).

While somebody watches there is one every few seconds; else they go with the scheduler's own wakes, so that an
idle daemon is not woken for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from runwisp.model import Bytes, UnixMs
from runwisp.units import now_ms

#: How often a sample is taken while somebody watches, and how often else, in seconds.
WATCHED_S = 5.0
UNWATCHED_S = 30.0
#: How many samples are kept.
KEPT = 32
#: Wakes come a little early or late.
_SLACK_S = 1.0


@frozen(kw_only=True)
class HostFigures:
    """``cpu_usage`` is that since the call before, in percent of all processors."""

    cpu_usage: float
    mem_used: Bytes
    mem_total: Bytes


def measure_host() -> HostFigures:
    """The machine as it is now; to be called in one thread, the first call just begins to count."""
    # Some megabytes, which `runwisp exec` does not need.
    import psutil

    memory = psutil.virtual_memory()
    return HostFigures(
        cpu_usage=psutil.cpu_percent(),
        mem_used=Bytes(memory.total - memory.available),
        mem_total=Bytes(memory.total),
    )


@frozen(kw_only=True)
class MetricsSample:
    """Percentages are 0 to 100, with one decimal."""

    at: UnixMs
    cpu_usage: float
    mem_usage: float
    mem_used: Bytes
    mem_total: Bytes


class Samples:
    """Takes samples, keeps the last ones, and hands each to who has subscribed."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        measure: Callable[[], HostFigures] = measure_host,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._measure = measure
        self._recent: deque[MetricsSample] = deque(maxlen=KEPT)
        self._subscribers: list[Callable[[MetricsSample], None]] = []
        self._watchers = 0
        self._taken_s = 0.0
        self._measured_s = 0.0
        self._last: MetricsSample | None = None
        self._timer: IDelayedCall | None = None

    @property
    def recent(self) -> tuple[MetricsSample, ...]:
        """The kept samples, oldest first."""
        return tuple(self._recent)

    def subscribe(self, subscriber: Callable[[MetricsSample], None]) -> Callable[[], None]:
        """Hand ``subscriber`` each sample that is taken; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def start(self) -> None:
        """Begin to count what the processors do, so that the first sample tells something."""
        self._taken_s = self._clock.seconds()
        with self.log.failuresHandled("the machine cannot be measured"):
            self._measure()

    def hold(self) -> None:
        """Somebody watches from now on."""
        self._watchers += 1
        if self._timer is None:
            self._timer = self._clock.callLater(WATCHED_S, self._tick)

    def release(self) -> None:
        """One who watched does so no more."""
        self._watchers -= 1
        if not self._watchers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_wake(self) -> None:
        """The scheduler is awake anyway: take a sample if it is time for one and nobody watches."""
        if self._timer is None and self._clock.seconds() - self._taken_s >= UNWATCHED_S - _SLACK_S:
            self._take()

    def newest(self) -> MetricsSample:
        """How the machine is now, or was a moment ago; this sample is not among those that are kept."""
        if self._last is None or self._clock.seconds() - self._measured_s >= WATCHED_S:
            return self._look()
        return self._last

    def _tick(self) -> None:
        self._timer = self._clock.callLater(WATCHED_S, self._tick)
        with self.log.failuresHandled("no sample of the machine"):
            self._take()

    def _take(self) -> None:
        self._taken_s = self._clock.seconds()
        sample = self._look()
        self._recent.append(sample)
        for subscriber in tuple(self._subscribers):
            with self.log.failuresHandled("subscriber of samples failed"):
                subscriber(sample)

    def _look(self) -> MetricsSample:
        figures = self._measure()
        self._measured_s = self._clock.seconds()
        self._last = MetricsSample(
            at=now_ms(self._wall),
            cpu_usage=round(figures.cpu_usage, 1),
            mem_usage=round(100 * figures.mem_used / figures.mem_total, 1),
            mem_used=figures.mem_used,
            mem_total=figures.mem_total,
        )
        return self._last
