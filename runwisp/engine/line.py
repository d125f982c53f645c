"""The queue of one task: pending runs that wait for a slot, in the order in which they came."""

from __future__ import annotations

from collections import deque

from attrs import frozen

from runwisp.model import Run, RunId


@frozen
class Queued:
    """A pending run; ``is_counted`` if it takes a place of ``max_queued``."""

    run: Run
    is_counted: bool


class Line:
    """First in, first out; ``counted`` is how many take a place of ``max_queued``."""

    def __init__(self) -> None:
        self._queued: deque[Queued] = deque()
        self.counted = 0

    def __len__(self) -> int:
        return len(self._queued)

    def append(self, run: Run, *, is_counted: bool) -> None:
        self._queued.append(Queued(run, is_counted))
        self.counted += is_counted

    def pop(self) -> Run:
        """Take the run that has waited longest."""
        queued = self._queued.popleft()
        self.counted -= queued.is_counted
        return queued.run

    def remove(self, run_id: RunId) -> Run | None:
        """Take a run out of the middle; None if it is not here."""
        for queued in self._queued:
            if queued.run.id == run_id:
                self._queued.remove(queued)
                self.counted -= queued.is_counted
                return queued.run
        return None

    def clear(self) -> None:
        self._queued.clear()
        self.counted = 0
