"""Tells those who wait for a single run what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

from runwisp.events import Bus, Event, RunCreated, RunDeleted, RunEnded, RunStarted, RunUpdated
from runwisp.model import Run, RunId
from runwisp.web.sse import Nudge


@define(eq=False)
class WatchedRun:
    """A run as the bus tells of it, None as long as it has told nothing; each time there is a nudge."""

    run: Run | None = None
    is_deleted: bool = False
    nudge: Nudge = field(factory=Nudge)


class RunWatch:
    """Listens to the bus for any number of them."""

    def __init__(self, bus: Bus) -> None:
        self._watched: dict[RunId, set[WatchedRun]] = {}
        bus.subscribe(self._heard)

    @contextmanager
    def watching(self, run_id: RunId) -> Iterator[WatchedRun]:
        """What is told of the run from now on."""
        watched = WatchedRun()
        others = self._watched.setdefault(run_id, set())
        others.add(watched)
        try:
            yield watched
        finally:
            others.discard(watched)
            if not others:
                self._watched.pop(run_id, None)

    def _heard(self, told: Event) -> None:
        if isinstance(told, RunCreated | RunStarted | RunUpdated | RunEnded):
            for watched in tuple(self._watched.get(told.run.id, ())):
                watched.run = told.run
                watched.nudge.give()
        elif isinstance(told, RunDeleted):
            for watched in tuple(self._watched.get(told.run_id, ())):
                watched.is_deleted = True
                watched.nudge.give()
