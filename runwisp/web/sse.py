"""Event streams: how events are written, how many streams there may be, and the pings that keep them open.

Spec: rest, event streams, common rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from runwisp.web.headers import EVENT_STREAM
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Answer, Caller, Outlet, Streamed
from runwisp.web.wire import to_json

#: Open streams, in all and of one peer; clients of the socket have no limit of their own.
MOST_STREAMS = 512
MOST_OF_PEER = 16
PING_EVERY_S = 15.0
#: After so many seconds a client that was refused may have more luck.
_RETRY_AFTER = "15"


def frame(name: str, data: bytes, id_: str | None = None) -> bytes:
    """One event as it is written; ``data`` is JSON on one line."""
    head = b"" if id_ is None else b"id: %s\n" % id_.encode()
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), data)


def event(name: str, resource: object, id_: str | None = None) -> bytes:
    """One event as it is written, with a resource as its data."""
    return frame(name, to_json(resource), id_)


PING = frame("ping", b"{}")


@define(eq=False)
class Nudge:
    """Lets one coroutine sleep until there is something to do for it."""

    _is_given: bool = False
    _waiting: Deferred[None] | None = None

    def give(self) -> None:
        """Wake the sleeper; one that is not asleep yet will not fall asleep."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self._is_given = True
        else:
            waiting.callback(None)

    async def wait(self) -> None:
        if not self._is_given:
            self._waiting = Deferred()
            try:
                await self._waiting
            finally:
                self._waiting = None
        self._is_given = False


@define(eq=False)
class Audience:
    """All who listen to an event stream of any kind. One timer sends the pings of all of them."""

    _clock: IReactorTime
    _outlets: set[Outlet] = field(factory=set, init=False)
    _peers: Counter[str] = field(factory=Counter, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def answer(self, caller: Caller, send: Callable[[Outlet], Awaitable[None]]) -> Answer:
        """A stream to ``caller`` that ``send`` writes, which has to begin with a ping when it has subscribed.

        :raises Problem: there are too many streams already
        """
        if len(self._outlets) >= MOST_STREAMS:
            raise _refusal(f"There are {MOST_STREAMS} open streams, which is the most.")
        if self._peers[caller.address] >= MOST_OF_PEER:
            raise _refusal(f"Your address has {MOST_OF_PEER} open streams, which is the most.")

        async def counted(outlet: Outlet) -> None:
            with self._listening(caller, outlet):
                await send(outlet)

        return Answer(content=Streamed(EVENT_STREAM, counted))

    @contextmanager
    def _listening(self, caller: Caller, outlet: Outlet) -> Iterator[None]:
        peer = {} if caller.is_socket else {caller.address: 1}
        self._outlets.add(outlet)
        self._peers.update(peer)
        if self._timer is None:
            self._timer = self._clock.callLater(PING_EVERY_S, self._ping)
        try:
            yield
        finally:
            self._outlets.discard(outlet)
            # Those of whom there is none are dropped.
            self._peers = self._peers - Counter(peer)
            if not self._outlets and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _ping(self) -> None:
        self._timer = self._clock.callLater(PING_EVERY_S, self._ping)
        for outlet in tuple(self._outlets):
            # A client that takes nothing needs no sign of life, and must not pile them up.
            if outlet.is_ready:
                outlet.write(PING)


def _refusal(detail: str) -> Problem:
    return Problem(503, Code.STREAM_LIMIT, detail, headers={"Retry-After": _RETRY_AFTER})
