"""Worker threads that begin as soon as the machine lets them.

Twisted's pools start a thread when there is work for one. Where the limit on processes is reached that raises
in whoever has the work, and those who wait for its result, a run or the shutdown, would wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

RETRY_S = 0.5


class PatientThread(Thread):
    """A thread whose :meth:`start` never fails: if it cannot begin now, it does later."""

    log = Logger()

    def __init__(self, reactor: PosixReactorBase, name: str, target: Callable[[], object]) -> None:
        super().__init__(name=name, target=target)
        self._reactor = reactor

    def start(self) -> None:
        try:
            super().start()
        except RuntimeError as error:
            self.log.warn("{error}, trying again", error=error)
            # Any thread of a pool may want another one.
            self._reactor.callFromThread(self._reactor.callLater, RETRY_S, self.start)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, unless it has never begun."""
        if self.ident is not None:
            super().join(timeout)


def make_patient(pool: ThreadPool, reactor: PosixReactorBase) -> None:
    """Let what ``pool`` has to do wait for threads that cannot begin yet."""

    def make_thread(*, name: str, target: Callable[[], object]) -> PatientThread:
        return PatientThread(reactor, name, target)

    pool.threadFactory = make_thread  # type: ignore[assignment]  # declared as a class, called as a function
