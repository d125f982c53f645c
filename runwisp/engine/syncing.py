"""Brings closed logs to the disk, many with one visit of a worker thread (spec: logs, capture)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runwisp.engine.background import Background
from runwisp.engine.seams import InThread, RunLog


class Syncer:
    """Logs that are closed while others are on their way to the disk go together when that is done.

    The way into a thread and back costs more than the rest of a short run, and neither the run's row nor the
    next run waits for it.
    """

    def __init__(self, background: Background, in_thread: InThread) -> None:
        self._background = background
        self._in_thread = in_thread
        self._waiting: list[RunLog] = []
        self._is_busy = False

    def sync(self, log: RunLog) -> None:
        """Do it soon; what goes wrong is for the log to tell."""
        self._waiting.append(log)
        if not self._is_busy:
            self._is_busy = True
            self._background.start("sync of logs", self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                logs, self._waiting = self._waiting, []
                await self._in_thread(_sync_all, [log.sync for log in logs])
        finally:
            self._is_busy = False


def _sync_all(syncs: Sequence[Callable[[], None]]) -> None:
    for sync in syncs:
        sync()
