from __future__ import annotations

from io import StringIO

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, LogPublisher

from runwisp.daemonlog import LogObserver
from runwisp.engine.background import Background
from runwisp.engine.samples import HostFigures, Samples
from runwisp.events import Bus, RunDeleted
from runwisp.model import Bytes, RunId, Seconds, UnixMs
from runwisp.web.api.events import EventsApi
from runwisp.web.daemon_log import DaemonLog
from runwisp.web.feed import Feed
from runwisp.web.resources.task import TaskResource
from runwisp.web.sse import MOST_OF_PEER, Audience
from tests.web.outlets import PINGED, Told, events_in
from tests.web.requests import Exchange, HeaderPairs, OpenGate, call, resource, start

NOW_S = 1_772_416_800.0
BOOT = "5f0c91aa"


class Rig:
    """The routes of events, with a bus and a log behind them."""

    def __init__(self, gate: OpenGate | None = None) -> None:
        self.clock = Clock()
        self.bus = Bus(self.clock)
        observer = LogObserver(
            level="info", stream=StringIO(), is_json=False, shows_time=False, is_coloured=False
        )
        self.logger = Logger(namespace="runwisp.test", observer=LogPublisher(observer))
        feed = Feed(
            clock=self.clock,
            bus=self.bus,
            background=Background(),
            samples=Samples(
                self.clock,
                lambda: NOW_S,
                lambda: HostFigures(cpu_usage=1.0, mem_used=Bytes(1), mem_total=Bytes(2)),
            ),
            boot=BOOT,
            uptime=lambda: Seconds(1.0),
            show_task=self._show_task,
        )
        log = DaemonLog(observer, lambda call: self.clock.callLater(0, call))
        self.app = resource(
            EventsApi(feed, log, Audience(self.clock)), gate=gate, clock=self.clock, wall=lambda: NOW_S
        )

    async def _show_task(self, name: str) -> TaskResource:
        raise NotImplementedError

    def open(self, path: str, headers: HeaderPairs = (), socket: bool = True, address: str = "") -> Exchange:
        return start(self.app, "GET", path, headers=headers, socket=socket, address=address, clock=self.clock)

    def delete(self, *names: str) -> None:
        for name in names:
            self.bus.publish(RunDeleted(RunId("x"), name))
        self.clock.advance(0)
        self.clock.advance(0)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def told(exchange: Exchange) -> list[Told]:
    return events_in(exchange.head.body)


def test_events_are_streamed_with_the_headers_that_keep_them_from_being_held_back(rig: Rig) -> None:
    exchange = rig.open("/api/events")
    head = exchange.head
    assert (head.status, head.media_type) == (200, "text/event-stream")
    assert (head.headers["cache-control"], head.headers["x-accel-buffering"]) == ("no-cache", "no")
    rig.delete("a")
    assert told(exchange) == [PINGED, Told("run.deleted", {"run_id": "x", "task_name": "a"}, f"{BOOT}-1")]
    exchange.leave()
    assert rig.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/events", {"Last-Event-ID": f"{BOOT}-1"}),
        (f"/api/events?last_event_id={BOOT}-1", {}),
        ("/api/events?last_event_id=garbage", {"Last-Event-ID": f"{BOOT}-1"}),
    ],
)
def test_the_last_id_is_in_a_header_or_in_the_query(rig: Rig, path: str, headers: dict[str, str]) -> None:
    rig.delete("a", "b", "c")
    exchange = rig.open(path, headers)
    assert [each.id for each in told(exchange)] == [None, f"{BOOT}-2", f"{BOOT}-3"]
    exchange.leave()


def test_an_id_that_is_none_is_answered_by_a_resync(rig: Rig) -> None:
    exchange = rig.open("/api/events", {"Last-Event-ID": "garbage"})
    assert exchange.head.status == 200
    assert told(exchange) == [PINGED, Told("resync", {"reason": "unknown_id"}, f"{BOOT}-0")]
    exchange.leave()


def test_the_seventeenth_stream_of_an_address_is_refused_whatever_streams_they_are(rig: Rig) -> None:
    paths = ["/api/events", "/api/daemon/log/stream"] * (MOST_OF_PEER // 2)
    streams = [rig.open(path, socket=False, address="192.0.2.1") for path in paths]
    refused = call(rig.app, "GET", "/api/events", address="192.0.2.1", clock=rig.clock)
    assert (refused.status, refused.json()["type"]) == (503, "urn:runwisp:problem:stream-limit")
    assert "retry-after" in refused.headers
    streams.pop().leave()
    streams.append(rig.open("/api/events", socket=False, address="192.0.2.1"))
    assert streams[-1].head.status == 200
    for stream in streams:
        stream.leave()


def test_a_stream_ends_with_its_session() -> None:
    rig = Rig(OpenGate(session_ends_at=UnixMs(int(NOW_S * 1000) + 20_000)))
    exchange = rig.open("/api/events")
    rig.clock.advance(19)
    assert not exchange.is_done
    rig.clock.advance(1)
    assert exchange.is_done
    exchange.leave()
    assert rig.clock.getDelayedCalls() == []


def test_streams_end_with_the_daemon_also_those_that_nobody_reads(rig: Rig) -> None:
    exchanges = [rig.open("/api/events"), rig.open("/api/daemon/log/stream")]
    exchanges[0].pause()
    rig.delete("a")
    rig.app.close_streams()
    assert all(exchange.is_done for exchange in exchanges)
    refused = call(rig.app, "GET", "/api/events", clock=rig.clock)
    assert refused.json()["type"] == "urn:runwisp:problem:shutting-down"
    for exchange in exchanges:
        exchange.leave()


def test_the_daemons_own_log_is_streamed(rig: Rig) -> None:
    for word in ("one", "two", "three"):
        rig.logger.emit(LogLevel.info, word)
    exchange = rig.open("/api/daemon/log/stream?tail=1")
    rig.logger.emit(LogLevel.warn, "four")
    rig.clock.advance(0)
    assert told(exchange) == [
        PINGED,
        Told("lines", {"items": ["[INFO] three"]}),
        Told("lines", {"items": ["[WARN] four"]}),
    ]
    exchange.leave()


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/events?last_id=1", "query.last_id"),
        ("/api/daemon/log/stream?tail=1001", "query.tail"),
        ("/api/daemon/log/stream?tail=-1", "query.tail"),
    ],
)
def test_a_bad_query_is_refused_before_the_stream_begins(rig: Rig, path: str, location: str) -> None:
    refused = call(rig.app, "GET", path, clock=rig.clock)
    assert refused.status == 422
    assert [flaw["location"] for flaw in refused.json()["errors"]] == [location]


@pytest.mark.parametrize("path", ["/api/events", "/api/daemon/log/stream"])
def test_the_head_of_a_stream_alone_cannot_be_had(rig: Rig, path: str) -> None:
    assert call(rig.app, "HEAD", path, clock=rig.clock).status == 405
