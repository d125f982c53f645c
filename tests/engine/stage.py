"""Where an actor is put on for a test: fake clock and processes, logs in memory, the real schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Cursor
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from runwisp.engine.background import Background
from runwisp.engine.disk import DiskGuard
from runwisp.engine.ledger import Ledger
from runwisp.engine.resources import Resources
from runwisp.engine.syncing import Syncer
from runwisp.events import Bus, Event
from runwisp.model import Bytes, Run, RunId, Status, Unit
from runwisp.store import runs
from runwisp.units import RunIds
from tests.engine.fakes import FakeChild, FakeSpawner, MemoryLog, in_this_thread, prepare
from tests.fakes import ImmediateDatabase

T = TypeVar("T")

#: 2026-11-24 12:00:00 UTC.
NOON_S = 1_795_521_600.0


class PatientDatabase(ImmediateDatabase):
    """A database whose writes a test can hold up."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Callable[[], object]] | None = None

    def hold(self) -> Callable[[], None]:
        """Let writes wait until the returned function is called."""
        self._held = []

        def release() -> None:
            # What is asked for meanwhile does not overtake.
            while self._held:
                self._held.pop(0)()
            self._held = None

        return release

    def write(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        if self._held is None:
            return super().write(work)
        done: Deferred[T] = Deferred()
        self._held.append(lambda: ImmediateDatabase.write(self, work).chainDeferred(done))
        return done


class Stage:
    """``wall_offset_s`` steps the wall clock, which otherwise goes with ``clock``."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wall_offset_s = NOON_S
        self.database = PatientDatabase()
        self.bus = Bus(self.clock)
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.spawner = FakeSpawner()
        self.logs: dict[RunId, MemoryLog] = {}
        self.log_limit: int | None = None
        self.min_free_space: Bytes | None = None
        self.free_space = Bytes(1024**3)
        background = Background()
        self.resources = Resources(
            clock=self.clock,
            wall=self.wall,
            ids=RunIds(self.wall),
            ledger=Ledger(self.clock, self.database, self.bus, background),
            spawner=self.spawner,
            prepare=prepare,
            open_log=self._open_log,
            disk=DiskGuard(
                Path("logs"), lambda: self.min_free_space, self.bus, measure=lambda _: self.free_space
            ),
            in_thread=in_this_thread,
            syncer=Syncer(self.clock, background, in_this_thread),
            background=background,
        )

        self.resources.syncer.hurry()

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
