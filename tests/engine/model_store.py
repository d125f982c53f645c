"""A database of several daemons, one after the other, that reports every transaction it commits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from sqlite3 import Cursor
from typing import Any, TypeVar

from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from runwisp.config.settings import Config
from runwisp.errors import StorageError
from runwisp.model import Run, RunId, Status, UnixMs
from runwisp.store import marks, runs
from runwisp.store.interfaces import IDatabase
from runwisp.store.marks import Registration
from tests.fakes import ImmediateDatabase

T = TypeVar("T")

_WATCH = [
    "CREATE TEMP TABLE touched (what TEXT, id TEXT)",
    *(
        f"CREATE TEMP TRIGGER touched_{table}_{verb} AFTER {verb} ON {table} BEGIN"
        f" INSERT INTO touched VALUES ('{table}', {row}.{key}); END"
        for table, key in (("runs", "id"), ("task_registrations", "task_name"))
        for verb, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    ),
]


@frozen
class Asked:
    """The moment at which a transaction was asked for, and what was configured then.

    ``generations`` tells a unit from an earlier one of its name that a reload has removed.
    """

    wall: UnixMs
    clock_s: float
    config: Config
    generations: Mapping[str, int]
    life: int


@frozen
class Change:
    """A run before and after a transaction; None where there is none."""

    before: Run | None
    after: Run | None


@frozen
class MarkChange:
    """The marks of the task ``name`` before and after a transaction."""

    name: str
    before: Registration | None
    after: Registration | None


@frozen
class Transaction:
    asked: Asked
    runs: tuple[Change, ...]
    marks: tuple[MarkChange, ...]


class Store:
    """The one database, and what is in it; ``on_commit`` hears of every transaction, in order.

    ``asked`` may be set within a transaction that was asked for before the database has heard of it.
    """

    def __init__(self, on_commit: Callable[[Transaction], None]) -> None:
        self.asked: Asked
        self.rows: dict[RunId, Run] = {}
        self.open: dict[RunId, Run] = {}
        self.registrations: dict[str, Registration] = {}
        self._on_commit = on_commit
        self._database = ImmediateDatabase()
        self._database.now(lambda cursor: [cursor.execute(sql) for sql in _WATCH])

    def commit(self, work: Callable[[Cursor], T], asked: Asked) -> T:
        """:raises StorageError: ``work`` has failed in the database"""
        self.asked = asked
        touched: list[tuple[str, str]] = []

        def watched(cursor: Cursor) -> T:
            result = work(cursor)
            touched.extend(dict.fromkeys(cursor.execute("SELECT what, id FROM touched ORDER BY rowid")))
            cursor.execute("DELETE FROM touched")
            return result

        result = self._database.now(watched)
        if touched:
            self._on_commit(self._take_over(touched, self.asked))
        return result

    def look(self, work: Callable[[Cursor], T]) -> T:
        return self._database.now(work)

    def _take_over(self, touched: list[tuple[str, str]], asked: Asked) -> Transaction:
        changes = [self._changed_run(RunId(id_)) for what, id_ in touched if what == "runs"]
        names = [id_ for what, id_ in touched if what == "task_registrations"]
        before = self.registrations
        if names:
            self.registrations = self._database.now(marks.registrations)
        moved = [MarkChange(name, before.get(name), self.registrations.get(name)) for name in names]
        return Transaction(asked, tuple(changes), tuple(moved))

    def _changed_run(self, run_id: RunId) -> Change:
        before = self.rows.pop(run_id, None)
        after = self._database.now(lambda cursor: runs.get(cursor, run_id))
        self.open.pop(run_id, None)
        if after is not None:
            self.rows[run_id] = after
            if after.status is not Status.ENDED:
                self.open[run_id] = after
        return Change(before, after)


@define
class _Job:
    """Any: each job has a result of its own."""

    work: Callable[[Cursor], Any]
    is_write: bool
    asked: Asked
    done: Deferred[Any]


@implementer(IDatabase)
class LifeDatabase:
    """The database as one daemon sees it.

    Requests wait while it ``is_held``, and always until the next turn if it ``is_lazy``. Writes fail while it
    ``refuses``. After :meth:`die` nobody hears of it any more.
    """

    def __init__(self, store: Store, clock: IReactorTime, ask: Callable[[], Asked], *, is_lazy: bool) -> None:
        self.is_lazy = is_lazy
        self.refuses = False
        self._is_held = False
        self._is_dead = False
        self._store = store
        self._clock = clock
        self.ask = ask
        self._jobs: deque[_Job] = deque()

    @property
    def is_idle(self) -> bool:
        """Nothing waits here."""
        return not self._jobs

    def write(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        return self._put(_Job(work, True, self.ask(), Deferred()))

    def read(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        return self._put(_Job(work, False, self.ask(), Deferred()))

    def hurry(self) -> None:
        """Nobody else can lock it."""

    def hold(self) -> None:
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        self._work_off()

    def die(self, commits: int = 0) -> None:
        """The daemon is gone, after ``commits`` more of its writes have reached the disk."""
        self._is_dead = True
        writes = [job for job in self._jobs if job.is_write]
        self._jobs.clear()
        for job in writes[:commits]:
            if not self.refuses:
                self._store.commit(job.work, job.asked)

    def _put(self, job: _Job) -> Deferred[Any]:
        if self._is_dead:
            return job.done
        self._jobs.append(job)
        if self.is_lazy:
            self._clock.callLater(0, self._work_off)
        else:
            self._work_off()
        return job.done

    def _work_off(self) -> None:
        while self._jobs and not self._is_held and not self._is_dead:
            self._do(self._jobs.popleft())

    def _do(self, job: _Job) -> None:
        if not job.is_write:
            job.done.callback(self._store.look(job.work))
            return
        if self.refuses:
            job.done.errback(StorageError("the disk is full"))
            return
        try:
            result = self._store.commit(job.work, job.asked)
        except Exception:
            job.done.errback()
        else:
            job.done.callback(result)
