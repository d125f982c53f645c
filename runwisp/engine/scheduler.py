"""Fires the slots of schedules (spec: runtime, schedules; clock jumps and long sleep).

There is one heap of next slots and one timer for the earliest. The wall clock chooses slots; the timer runs
on monotonic time and is never longer than :data:`LONGEST_SLEEP_S`, so that a clock that was set, or a machine
that slept, is noticed: each wake compares what the two clocks say. Nothing here polls.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface

from runwisp.config.cron import Schedule, parse
from runwisp.model import Seconds, Task, UnixMs
from runwisp.policy.clock import ClockChange, judge_wake
from runwisp.policy.firing import Fate, Slot, next_slot
from runwisp.units import now_ms

LONGEST_SLEEP_S = 30.0


class ISlotTaker(Interface):
    """Who decides what a slot leads to."""

    def fire(name: str, slot: Slot) -> None:
        """The second of a slot has begun."""

    def catch_up(gaps: Sequence[Gap], now: UnixMs) -> Deferred[None]:
        """Slots were slept through; nothing fires before the Deferred has."""

    def start_anew(names: Sequence[str], now: UnixMs) -> None:
        """The clock was set far back: what these tasks fired so far lies in the future and means nothing."""


@frozen
class Entry:
    """The schedule of one task.

    ``anchor`` is where the intervals of ``@every`` are counted from, ``after`` the last slot that got its
    fate, or the moment of the registration.
    """

    name: str
    schedule: Schedule
    zone: str
    anchor: UnixMs
    after: UnixMs

    @classmethod
    def of(cls, task: Task, after: UnixMs) -> Entry | None:
        """The schedule of ``task`` from ``after`` on; None without ``cron``."""
        if task.cron is None or task.timezone is None:
            return None
        return cls(task.name, parse(task.cron), task.timezone, after, after)

    @property
    def is_interval(self) -> bool:
        return self.schedule.every is not None

    def next(self) -> Slot | None:
        if self.is_interval:
            return next_slot(self.schedule, self.zone, self.after, self.anchor)
        # Slots are at whole seconds, so this changes nothing but finds the answer that others have asked for.
        return _shared_slot(self.schedule, self.zone, UnixMs(self.after - self.after % 1000))

    def coming(self) -> Iterator[UnixMs]:
        """The instants of all further slots that are not skipped copies."""
        entry = self
        while (slot := entry.next()) is not None:
            if slot.fate is Fate.RUN:
                yield slot.at
            entry = evolve(entry, after=slot.at)

    def latest(self, first: Slot, now: UnixMs) -> Slot:
        """Of the slots from ``first`` to ``now``, the last that is to run, or the last if none is."""
        if self.schedule.every is not None:
            one_back = UnixMs(now - round(self.schedule.every * 1000))
            return next_slot(self.schedule, self.zone, one_back, self.anchor) or first
        slot, entry = first, evolve(self, after=first.at)
        while (following := entry.next()) is not None and following.at <= now:
            if following.fate is Fate.RUN or slot.fate is not Fate.RUN:
                slot = following
            entry = evolve(entry, after=following.at)
        return slot

    def anchored(self, moment: UnixMs) -> Entry:
        return evolve(self, anchor=moment, after=moment)

    def shifted(self, by_ms: int) -> Entry:
        """The same on a wall clock that was set by ``by_ms``: intervals are of elapsed time."""
        return evolve(self, anchor=UnixMs(self.anchor + by_ms), after=UnixMs(self.after + by_ms))


@lru_cache(maxsize=8192)
def _shared_slot(schedule: Schedule, zone: str, after: UnixMs) -> Slot | None:
    """Tasks with the same schedule and zone share one computation."""
    return next_slot(schedule, zone, after, after)


@frozen
class Gap:
    """A schedule with slots in (``entry.after``, now] that nothing could fire."""

    entry: Entry


@frozen(order=True)
class _Due:
    """A heap item: by planned instant, then by task name."""

    at: UnixMs
    name: str
    number: int
    fate: Fate
    entry: Entry


@frozen
class _Sleep:
    """The last look at both clocks, and until when on the monotonic one nobody wanted to look again.

    Whatever the wall clock does after a look shows at the next one, also between the look and the sleep.
    """

    wall_s: float
    clock_s: float
    until_s: float

    @property
    def now(self) -> UnixMs:
        return UnixMs(int(self.wall_s * 1000))


def _judge(before: _Sleep, after: _Sleep) -> tuple[ClockChange, int]:
    """What the clocks say of the time between two looks, and by how much the wall clock gained, in ms."""
    wall_elapsed = after.wall_s - before.wall_s
    elapsed = after.clock_s - before.clock_s
    change = judge_wake(
        wall_elapsed=Seconds(wall_elapsed),
        elapsed=Seconds(elapsed),
        planned=Seconds(before.until_s - before.clock_s),
    )
    return change, round((wall_elapsed - elapsed) * 1000)


class Scheduler:
    """Hands every slot to ``taker``, never before its second begins."""

    log = Logger()

    def __init__(self, clock: IReactorTime, wall: Callable[[], float], taker: ISlotTaker) -> None:
        self._clock = clock
        self._wall = wall
        self._taker = taker
        self._entries: dict[str, Entry] = {}
        self._heap: list[_Due] = []
        self._pushes = 0
        #: Called at each wake, after the slots of it.
        self.on_wake: Callable[[], None] = lambda: None
        self._sleep: _Sleep | None = None
        self._timer: IDelayedCall | None = None
        self._is_running = False
        self._is_catching_up = False

    def add(self, task: Task, after: UnixMs | None = None) -> None:
        """Schedule ``task`` from ``after`` on, else from now; a task without ``cron`` is left alone."""
        entry = Entry.of(task, now_ms(self._wall) if after is None else after)
        if entry is None:
            return
        # A new sleep begins; what the clocks did in the one before means something to the other schedules.
        self.wake()
        self._plan(entry)
        self._arm()

    def wake(self) -> None:
        """Look at once what the clocks have done, and not when the next slot is due."""
        if self._timer is not None:
            self._disarm()
            self._wake()

    def remove(self, name: str) -> None:
        """Forget the schedule of a task; what is not scheduled may be removed too."""
        self._entries.pop(name, None)

    def start(self) -> None:
        """Begin to fire."""
        self._is_running = True
        self._arm()

    def stop(self) -> None:
        """Fire nothing more."""
        self._is_running = False
        self._disarm()

    def next_run(self, name: str) -> UnixMs | None:
        """The planned instant of the task's next slot that is not a skipped copy."""
        return next(self.coming(name), None)

    def coming(self, name: str) -> Iterator[UnixMs]:
        """The planned instants of the task's slots that are not skipped copies; none if it is not scheduled.

        Nothing of the scheduler is looked at after this call, so another thread may walk them.
        """
        entry = self._entries.get(name)
        return iter(()) if entry is None else entry.coming()

    def follows(self, entry: Entry) -> bool:
        """Whether the task is still registered as in ``entry``, and not anew, nor paused or removed."""
        current = self._entries.get(entry.name)
        return current is not None and evolve(current, after=entry.after) == entry

    def lateness_s(self) -> float:
        """By how many seconds the timer is overdue; 0 while all is well."""
        if self._timer is None:
            return 0.0
        return max(0.0, self._clock.seconds() - self._timer.getTime())

    def _plan(self, entry: Entry) -> None:
        self._entries[entry.name] = entry
        slot = entry.next()
        if slot is not None:
            self._pushes += 1
            heapq.heappush(self._heap, _Due(slot.at, entry.name, self._pushes, slot.fate, entry))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._disarm()
        if not self._is_running or self._is_catching_up:
            return
        wait_s = LONGEST_SLEEP_S
        if self._heap:
            wait_s = min(max(self._heap[0].at / 1000 - self._wall(), 0.0), LONGEST_SLEEP_S)
        self._sleep = evolve(self._sleep or self._look(), until_s=self._clock.seconds() + wait_s)
        self._timer = self._clock.callLater(wait_s, self._wake)

    def _look(self) -> _Sleep:
        clock_s = self._clock.seconds()
        return _Sleep(self._wall(), clock_s, clock_s)

    def _wake(self) -> None:
        self._timer = None
        before, self._sleep = self._sleep, self._look()
        change, gained_ms = _judge(before or self._sleep, self._sleep)
        now = self._sleep.now
        if change is ClockChange.FAR_BACK:
            self._start_anew(now)
        elif change is ClockChange.FORWARD:
            self._catch_up(now)
        else:
            if abs(gained_ms) >= 1000:
                self._shift_intervals(gained_ms)
            self._fire_due(now)
        self._arm()
        with self.log.failuresHandled("what goes with the wake failed"):
            self.on_wake()

    def _take_due(self, now: UnixMs) -> list[_Due]:
        """What is due, in the order in which it fires; entries that were removed or replaced are dropped."""
        due = []
        while self._heap and self._heap[0].at <= now:
            item = heapq.heappop(self._heap)
            if self._entries.get(item.name) is item.entry:
                due.append(item)
        return due

    def _fire_due(self, now: UnixMs) -> None:
        for item in self._take_due(now):
            self._fire(item, now)
            self._plan_again(item, evolve(item.entry, after=now))

    def _fire(self, item: _Due, now: UnixMs) -> None:
        """Overdue slots fire once, as the last of them: none may count as missed after a restart."""
        with self.log.failuresHandled("firing {name} failed", name=item.name):
            self._taker.fire(item.name, item.entry.latest(Slot(item.at, item.fate), now))

    def _plan_again(self, item: _Due, entry: Entry) -> None:
        if self._entries.get(item.name) is item.entry:
            self._plan(entry)

    def _catch_up(self, now: UnixMs) -> None:
        """Time was lost: intervals fire once and go on from here, the rest is for catch-up to decide."""
        due = self._take_due(now)
        gaps = [
            Gap(item.entry) for item in sorted(due, key=lambda item: item.name) if not item.entry.is_interval
        ]
        self.log.warn("the clock jumped ahead, or the machine slept", tasks=len(gaps))
        for item in due:
            if item.entry.is_interval:
                self._fire(item, now)
                self._plan_again(item, item.entry.anchored(now))
            else:
                self._plan_again(item, evolve(item.entry, after=now))
        if gaps:
            self._is_catching_up = True
            self._taker.catch_up(gaps, now).addErrback(self._catch_up_failed).addCallback(self._caught_up)

    def _catch_up_failed(self, failure: Failure) -> None:
        self.log.failure("catch-up failed", failure=failure)

    def _caught_up(self, _: None) -> None:
        self._is_catching_up = False
        if self._is_running:
            # What the clocks did meanwhile is judged like any sleep.
            self._wake()

    def _start_anew(self, now: UnixMs) -> None:
        self.log.warn("the clock was set far back: every schedule starts anew")
        self._heap.clear()
        for entry in tuple(self._entries.values()):
            self._plan(entry.anchored(now))
        self._taker.start_anew(sorted(self._entries), now)

    def _shift_intervals(self, by_ms: int) -> None:
        for entry in tuple(self._entries.values()):
            if entry.is_interval:
                self._plan(entry.shifted(by_ms))
