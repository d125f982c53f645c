"""Streams: how they begin, wait for slow clients, and end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.model import UnixMs
from runwisp.web.app import App
from runwisp.web.channel import ANSWER_S, IDLE_S
from runwisp.web.outlet import STUCK_S
from runwisp.web.routing import Outlet
from tests.web.requests import Exchange, OpenGate, connect, request_bytes, resource, start
from tests.web.sample import SampleApi


class Stream:
    """An open stream: what its handler writes and how it ends is up to the test."""

    def __init__(self, path: str = "/api/events", session_ends_at: UnixMs | None = None) -> None:
        self.clock = Clock()
        self.ended: list[str] = []
        self.may_end: Deferred[None] = Deferred()
        self.app: App = resource(
            SampleApi(write=self._write),
            gate=OpenGate(session_ends_at),
            clock=self.clock,
            wall=lambda: 100.0 + self.clock.seconds(),
        )
        self.outlet: Outlet | None = None
        self.exchange: Exchange = start(
            self.app, "GET", path, headers={"Accept-Encoding": "gzip"}, clock=self.clock
        )

    async def _write(self, outlet: Outlet) -> None:
        self.outlet = outlet
        try:
            await self.may_end
            self.ended.append("done")
        except CancelledError:
            self.ended.append("cancelled")
            raise

    def wait(self) -> Deferred[None]:
        """Wait until the client can take more."""
        assert self.outlet is not None
        return Deferred.fromCoroutine(_nothing(self.outlet.ready()))

    def write(self, data: bytes) -> None:
        assert self.outlet is not None
        self.outlet.write(data)

    @property
    def is_ready(self) -> bool:
        assert self.outlet is not None
        return self.outlet.is_ready


async def _nothing(ready: Awaitable[None]) -> None:
    await ready


def test_the_head_is_sent_at_once_and_then_each_piece() -> None:
    stream = Stream()
    head = stream.exchange.head
    assert (head.status, head.media_type, head.body) == (200, "text/event-stream", b"")
    assert (head.headers["cache-control"], head.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert "content-encoding" not in head.headers
    stream.write(b"one")
    assert stream.exchange.head.body == b"one"
    stream.write(b"x" * 5000)
    assert stream.exchange.head.body == b"one" + b"x" * 5000
    stream.may_end.callback(None)
    assert stream.exchange.is_done
    stream.exchange.leave()


def test_after_a_stream_the_connection_serves_on() -> None:
    stream = Stream()
    stream.may_end.callback(None)
    stream.exchange.send(request_bytes("GET", "/api/things/a"))
    assert b'"name":"a"' in stream.exchange.received
    stream.exchange.leave()
    assert stream.clock.getDelayedCalls() == []


def test_a_download_is_no_event_stream() -> None:
    stream = Stream("/api/raw")
    headers = stream.exchange.head.headers
    assert headers["cache-control"] == "no-store"
    assert not {"x-accel-buffering", "content-encoding", "vary"} & set(headers)
    stream.exchange.leave()


def test_a_stream_goes_on_for_as_long_as_its_client_takes_it() -> None:
    stream = Stream()
    for _ in range(10):
        stream.clock.advance(ANSWER_S + IDLE_S)
        stream.write(b"ping")
    assert not stream.exchange.transport.disconnecting
    stream.exchange.leave()


def test_a_handler_is_told_when_the_client_takes_nothing_and_waits_until_it_does() -> None:
    stream = Stream()
    assert stream.is_ready
    assert stream.wait().called
    stream.exchange.pause()
    waits = [stream.wait(), stream.wait()]
    assert not stream.is_ready
    assert not any(wait.called for wait in waits)
    stream.exchange.resume()
    assert stream.is_ready
    assert all(wait.called for wait in waits)
    stream.exchange.leave()


def test_a_handler_that_begins_while_the_client_takes_nothing_waits_as_well() -> None:
    ready = []

    async def write(outlet: Outlet) -> None:
        ready.append(outlet.is_ready)

    exchange = connect(resource(SampleApi(write=write)))
    exchange.pause()
    exchange.send(request_bytes("GET", "/api/raw"))
    exchange.leave()
    assert ready == [False]


def test_a_client_that_is_stuck_for_a_minute_is_cut_off() -> None:
    stream = Stream()
    stream.exchange.pause()
    stream.clock.advance(STUCK_S - 1)
    stream.exchange.resume()
    stream.exchange.pause()
    stream.clock.advance(STUCK_S - 1)
    assert not stream.exchange.transport.is_cut
    stream.clock.advance(1)
    assert stream.exchange.transport.is_cut
    assert stream.ended == ["cancelled"]
    assert stream.clock.getDelayedCalls() == []


def test_the_handler_is_cancelled_when_the_client_leaves() -> None:
    stream = Stream()
    stream.exchange.pause()
    stream.exchange.leave()
    assert stream.ended == ["cancelled"]
    assert stream.clock.getDelayedCalls() == []


def test_a_handler_that_waits_for_room_is_cancelled_when_the_client_leaves() -> None:
    ended = []

    async def write(outlet: Outlet) -> None:
        try:
            await outlet.ready()
            await Deferred()
        finally:
            ended.append(True)

    exchange = start(resource(SampleApi(write=write)), "GET", "/api/events")
    exchange.pause()
    exchange.leave()
    assert ended == [True]


def test_a_stream_that_breaks_off_is_cut_so_that_nobody_takes_it_for_whole(
    logged_failures: list[Failure],
) -> None:
    stream = Stream("/api/raw")
    stream.write(b"half")
    stream.may_end.errback(ZeroDivisionError())
    assert stream.exchange.transport.is_cut
    assert not stream.exchange.received.endswith(b"0\r\n\r\n")
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()
    assert stream.clock.getDelayedCalls() == []


def test_a_handler_that_fails_because_the_client_has_left_is_logged(logged_failures: list[Failure]) -> None:
    async def write(outlet: Outlet) -> None:
        try:
            await Deferred()
        finally:
            raise ZeroDivisionError

    exchange = start(resource(SampleApi(write=write)), "GET", "/api/events")
    exchange.leave()
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()


def test_the_shutdown_ends_streams_in_order_and_opens_no_more() -> None:
    stream = Stream()
    stream.write(b"last")
    stream.app.close_streams()
    assert stream.ended == ["cancelled"]
    assert (stream.exchange.response.status, stream.exchange.response.body) == (200, b"last")
    stream.exchange.leave()
    refused = start(stream.app, "GET", "/api/events")
    assert (refused.response.status, refused.response.headers["retry-after"]) == (503, "5")
    assert refused.response.json()["type"] == "urn:runwisp:problem:shutting-down"
    refused.leave()


def test_a_stream_of_events_ends_with_its_session() -> None:
    stream = Stream(session_ends_at=UnixMs(160_000))
    stream.clock.advance(59)
    assert stream.ended == []
    stream.clock.advance(1)
    assert stream.ended == ["cancelled"]
    assert stream.exchange.is_done
    stream.exchange.leave()


@pytest.mark.parametrize("leave", [Exchange.leave, lambda exchange: exchange.send(b"")])
def test_the_end_of_a_session_is_forgotten_with_the_stream(leave: Callable[[Exchange], None]) -> None:
    stream = Stream(session_ends_at=UnixMs(160_000))
    leave(stream.exchange)
    if not stream.ended:
        stream.may_end.callback(None)
    stream.exchange.leave()
    assert stream.clock.getDelayedCalls() == []


def test_a_download_outlasts_its_session() -> None:
    stream = Stream("/api/raw", session_ends_at=UnixMs(160_000))
    stream.clock.advance(100)
    assert stream.ended == []
    stream.exchange.leave()
