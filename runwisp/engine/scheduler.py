"""Fires the slots of schedules (spec: runtime, schedules).

There is one heap of next slots and one timer for the earliest. The wall clock chooses slots; the timer runs
on monotonic time and is never longer than :data:`LONGEST_SLEEP_S`, so that a clock that was set, or a machine
that slept, is noticed. Nothing here polls.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from attrs import define, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from runwisp.config.cron import Schedule, parse
from runwisp.model import Task, UnixMs
from runwisp.policy.firing import Fate, Slot, next_slot
from runwisp.units import now_ms

LONGEST_SLEEP_S = 30.0


@frozen
class Entry:
    """The schedule of one task; ``anchor`` is where the intervals of ``@every`` are counted from."""

    name: str
    schedule: Schedule
    zone: str
    anchor: UnixMs

    def slot_after(self, moment: UnixMs) -> Slot | None:
        return next_slot(self.schedule, self.zone, moment, self.anchor)


@define(order=True)
class _Due:
    """A heap item: ordered by planned instant, then by task name."""

    at: UnixMs
    name: str
    slot: Slot
    entry: Entry


class Scheduler:
    """Calls ``fire(task name, slot)`` for every slot, never before its second begins."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, wall: Callable[[], float], fire: Callable[[str, Slot], None]
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._fire = fire
        self._heap: list[_Due] = []
        self._timer: IDelayedCall | None = None
        self._is_running = False

    def add(self, task: Task) -> None:
        """Schedule ``task`` from now on; a task without ``cron`` is left alone."""
        if task.cron is None or task.timezone is None:
            return
        now = now_ms(self._wall)
        self._plan(Entry(task.name, parse(task.cron), task.timezone, now), now)
        if self._is_running:
            self._arm()

    def start(self) -> None:
        """Begin to fire."""
        self._is_running = True
        self._arm()

    def stop(self) -> None:
        """Fire nothing more."""
        self._is_running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def next_run(self, name: str) -> UnixMs | None:
        """The planned instant of the task's next slot that is not a skipped copy, as far as it is known."""
        return next((due.at for due in self._heap if due.name == name and due.slot.fate is Fate.RUN), None)

    def lateness_s(self) -> float:
        """By how many seconds the timer is overdue; 0 while all is well."""
        if self._timer is None:
            return 0.0
        return max(0.0, self._clock.seconds() - self._timer.getTime())

    def _plan(self, entry: Entry, after: UnixMs) -> None:
        slot = entry.slot_after(after)
        if slot is not None:
            heapq.heappush(self._heap, _Due(slot.at, entry.name, slot, entry))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            wait_s = self._heap[0].at / 1000 - self._wall()
            self._timer = self._clock.callLater(min(max(wait_s, 0.0), LONGEST_SLEEP_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = now_ms(self._wall)
        fired: list[Entry] = []
        while self._heap and self._heap[0].at <= now:
            due = heapq.heappop(self._heap)
            fired.append(due.entry)
            with self.log.failuresHandled("firing {name} failed", name=due.name):
                self._fire(due.name, due.slot)
        # Overdue slots of a schedule fire once, so the next one is looked for from now.
        for entry in fired:
            self._plan(entry, now)
        if self._is_running:
            self._arm()
