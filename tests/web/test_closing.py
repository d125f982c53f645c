"""How a site lets go of its connections when the daemon shuts down."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from runwisp.daemonlog import level_of
from runwisp.web.channel import LEAVE_S, ApiSite
from runwisp.web.routing import Outlet
from tests.web.requests import Exchange, connect, request_bytes, resource
from tests.web.sample import SampleApi


def close(site: ApiSite) -> list[None]:
    """Gets an item when everything is closed."""
    done: list[None] = []
    Deferred.fromCoroutine(site.close()).addCallback(done.append)
    return done


def is_closing(exchange: Exchange) -> bool:
    closing: bool = exchange.transport.disconnecting
    return closing


def test_a_site_without_connections_is_closed_at_once() -> None:
    assert close(ApiSite(resource(), Clock())) == [None]


def test_an_idle_connection_is_closed_at_once_and_waited_for() -> None:
    clock = Clock()
    exchange = connect(resource(SampleApi()), clock=clock)
    exchange.send(request_bytes("GET", "/api/things/a"))
    done = close(exchange.channel.site)
    assert is_closing(exchange)
    assert done == []
    exchange.leave()
    assert done == [None]
    assert clock.getDelayedCalls() == []


def test_half_a_request_is_not_awaited() -> None:
    exchange = connect(resource(SampleApi()))
    exchange.send(b"GET /api/things/a HTTP/1.1\r\n")
    close(exchange.channel.site)
    assert is_closing(exchange)
    exchange.leave()


def test_an_answer_that_is_being_made_may_be_finished_within_a_moment() -> None:
    clock = Clock()
    waiting: Deferred[None] = Deferred()
    exchange = connect(resource(SampleApi(waiting=[waiting]), clock=clock), clock=clock)
    exchange.send(request_bytes("GET", "/api/slow"))
    done = close(exchange.channel.site)
    assert not is_closing(exchange)
    waiting.callback(None)
    assert exchange.response.status == 200
    assert is_closing(exchange)
    exchange.leave()
    assert done == [None]


def test_a_stream_is_ended_properly_before_its_connection_is_closed() -> None:
    async def endless(outlet: Outlet) -> None:
        outlet.write(b"event: ping\n\n")
        await Deferred()

    clock = Clock()
    app = resource(SampleApi(write=endless), clock=clock)
    exchange = connect(app, clock=clock)
    exchange.send(request_bytes("GET", "/api/events"))
    app.close_streams()
    done = close(exchange.channel.site)
    assert exchange.received.endswith(b"0\r\n\r\n")
    assert is_closing(exchange)
    exchange.leave()
    assert done == [None]


def test_what_takes_longer_is_cut_off() -> None:
    clock = Clock()
    exchange = connect(resource(SampleApi()), clock=clock)
    with capturedLogs() as events:
        done = close(exchange.channel.site)
        clock.advance(LEAVE_S)
    assert {level_of(event) for event in events} == {"debug"}
    assert exchange.transport.is_cut
    assert done == [None]
    assert clock.getDelayedCalls() == []
