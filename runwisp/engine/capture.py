"""Carries the output of a child into the log of its run (spec: logs, capture).

A pipe is not read again before the write of its last chunk has returned, so a slow disk makes the child
wait instead of filling our memory. Writes happen in the reactor's turn until one takes too long; from then on
those of this run go to a worker thread, under the same rule.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.engine.happening import Happening
from runwisp.engine.process import IChild
from runwisp.engine.seams import InThread, RunLog
from runwisp.logs.limits import Cut
from runwisp.model import Stream

#: A write in the reactor's turn that takes longer than this moves the run's writes to a thread.
SLOW_WRITE_S = 0.05


class Capture(ProcessProtocol):
    """The protocol of one child.

    ``exited`` happens when the leader is gone (its exit is in ``exit_status`` and ``signal``), ``drained``
    when both pipes are closed as well and all that came through them is in the log. ``on_cut`` is called
    once, when the log has stopped to store output.
    """

    log = Logger()
    transport: IChild

    def __init__(
        self, clock: IReactorTime, in_thread: InThread, run_log: RunLog, on_cut: Callable[[Cut], None]
    ) -> None:
        self._clock = clock
        self._in_thread = in_thread
        self._run_log = run_log
        self._on_cut = on_cut
        self._is_cut = False
        self._is_slow = False
        self._write_done = Happening()
        self._write_done.happen()
        self.exited = Happening()
        self.drained = Happening()
        self.exit_status: int | None = None
        self.signal: int | None = None

    def when_written(self) -> Deferred[None]:
        """Fires when no write is under way in a thread."""
        return self._write_done.when()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        if self._is_slow:
            self._write_in_thread(Stream(childFD), data)
            return
        began = self._clock.seconds()
        self._run_log.write(Stream(childFD), data)
        self._is_slow = self._clock.seconds() - began > SLOW_WRITE_S
        self._look_for_cut()

    def childConnectionLost(self, childFD: int) -> None:
        self._run_log.end_stream(Stream(childFD))
        self._look_for_cut()

    def processExited(self, reason: Failure) -> None:
        exit_ = reason.value
        assert isinstance(exit_, ProcessDone | ProcessTerminated)
        self.exit_status, self.signal = exit_.exitCode, exit_.signal
        self.exited.happen()

    def processEnded(self, reason: Failure) -> None:
        self.drained.happen()

    def _write_in_thread(self, stream: Stream, data: bytes) -> None:
        # Both pipes wait: the log takes one write at a time.
        self.transport.pauseProducing()
        self._write_done = Happening()
        self._in_thread(self._run_log.write, stream, data).addBoth(self._written)

    def _written(self, result: object) -> None:
        if isinstance(result, Failure):
            self.log.failure("writing a run's log failed", failure=result)
        self._write_done.happen()
        self.transport.resumeProducing()
        self._look_for_cut()

    def _look_for_cut(self) -> None:
        cut = self._run_log.cut
        if cut is not None and not self._is_cut:
            self._is_cut = True
            self._on_cut(cut)
