"""The daemon, asked from the reactor.

Requests and streams go through the blocking client of the command line, in threads. That starts a third
faster than the reactor's own HTTP client and takes 15 MB less, and both faces have one client.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any, Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from runwisp.client.address import Address
from runwisp.client.api import Api
from runwisp.client.sse import Event
from runwisp.client.transport import EventStream, Transport
from runwisp.errors import RunWispError

#: So many requests are under way at once. One that takes long, such as a search, does not hold up the others.
_WORKERS = 3
#: So many items of a stream may wait for the reactor; then the stream waits, and the daemon with it.
_ROOM = 8

T = TypeVar("T")


@define(eq=False)
class Wire:
    """Requests to the daemon at ``address``. Its methods belong to the reactor's thread.

    The threads end with the process: quitting waits for nobody who does not answer.
    """

    reactor: IReactorFromThreads
    address: Address
    #: Wraps what is called with what a stream brings, so that an exception in there is not lost.
    guard: Callable[[Callable[..., None]], Callable[..., None]] = lambda work: work
    # Any: each order has a type of its own.
    _orders: SimpleQueue[tuple[Callable[[Api], Any], Deferred[Any]]] = field(factory=SimpleQueue, init=False)
    _workers: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)

    def ask(self, work: Callable[[Api], T]) -> Deferred[T]:
        """The result of ``work``, which may block.

        It fails with :class:`RunWispError` as ``work`` does.
        """
        answer: Deferred[T] = Deferred()
        self._waiting += 1
        answer.addBoth(self._count_down)
        if self._workers < min(self._waiting, _WORKERS):
            self._workers += 1
            Thread(target=self._serve, name="asking", daemon=True).start()
        self._orders.put((work, answer))
        return answer

    def listen(
        self,
        connect: Callable[[Api], EventStream],
        parse: Callable[[Event], T],
        on_item: Callable[[T], None],
        on_end: Callable[[RunWispError | None], None],
    ) -> Listening[T]:
        """Open a stream and hand over its events until it ends or is stopped.

        ``parse`` is called in another thread. ``on_end`` gets the error if the stream could not be opened, or
        is not what it should be; it is not called after :meth:`Listening.stop`.
        """
        listening = Listening(
            self.reactor, self._api(), connect, parse, self.guard(on_item), self.guard(on_end)
        )
        Thread(target=listening.run, name="listening", daemon=True).start()
        return listening

    def _serve(self) -> None:
        api = self._api()
        while True:
            work, answer = self._orders.get()
            try:
                result = work(api)
            except Exception:
                self.reactor.callFromThread(answer.errback, Failure())
            else:
                self.reactor.callFromThread(answer.callback, result)

    def _api(self) -> Api:
        return Api(Transport(self.address), via="ui")

    def _count_down(self, result: T) -> T:
        self._waiting -= 1
        return result


@define(eq=False)
class Listening(Generic[T]):
    """A stream that is open, or on its way to be."""

    _reactor: IReactorFromThreads
    _api: Api
    _connect: Callable[[Api], EventStream]
    _parse: Callable[[Event], T]
    _on_item: Callable[[T], None]
    _on_end: Callable[[RunWispError | None], None]
    _room: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(_ROOM), init=False)
    _stream: EventStream | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Nothing is handed over any more."""
        self._is_stopped = True
        if self._stream is not None:
            self._stream.abort()

    def run(self) -> None:
        """Read the stream, in a thread of its own."""
        error: RunWispError | None = None
        try:
            self._stream = self._connect(self._api)
            for event in self._stream:
                if self._is_stopped:
                    break
                with self._api.judged():
                    item = self._parse(event)
                self._room.acquire()
                self._reactor.callFromThread(self._hand_over, item)
        except RunWispError as failure:
            error = failure
        if self._stream is not None:
            self._stream.abort()
        self._reactor.callFromThread(self._end, error)

    def _hand_over(self, item: T) -> None:
        self._room.release()
        if not self._is_stopped:
            self._on_item(item)

    def _end(self, error: RunWispError | None) -> None:
        if not self._is_stopped:
            self._on_end(error)
