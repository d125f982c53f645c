"""The descriptors through which the reactor watches a child: its output pipes and its pidfd."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure
from zope.interface import implementer

#: The most that is read from a pipe at once, and what a pipe holds on Linux.
READ_SIZE = 65536

#: So often a pipe that gives whole pieces is read before others have their turn.
_READS_PER_TURN = 8

_CLOSED = Failure(CONNECTION_DONE)


@implementer(IReadDescriptor)
class Pipe:
    """The read end ``fd`` of a pipe; it is closed when the other end is, or by :meth:`close_soon`."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        fd: int,
        on_data: Callable[[bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        os.set_blocking(fd, False)
        self._reactor = reactor
        self._fd = fd
        self._on_data = on_data
        self._on_closed = on_closed
        self._is_closing = False
        self._is_paused = False
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._fd

    def logPrefix(self) -> str:
        return "process"

    def doRead(self) -> None:
        for _ in range(_READS_PER_TURN):
            try:
                data = os.read(self._fd, READ_SIZE)
            except BlockingIOError:
                return
            if not data:
                self.pause()
                self.connectionLost(_CLOSED)
                return
            self._on_data(data)
            if len(data) < READ_SIZE or self._is_paused or self._is_closing:
                return

    def pause(self) -> None:
        self._is_paused = True
        self._reactor.removeReader(self)

    def resume(self) -> None:
        if not self._is_closing:
            self._is_paused = False
            self._reactor.addReader(self)

    def close_soon(self) -> None:
        """Read no more, and close in the next turn of the reactor.

        In this one it may still hold an event for the descriptor, which would hit the next one of its number.
        """
        if not self._is_closing:
            self.pause()
            self._is_closing = True
            self._reactor.callLater(0, self.connectionLost, _CLOSED)

    def connectionLost(self, reason: Failure) -> None:
        self._is_closing = True
        os.close(self._fd)
        self._on_closed()


@implementer(IReadDescriptor)
class ExitWatch:
    """A pidfd, readable when its process has exited; ``reap`` says whether it has taken the exit status."""

    def __init__(self, reactor: PosixReactorBase, pidfd: int, reap: Callable[[], bool]) -> None:
        self._reactor = reactor
        self._pidfd = pidfd
        self._reap = reap
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._pidfd

    def logPrefix(self) -> str:
        return "process"

    def doRead(self) -> None:
        if self._reap():
            self._reactor.removeReader(self)
            self.connectionLost(_CLOSED)

    def connectionLost(self, reason: Failure) -> None:
        os.close(self._pidfd)
