"""The access log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.errors import ShuttingDown
from tests.web.requests import call, resource, start
from tests.web.sample import SampleApi


@implementer(ILogObserver)
@define(eq=False)
class Lines:
    """What is logged of requests."""

    events: list[LogEvent] = field(factory=list)

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_namespace") == "runwisp.web.access":
            self.events.append(event)

    @property
    def only(self) -> LogEvent:
        (event,) = self.events
        return event


@pytest.fixture
def lines() -> Iterator[Lines]:
    observer = Lines()
    globalLogPublisher.addObserver(observer)
    yield observer
    globalLogPublisher.removeObserver(observer)


def test_a_request_is_logged_for_those_who_debug(lines: Lines) -> None:
    answer = call(resource(SampleApi()), "GET", "/api/things?limit=7", address="192.0.2.1")
    event = lines.only
    assert formatEvent(event) == "GET /api/things 200"
    assert (event["log_level"].name, event["client"], event["took"]) == ("debug", "192.0.2.1", 0.0)
    assert event["bytes"] == len(answer.body)
    assert "aborted" not in event


def test_the_query_is_never_logged(lines: Lines) -> None:
    call(resource(SampleApi()), "GET", "/api/things?ticket=s3cret")
    assert "s3cret" not in repr(lines.only)


def test_a_client_of_the_socket_has_no_address(lines: Lines) -> None:
    call(resource(SampleApi()), "GET", "/api/things", socket=True)
    assert lines.only["client"] == "socket"


def test_how_long_it_took_is_logged(lines: Lines) -> None:
    clock, waiting = Clock(), Deferred[None]()
    exchange = start(resource(SampleApi(waiting=[waiting])), "GET", "/api/slow", clock=clock)
    clock.advance(2.5)
    waiting.callback(None)
    assert lines.only["took"] == 2.5
    exchange.leave()
    assert len(lines.events) == 1


def test_a_client_that_leaves_early_is_logged(lines: Lines) -> None:
    exchange = start(resource(SampleApi(waiting=[Deferred()])), "GET", "/api/slow")
    exchange.leave()
    assert lines.only["aborted"] is True


def test_a_refusal_because_of_the_daemon_is_a_warning(lines: Lines) -> None:
    call(resource(SampleApi(error=ShuttingDown("no"))), "DELETE", "/api/things/a")
    assert (formatEvent(lines.only), lines.only["log_level"].name) == ("DELETE /api/things/a 503", "warn")


def test_an_unexpected_error_is_logged_with_its_traceback(
    lines: Lines, logged_failures: list[Failure]
) -> None:
    call(resource(SampleApi(error=ZeroDivisionError())), "GET", "/api/things/a")
    event = lines.only
    assert (formatEvent(event), event["log_level"].name) == ("GET /api/things/a 500", "critical")
    assert event["log_failure"].type is ZeroDivisionError
    logged_failures.clear()


def test_a_connection_that_never_sent_a_request_is_not_logged(lines: Lines) -> None:
    exchange = start(resource(SampleApi()), "GET", "/api/things", headers={"Content-Length": "5"})
    exchange.leave()
    assert lines.events == []
