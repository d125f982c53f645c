"""Deletes the runs that nobody has to keep (spec: runtime, retention; logs, max_size).

A sweep goes in small steps with other work in between. Files, SQL and measuring are left to threads, so the
reactor only hands the steps on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Cursor

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine.deletion import STEP_RUNS, Deletion
from runwisp.engine.happening import Happening
from runwisp.engine.resources import Resources
from runwisp.errors import StorageError
from runwisp.events import Bus
from runwisp.logs.space import tree_size
from runwisp.model import Bytes, Unit, UnixMs
from runwisp.policy.retention import oldest_kept
from runwisp.store import retention
from runwisp.store.filters import Position
from runwisp.store.interfaces import IDatabase
from runwisp.units import format_size, now_ms

SWEEP_EVERY_S = 3600.0
#: Runs deleted in one step above ``max_size`` (spec: logs, max_size).
STEP_RUNS_BY_SIZE = 100
#: Pages of the database given back in one step.
STEP_PAGES = 256


class Housekeeping:
    """Sweeps at its start and every hour: the limits of each unit, then ``max_size``, then the database.

    :param config: the configuration that holds at the moment
    :param logs: the root of the log tree
    """

    log = Logger()

    def __init__(
        self,
        resources: Resources,
        database: IDatabase,
        config: Callable[[], Config],
        logs: Path,
        bus: Bus,
    ) -> None:
        self._resources = resources
        self._database = database
        self._config = config
        self._logs = logs
        self._deletion = Deletion(resources.in_thread, database, logs, bus)
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._sweep()))
        self._loop.clock = resources.clock
        self._is_stopping = False
        self._at_rest = Happening()
        self._at_rest.happen()

    def start(self) -> None:
        """Begin; warns if there is less free space than there should be."""
        if (shortage := self._resources.disk.shortage()) is not None:
            self.log.warn("{shortage}: runs will fail until there is more", shortage=str(shortage))
        self._loop.start(SWEEP_EVERY_S)

    def stop(self) -> Deferred[None]:
        """Sweep no more; fires when the sweep under way has come to the end of its step."""
        self._is_stopping = True
        if self._loop.running:
            self._loop.stop()
        return self._at_rest.when()

    async def _sweep(self) -> None:
        self._at_rest = Happening()
        config = self._config()
        try:
            await self._keep_limits([*config.tasks.values(), *config.services.values()])
            if config.storage.max_size is not None:
                await self._keep_size(config.storage.max_size)
            await self._shrink_database()
        except (StorageError, OSError) as error:
            self.log.warn("not all old runs could be deleted: {error}", error=str(error))
        except Exception:
            self.log.failure("deleting old runs failed")
        finally:
            self._at_rest.happen()

    async def _keep_limits(self, units: Sequence[Unit]) -> None:
        now = now_ms(self._resources.wall)
        count = 0
        for unit in units:
            if self._is_stopping:
                break
            if unit.keep_runs is not None or unit.keep_for is not None:
                count += await self._keep_limits_of(unit, now)
        if count:
            self.log.info("deleted old runs", count=count)

    async def _keep_limits_of(self, unit: Unit, now: UnixMs) -> int:
        """Delete what is beyond ``keep_runs`` and ``keep_for``; the number of runs."""
        last = await self._database.read(lambda cursor: _newest_beyond(cursor, unit, now))
        count = 0
        while last is not None and not self._is_stopping:
            goners = await self._database.read(
                partial(retention.up_to, task_name=unit.name, last=last, limit=STEP_RUNS)
            )
            if not goners:
                break
            await self._deletion.delete(goners)
            count += len(goners)
        return count

    async def _keep_size(self, limit: Bytes) -> None:
        """Delete the oldest runs of all units until their logs fit."""
        size = await self._resources.in_thread(tree_size, self._logs, lambda: not self._is_stopping)
        if self._is_stopping or size <= limit:
            return
        self.log.warn(
            "logs take {size}, max_size is {limit}: deleting the oldest runs",
            size=format_size(size),
            limit=format_size(limit),
        )
        count = 0
        while size > limit and not self._is_stopping:
            goners = await self._database.read(partial(retention.oldest, limit=STEP_RUNS_BY_SIZE))
            if not goners:
                break
            deleted = await self._deletion.delete(goners)
            size = Bytes(size - deleted.size)
            count += len(goners)
        self.log.info("deleted the oldest runs", count=count, logs=format_size(size))

    async def _shrink_database(self) -> None:
        while not self._is_stopping:
            if not await self._database.write(partial(retention.free_pages, most=STEP_PAGES)):
                break


def _newest_beyond(cursor: Cursor, unit: Unit, now: UnixMs) -> Position | None:
    """The newest run beyond either limit: the stricter one wins."""
    found = []
    if unit.keep_runs is not None:
        found.append(retention.newest_surplus(cursor, unit.name, unit.keep_runs))
    if unit.keep_for is not None:
        found.append(retention.newest_before(cursor, unit.name, oldest_kept(unit.keep_for, now)))
    return max(
        (position for position in found if position is not None),
        key=lambda position: (position.created_at, position.id),
        default=None,
    )
