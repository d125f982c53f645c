"""Runs and logs of a data directory, which is read without changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from sqlite3 import Cursor

from attrs import evolve

from runwisp.cli.options import Globals
from runwisp.errors import ConfigNotFound
from runwisp.logs.opening import open_log
from runwisp.logs.paths import log_paths
from runwisp.logs.reader import Snapshot
from runwisp.model import Run, RunId, Service, Status, Task
from runwisp.store import runs
from runwisp.store.connection import open_reader, storage_errors
from runwisp.store.datadir import DataDir
from runwisp.store.runs import RunFilter

#: More runs of one unit than can run at the same time.
_ALL_ACTIVE = 10_000


class DirectorySource:
    """The runs and logs below one data directory, and the units that are configured now.

    ``cursor`` is None where nothing has been recorded yet.
    """

    def __init__(self, settings: Globals, data_dir: DataDir, cursor: Cursor | None) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._cursor = cursor

    @cached_property
    def units(self) -> dict[str, Task | Service]:
        """The configured units; none where no configuration is found and none was named.

        :raises ConfigNotFound: the one that was named is not there
        :raises ConfigErrors: the configuration is not valid
        """
        # The loader is half of what this command imports, and most calls do without it.
        from runwisp.cli.configuration import find_config, load_config

        try:
            path = find_config(self._settings)
        except ConfigNotFound:
            if self._settings.config is not None:
                raise
            return {}
        config = load_config(path)
        return {**config.tasks, **config.services}

    def knows(self, name: str) -> bool:
        return bool(self.runs(RunFilter(task_names=(name,)), 1)) or name in self.units

    def names(self) -> list[str]:
        recorded = runs.task_names(self._cursor) if self._cursor is not None else []
        return sorted({*self.units, *recorded})

    def runs(self, wanted: RunFilter, limit: int, group: str | None = None) -> Sequence[Run]:
        if self._cursor is None:
            return []
        if group is not None:
            names = [unit.name for unit in self.units.values() if (unit.group or "") == group]
            asked = wanted.task_names
            wanted = evolve(wanted, task_names=tuple(n for n in names if asked is None or n in asked))
        return runs.page(self._cursor, wanted, limit)

    def run(self, run_id: RunId) -> Run | None:
        return runs.get(self._cursor, run_id) if self._cursor is not None else None

    def active_or_latest(self, name: str) -> Sequence[Run]:
        active = self.runs(RunFilter(task_names=(name,), statuses=(Status.RUNNING,)), _ALL_ACTIVE)
        if active:
            return active[::-1]
        return self.runs(RunFilter(task_names=(name,), statuses=(Status.ENDED,)), 1)

    def log(self, run: Run) -> Snapshot:
        paths = log_paths(self._data_dir.logs, run.task_name, run.id, run.created_at)
        return open_log(paths, is_ended=run.status is Status.ENDED, repair=False)


@contextmanager
def open_directory(settings: Globals) -> Iterator[DirectorySource]:
    """What the data directory of ``settings`` holds, at one moment.

    :raises StorageError: there is a database that cannot be read
    """
    data_dir = DataDir(settings.data)
    if not data_dir.database.exists():
        yield DirectorySource(settings, data_dir, None)
        return
    with (
        storage_errors(f"the database {data_dir.database} cannot be read"),
        closing(open_reader(data_dir.database)) as connection,
    ):
        cursor = connection.execute("BEGIN")
        yield DirectorySource(settings, data_dir, cursor)
