"""Where an actor is put on for a test: fake clock, fake processes, logs in memory, and a real database schema."""

from __future__ import annotations

from twisted.internet.task import Clock

from runwisp.engine.background import Background
from runwisp.engine.ledger import Ledger
from runwisp.engine.resources import Resources
from runwisp.events import Bus, Event
from runwisp.model import Run, RunId, Status, Unit
from runwisp.store import runs
from runwisp.units import RunIds
from tests.engine.fakes import FakeChild, FakeSpawner, MemoryLog, in_this_thread, prepare
from tests.fakes import ImmediateDatabase

#: 2026-11-24 12:00:00 UTC.
NOON_S = 1_795_521_600.0


class Stage:
    """``wall_offset_s`` steps the wall clock, which otherwise goes with ``clock``."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wall_offset_s = NOON_S
        self.database = ImmediateDatabase()
        self.bus = Bus(self.clock)
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.spawner = FakeSpawner()
        self.logs: dict[RunId, MemoryLog] = {}
        self.log_limit: int | None = None
        background = Background()
        self.resources = Resources(
            clock=self.clock,
            wall=self.wall,
            ids=RunIds(self.wall),
            ledger=Ledger(self.clock, self.database, self.bus, background),
            spawner=self.spawner,
            prepare=prepare,
            open_log=self._open_log,
            in_thread=in_this_thread,
            background=background,
        )

    def wall(self) -> float:
        return self.clock.seconds() + self.wall_offset_s

    def _open_log(self, unit: Unit, run: Run) -> MemoryLog:
        self.logs[run.id] = MemoryLog(self.log_limit)
        return self.logs[run.id]

    @property
    def children(self) -> list[FakeChild]:
        return self.spawner.children

    def rows(self) -> list[Run]:
        """All rows, oldest first."""
        return self.database.now(lambda cursor: runs.page(cursor, runs.RunFilter(), 10_000, None))[::-1]

    def row(self, run: Run) -> Run:
        found = self.database.now(lambda cursor: runs.get(cursor, run.id))
        assert found is not None
        return found

    def with_status(self, status: Status) -> list[Run]:
        return [run for run in self.rows() if run.status is status]

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(5):
            self.clock.advance(0)
