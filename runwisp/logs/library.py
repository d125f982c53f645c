"""Finds the log of a run, whether it is being written or ended long ago."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakValueDictionary

from runwisp.logs.opening import open_log
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.logs.reader import Snapshot
from runwisp.logs.writer import LogWriter
from runwisp.model import Run, RunId, Status


class Library:
    """The logs below one directory. A writer belongs to it for as long as somebody else needs the writer."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._writers: WeakValueDictionary[RunId, LogWriter] = WeakValueDictionary()

    def paths(self, run: Run) -> LogPaths:
        return log_paths(self._root, run.task_name, run.id, run.created_at)

    def add(self, run_id: RunId, writer: LogWriter) -> None:
        self._writers[run_id] = writer

    def writer(self, run_id: RunId) -> LogWriter | None:
        """Who writes the log of this run, None if nobody does yet or any more."""
        return self._writers.get(run_id)

    def snapshot(self, run: Run) -> Snapshot:
        """What there is of the log now; blocks, and may be called from any thread.

        :raises OSError: the files cannot be read
        """
        writer = self._writers.get(run.id)
        if writer is not None:
            return writer.snapshot()
        return open_log(self.paths(run), is_ended=run.status is Status.ENDED)
