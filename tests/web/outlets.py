"""An outlet that a test pauses, and what comes out of it as events."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from runwisp.web.routing import Outlet


@frozen
class Told:
    """One event of a stream; ``data`` is what its JSON says."""

    name: str
    data: Any
    id: str | None = None


PINGED = Told("ping", {})


def events_in(text: bytes) -> list[Told]:
    """The events of a stream that is cut between two of them."""
    *blocks, rest = text.split(b"\n\n")
    assert rest == b""
    return [_event(block.decode()) for block in blocks]


def _event(block: str) -> Told:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    assert len(fields) == block.count("\n") + 1
    told = Told(fields.pop("event"), json.loads(fields.pop("data")), fields.pop("id", None))
    assert fields == {}
    return told


class FakeOutlet(Outlet):
    """Takes everything, until it is paused or has taken ``room`` bytes since it was resumed."""

    def __init__(self, room: int | None = None) -> None:
        self.written = b""
        self._taken = 0
        self._room = room
        self._left = room
        self._is_paused = False
        self._waiting: list[Deferred[None]] = []

    @property
    def is_ready(self) -> bool:
        return not self._is_paused

    def write(self, data: bytes) -> None:
        self.written += data
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._is_paused = True

    async def ready(self) -> None:
        if self._is_paused:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused, self._left = False, self._room
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def news(self) -> list[Told]:
        """The events since the last time."""
        new = events_in(self.written[self._taken :])
        self._taken = len(self.written)
        return new


class Listener:
    """Somebody who gets a stream, until it ends or :meth:`leave`."""

    def __init__(self, send: Callable[[Outlet], Awaitable[object]], room: int | None = None) -> None:
        self.outlet = FakeOutlet(room)
        self.failure: Failure | None = None
        self.has_ended = False
        self._sending = Deferred.fromCoroutine(_begin(send, self.outlet))
        self._sending.addCallbacks(self._ended, self._failed)

    def news(self) -> list[Told]:
        return self.outlet.news()

    def leave(self) -> None:
        self._sending.cancel()

    def _ended(self, result: object) -> None:
        self.has_ended = True

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self.failure = failure


async def _begin(send: Callable[[Outlet], Awaitable[object]], outlet: Outlet) -> object:
    return await send(outlet)
