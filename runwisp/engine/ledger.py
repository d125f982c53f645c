"""Writes the rows of runs, and tells the bus only of what is committed.

Every call queues its write at once, so rows reach the database in the order of the calls, and returns what
happens once the write is committed and the bus has been told. A write that the
database refuses (disk full, locked) is tried again until it succeeds: a run that happened is not forgotten
because its row could not be written at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Cursor

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from runwisp.engine.background import Background
from runwisp.engine.happening import Happening
from runwisp.errors import StorageError
from runwisp.events import Bus, Event, RunCreated, RunEnded, RunStarted
from runwisp.model import Run, Status, UnixMs
from runwisp.store import runs
from runwisp.store.interfaces import IDatabase

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0


class Ledger:
    """The one writer of the table ``runs`` while the daemon lives."""

    log = Logger()

    def __init__(self, clock: IReactorTime, database: IDatabase, bus: Bus, background: Background) -> None:
        self._clock = clock
        self._database = database
        self._bus = bus
        self._background = background
        self._is_closing = False
        self._pauses: set[Deferred[None]] = set()

    def close(self) -> None:
        """Try what is waiting once more and no more after that: what is refused now is lost, and logged."""
        self._is_closing = True
        for pause in tuple(self._pauses):
            pause.cancel()

    def record(self, run: Run, *, tick: UnixMs | None = None, predecessor: Run | None = None) -> Happening:
        """Add the row of ``run``, which may be pending, running or ended already.

        :param tick: the schedule slot whose fate this row is; the task's mark moves in the same transaction
        :param predecessor: the run that this one retries; its ``next_retry_at`` is cleared with it
        """

        def work(cursor: Cursor) -> None:
            runs.insert(cursor, run, tick=tick)
            if predecessor is not None:
                runs.clear_next_retry(cursor, predecessor.id)

        events: list[Event] = [RunCreated(run)]
        if run.status is Status.RUNNING:
            events.append(RunStarted(run))
        elif run.status is Status.ENDED:
            events.append(RunEnded(run))
        return self._queue(run, work, events)

    def start(self, run: Run) -> Happening:
        """A pending run starts."""
        return self._queue(run, lambda cur: runs.start(cur, run), [RunStarted(run)])

    def end(self, run: Run) -> Happening:
        """A pending or running run ends."""
        return self._queue(run, lambda cur: runs.end(cur, run), [RunEnded(run)])

    def note_process(self, run: Run, process_group: int, process_started: int | None) -> Happening:
        """Remember by what the process of ``run`` can be found again after a crash of the daemon."""
        return self._queue(run, lambda cur: runs.set_process(cur, run.id, process_group, process_started), [])

    def drop_retry(self, run: Run) -> Happening:
        """The waiting retry of ``run`` will not happen."""
        return self._queue(run, lambda cur: runs.clear_next_retry(cur, run.id), [])

    def _queue(self, run: Run, work: Callable[[Cursor], object], events: list[Event]) -> Happening:
        committed = Happening()
        self._background.start(f"row of run {run.id}", self._commit(run, work, events, committed))
        return committed

    async def _commit(
        self, run: Run, work: Callable[[Cursor], object], events: list[Event], committed: Happening
    ) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                if await self._database.write(work) is False:
                    self.log.error("row not found", task=run.task_name, run=run.id)
                break
            except StorageError as error:
                if self._is_closing:
                    self.log.error("row lost at shutdown", task=run.task_name, run=run.id, error=str(error))
                    break
                self.log.error(
                    "row not written, trying again", task=run.task_name, run=run.id, error=str(error)
                )
                await self._pause(delay_s)
                delay_s = min(delay_s * 2, _LONGEST_DELAY_S)
        for event in events:
            self._bus.publish(event)
        committed.happen()

    async def _pause(self, delay_s: float) -> None:
        pause: Deferred[None] = deferLater(self._clock, delay_s)
        self._pauses.add(pause)
        try:
            await pause
        except CancelledError:
            self.log.debug("last try for a row that the database refused")
        finally:
            self._pauses.discard(pause)
