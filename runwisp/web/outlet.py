"""Streams: answers that are written piece by piece, for as long as the client takes them."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from runwisp.web.channel import ApiRequest
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Streamed

#: So long may one write be stuck before the stream is closed, in seconds (spec: rest, requests).
STUCK_S = 60.0


@implementer(IPushProducer)
@define(eq=False)
class StreamOutlet:
    """The body of one request: ready while the transport has room, given up when it has none for too long."""

    _request: ApiRequest
    _clock: IReactorTime
    is_ready: bool = field(default=True, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _stuck: IDelayedCall | None = field(default=None, init=False)

    def write(self, data: bytes) -> None:
        self._request.write(data)

    async def ready(self) -> None:
        if not self.is_ready:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def pauseProducing(self) -> None:
        self.is_ready = False
        if self._stuck is None:
            self._stuck = self._clock.callLater(STUCK_S, self._give_up)

    def resumeProducing(self) -> None:
        self.is_ready = True
        self.stopProducing()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def stopProducing(self) -> None:
        """Stop watching whether writes are stuck."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _give_up(self) -> None:
        self._stuck = None
        self._request.cut()


@define
class Streams:
    """All streams that are open. Each ends with its session, and all of them with the daemon."""

    log = Logger()

    _clock: IReactorTime
    _sending: set[Deferred[None]] = field(factory=set, init=False)
    _is_closed: bool = field(default=False, init=False)

    async def send(self, request: ApiRequest, streamed: Streamed, lasts: float | None) -> None:
        """Let ``streamed`` write the body of ``request``, for ``lasts`` seconds at most.

        :raises Problem: if no more streams are opened
        """
        if self._is_closed:
            raise Problem(503, Code.SHUTTING_DOWN, "The daemon is shutting down.")
        outlet = StreamOutlet(request, self._clock)
        request.begin_stream(outlet)
        sending = Deferred.fromCoroutine(_send(streamed, outlet))
        self._sending.add(sending)
        end = None if lasts is None else self._clock.callLater(max(0.0, lasts), self._end, sending)
        try:
            await sending
        except CancelledError:
            # Whoever ended it has taken it out; otherwise the client has left.
            if sending in self._sending:
                raise
        except Exception:
            self.log.failure("{path} broke off", path=request.shown_path)
            await request.abort()
            raise CancelledError from None
        finally:
            self._sending.discard(sending)
            outlet.stopProducing()
            request.end_stream()
            if end is not None and end.active():
                end.cancel()

    def close(self) -> None:
        """End all streams, and open no more."""
        self._is_closed = True
        for sending in list(self._sending):
            self._end(sending)

    def _end(self, sending: Deferred[None]) -> None:
        self._sending.discard(sending)
        sending.cancel()


async def _send(streamed: Streamed, outlet: StreamOutlet) -> None:
    await streamed.send(outlet)
