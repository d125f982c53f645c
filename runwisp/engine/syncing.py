"""Brings closed logs to the disk, many with one visit of a worker thread (spec: logs, capture)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.engine.background import Background
from runwisp.engine.seams import InThread, RunLog

#: How long a closed log waits for others.
GATHER_S = 1.0
#: So many do not wait any longer: each holds two descriptors.
_MOST = 128


#: From so many on it is cheaper to bring everything to the disk first: each log then finds itself there.
_MANY = 16


class Syncer:
    """Closed logs gather for a moment and go to the disk together.

    That costs far less than a commit of the file system's journal for each. Neither the run's row nor the
    next run waits for it.

    :param flush: brings everything that lies beside the logs to the disk as well, in a worker thread
    """

    def __init__(
        self,
        clock: IReactorTime,
        background: Background,
        in_thread: InThread,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._background = background
        self._in_thread = in_thread
        self._flush = flush
        self._waiting: list[RunLog] = []
        self._timer: IDelayedCall | None = None
        self._is_hurried = False

    def sync(self, log: RunLog) -> None:
        """Do it soon; what goes wrong is for the log to tell."""
        self._waiting.append(log)
        if self._is_hurried or len(self._waiting) >= _MOST:
            self._go()
        elif self._timer is None:
            self._timer = self._clock.callLater(GATHER_S, self._go)

    def hurry(self) -> None:
        """The program is about to end: from now on no log waits."""
        self._is_hurried = True
        self._go()

    def _go(self) -> None:
        if self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._timer = None
        if self._waiting:
            logs, self._waiting = self._waiting, []
            self._background.start(
                "sync of logs", self._in_thread(self._sync_all, [log.sync for log in logs])
            )

    def _sync_all(self, syncs: Sequence[Callable[[], None]]) -> None:
        if len(syncs) >= _MANY:
            self._flush()
        for sync in syncs:
            sync()
