"""Deletes runs, for retention and for people: the files, then the row (spec: runtime, retention)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from attrs import frozen
from twisted.logger import Logger

from runwisp.engine.seams import InThread
from runwisp.events import Bus, RunDeleted
from runwisp.logs.paths import log_paths
from runwisp.logs.remove import Removed, remove_logs
from runwisp.model import Bytes, RunId
from runwisp.store import retention
from runwisp.store.interfaces import IDatabase
from runwisp.store.retention import Goner

#: Runs deleted in one step; the rows of runs that start meanwhile wait for it a few milliseconds.
STEP_RUNS = 250


@frozen
class Deleted:
    """The runs whose rows are gone, and how many bytes the files had."""

    run_ids: frozenset[RunId]
    size: Bytes


@frozen
class Deletion:
    """Deletes what it is told to, one step at a time; ``logs`` is the root of the log tree."""

    log = Logger()

    in_thread: InThread
    database: IDatabase
    logs: Path
    bus: Bus

    async def delete(self, goners: Sequence[Goner], *, with_retries: bool = False) -> Deleted:
        """Delete those of the runs that are ended and whose retry is not still to come, and tell.

        :param goners: not many more than :data:`STEP_RUNS`
        :param with_retries: no retry is to come, whatever the rows say
        :raises StorageError: the rows are still there, though not the files
        """
        removed = await self.in_thread(_remove_files, self.logs, goners)
        if removed.errors:
            error, count = str(removed.errors[0]), len(removed.errors)
            self.log.warn("files of old runs could not be deleted: {error}", error=error, count=count)
        gone = await self.database.write(partial(retention.delete, goners=goners, with_retries=with_retries))
        for goner in gone:
            self.bus.publish(RunDeleted(goner.id, goner.task_name))
        return Deleted(frozenset(goner.id for goner in gone), removed.size)


def _remove_files(logs: Path, goners: Sequence[Goner]) -> Removed:
    return remove_logs(log_paths(logs, goner.task_name, goner.id, goner.created_at) for goner in goners)
