"""Writes the rows of runs and the marks of tasks, and tells the bus only of what is committed.

Every call queues its write at once, so rows reach the database in the order of the calls, and returns what
happens once the write is committed and the bus has been told. A write that the database refuses (disk full,
locked) is tried again until it succeeds: a run that happened is not forgotten because its row could not be
written at that moment. Whatever is to be written meanwhile waits behind it, so that the order stays.
"""

from __future__ import annotations

import sys
from bisect import insort
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from sqlite3 import Cursor

from attrs import evolve, frozen
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.engine.background import Background
from runwisp.engine.happening import Happening
from runwisp.errors import StorageError
from runwisp.events import Bus, Event, RunCreated, RunEnded, RunStarted, RunUpdated, TaskUpdated
from runwisp.model import Run, Status, UnixMs
from runwisp.store import marks, runs
from runwisp.store.interfaces import IDatabase

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0
#: More than any number of a row.
_NONE = sys.maxsize


@frozen(eq=False)
class _Row:
    """A write on its way, the ``number``th; ``events`` are told when it is there, ``name`` is the unit's."""

    number: int
    name: str
    work: Callable[[Cursor], object]
    events: Sequence[Event]
    committed: Happening


class Ledger:
    """The one writer of the table ``runs`` while the daemon lives."""

    log = Logger()

    def __init__(self, clock: IReactorTime, database: IDatabase, bus: Bus, background: Background) -> None:
        self._clock = clock
        self._database = database
        self._bus = bus
        self._background = background
        self._is_closing = False
        self._count = 0
        self._under_way = 0
        self._emptied: Happening | None = None
        # While there is something in it, what is to be written joins the end.
        self._waiting: list[_Row] = []
        # What was on its way behind a refused row must not overtake it; the writer's thread reads this.
        self._first_waiting = _NONE
        self._pause: Deferred[None] | None = None

    def close(self) -> None:
        """Try what is waiting once more, all at once: what is refused from now on is lost, and logged."""
        self._is_closing = True
        self._database.hurry()
        if self._pause is not None:
            self._pause.cancel()

    def when_written(self) -> Deferred[None]:
        """Fires when every row is written or given up."""
        if not self._under_way:
            return succeed(None)
        self._emptied = self._emptied or Happening()
        return self._emptied.when()

    def tell(self, event: Event) -> None:
        """Tell the bus of ``event`` when everything that was asked for before is committed, or given up."""
        if self._under_way:
            self._queue("", lambda cur: None, [event])
        else:
            self._bus.publish(event)

    def so_far(self) -> Happening:
        """Happens when everything that was asked for until now is committed, or given up."""
        return self._queue("", lambda cur: None, [])

    def record(
        self,
        run: Run,
        *,
        tick: UnixMs | None = None,
        predecessor: Run | None = None,
        boot_id: str | None = None,
    ) -> Happening:
        """Add the row of ``run``, which may be pending, running or ended already.

        :param tick: the schedule slot whose fate this row is; the task's mark moves in the same transaction
        :param predecessor: the run that this one retries; its ``next_retry_at`` is cleared with it
        :param boot_id: the boot of the machine that this run on start is for
        """

        def work(cursor: Cursor) -> None:
            runs.insert(cursor, run, tick=tick)
            if predecessor is not None:
                runs.clear_next_retry(cursor, predecessor.id)
            if boot_id is not None:
                marks.set_boot_id(cursor, run.task_name, boot_id)

        events = _events_of_new(run)
        if predecessor is not None:
            events.append(RunUpdated(evolve(predecessor, next_retry_at=None)))
        return self._queue(run.task_name, work, events)

    def record_gap(self, missed: Run, reruns: Sequence[Run], tick: UnixMs) -> Happening:
        """Add the row of a gap and those of its re-runs and move the task's mark to ``tick``, or nothing."""

        def work(cursor: Cursor) -> None:
            for run in (missed, *reruns):
                runs.insert(cursor, run)
            marks.set_last_tick(cursor, missed.task_name, tick)

        events = [event for run in (missed, *reruns) for event in _events_of_new(run)]
        return self._queue(missed.task_name, work, events)

    def start(self, run: Run) -> Happening:
        """A pending run starts."""
        return self._queue(run.task_name, lambda cur: runs.start(cur, run), [RunStarted(run)])

    def end(self, run: Run, *more: Event) -> Happening:
        """A pending or running run ends; ``more`` is what else the bus is told then."""
        return self._queue(run.task_name, lambda cur: runs.end(cur, run), [RunEnded(run), *more])

    def note_process(self, run: Run, process_group: int, process_started: int | None) -> Happening:
        """Remember by what the process of ``run`` can be found again after a crash of the daemon."""
        return self._queue(
            run.task_name, lambda cur: runs.set_process(cur, run.id, process_group, process_started), []
        )

    def drop_retry(self, run: Run) -> Happening:
        """The waiting retry of ``run`` will not happen."""
        dropped = RunUpdated(evolve(run, next_retry_at=None))
        return self._queue(run.task_name, lambda cur: runs.clear_next_retry(cur, run.id), [dropped])

    def register(self, names: Sequence[str], now: UnixMs) -> Happening:
        """These tasks are in the configuration; those that are new owe nothing before ``now``."""

        def work(cursor: Cursor) -> None:
            for name in names:
                marks.register(cursor, name, now)

        return self._queue(", ".join(names[:3]), work, [])

    def forget(self, name: str) -> Happening:
        """The task is no longer in the configuration."""
        return self._queue(name, lambda cur: marks.forget(cur, name), [])

    def move_mark(self, name: str, tick: UnixMs) -> Happening:
        """Nothing is owed to the task ``name`` for slots up to ``tick``."""
        return self._queue(name, lambda cur: marks.set_last_tick(cur, name, tick), [])

    def pause(self, name: str, now: UnixMs) -> Happening:
        """The schedule of the task ``name`` is paused."""
        return self._queue(name, lambda cur: marks.pause(cur, name, now), [TaskUpdated(name)])

    def resume(self, name: str, now: UnixMs) -> Happening:
        """The schedule of the task ``name`` goes on; nothing is owed for the pause."""
        return self._queue(name, lambda cur: marks.resume(cur, name, now), [TaskUpdated(name)])

    def _queue(self, name: str, work: Callable[[Cursor], object], events: Sequence[Event]) -> Happening:
        self._count += 1
        self._under_way += 1
        row = _Row(self._count, name, work, events, Happening())
        if self._waiting:
            self._waiting.append(row)
            return row.committed
        # Callbacks instead of a coroutine: every run passes here three times.
        written = self._database.write(partial(self._write, row))
        written.addCallbacks(self._written, self._refused, callbackArgs=(row,), errbackArgs=(row,))
        written.addErrback(self._failed, row)
        return row.committed

    def _write(self, row: _Row, cursor: Cursor) -> object:
        """Called in the writer's thread."""
        if row.number > self._first_waiting:
            raise StorageError("an earlier row was refused")
        return row.work(cursor)

    def _written(self, result: object, row: _Row) -> None:
        if result is False:
            self.log.error("row not found", task=row.name)
        self._tell(row)

    def _tell(self, row: _Row) -> None:
        for event in row.events:
            self._bus.publish(event)
        row.committed.happen()
        self._leave()

    def _failed(self, failure: Failure, row: _Row) -> None:
        self.log.failure("row of {name} failed", failure, name=row.name)
        self._leave()

    def _leave(self) -> None:
        self._under_way -= 1
        if self._emptied is not None and not self._under_way:
            emptied, self._emptied = self._emptied, None
            emptied.happen()

    def _refused(self, failure: Failure, row: _Row) -> None:
        failure.trap(StorageError)
        if self._is_closing:
            self._lose(row, str(failure.value))
            return
        is_first = not self._waiting
        insort(self._waiting, row, key=attrgetter("number"))
        self._first_waiting = self._waiting[0].number
        if is_first:
            self._background.start("rows that were refused", self._insist(str(failure.value)))

    async def _insist(self, error: str) -> None:
        """Write what waits, one row after the other, in the order of the calls."""
        delay_s = _FIRST_DELAY_S
        self._log_refusal(error)
        await self._wait(delay_s)
        while self._waiting and not self._is_closing:
            row = self._waiting[0]
            try:
                self._written(await self._database.write(row.work), row)
            except StorageError as refusal:
                self._log_refusal(str(refusal))
                await self._wait(delay_s := min(delay_s * 2, _LONGEST_DELAY_S))
                continue
            except Exception:
                self._failed(Failure(), row)
            self._waiting.remove(row)
            self._first_waiting = self._waiting[0].number if self._waiting else _NONE
            delay_s = _FIRST_DELAY_S
        await self._try_all_once()

    async def _try_all_once(self) -> None:
        """Write what waits in one go: a lock on the database holds up each go for seconds."""
        rows, self._waiting, self._first_waiting = self._waiting, [], _NONE
        for row, written in [(row, self._database.write(row.work)) for row in rows]:
            try:
                self._written(await written, row)
            except StorageError as refusal:
                self._lose(row, str(refusal))
            except Exception:
                self._failed(Failure(), row)

    def _lose(self, row: _Row, error: str) -> None:
        self.log.error("row lost at shutdown", task=row.name, error=error)
        self._tell(row)

    def _log_refusal(self, error: str) -> None:
        row = self._waiting[0]
        self.log.error(
            "row not written, trying again", task=row.name, waiting=len(self._waiting), error=error
        )

    async def _wait(self, delay_s: float) -> None:
        if self._is_closing:
            return
        self._pause = deferLater(self._clock, delay_s)
        try:
            await self._pause
        except CancelledError:
            self.log.debug("last try for rows that the database refused")
        finally:
            self._pause = None


def _events_of_new(run: Run) -> list[Event]:
    events: list[Event] = [RunCreated(run)]
    if run.status is Status.RUNNING:
        events.append(RunStarted(run))
    elif run.status is Status.ENDED:
        events.append(RunEnded(run))
    return events
