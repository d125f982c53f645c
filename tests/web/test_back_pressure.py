"""Clients that stop to read, over a real socket: they cost little, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint, connectProtocol
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.threads import deferToThreadPool

from runwisp.daemonlog import LogObserver
from runwisp.engine.background import Background
from runwisp.engine.samples import HostFigures, Samples
from runwisp.events import Bus, RunDeleted
from runwisp.logs.library import Library
from runwisp.logs.writer import LogWriter
from runwisp.model import Bytes, LogOnFull, RunId, Seconds, Status, Stream, UnixMs
from runwisp.store import runs
from runwisp.web.api.events import EventsApi
from runwisp.web.api.log_stream import LogStreamApi
from runwisp.web.channel import ApiSite
from runwisp.web.daemon_log import DaemonLog
from runwisp.web.feed import Feed
from runwisp.web.log_feed import LogFeeds, Means
from runwisp.web.resources.task import TaskResource
from runwisp.web.run_watch import RunWatch
from runwisp.web.sse import Audience
from tests.fakes import ImmediateDatabase
from tests.make import run
from tests.waiting import wait_for
from tests.web.outlets import Told, events_in
from tests.web.requests import request_bytes, resource

T = TypeVar("T")
BOOT = "5f0c91aa"
#: What Twisted keeps for a client that takes nothing, and what is written at once beyond that.
MOST_BUFFERED = 64 * 1024 + 512 * 1024


class Client(Protocol):
    """A client that reads a stream unless its transport is paused."""

    transport: Connection

    def __init__(self, clock: IReactorTime) -> None:
        self.received = bytearray()
        self._clock = clock
        self._seen = 0

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    async def has_got(self, text: bytes) -> None:
        """Wait for ``text`` behind what was waited for before."""
        await wait_for(self._clock, lambda: self.received.find(text, self._seen) >= 0)
        self._seen = self.received.find(text, self._seen)

    @property
    def events(self) -> list[Told]:
        """All whole events so far."""
        head, _, chunked = bytes(self.received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        body = b""
        while b"\r\n" in chunked:
            size, _, chunked = chunked.partition(b"\r\n")
            body += chunked[: int(size, 16)]
            chunked = chunked[int(size, 16) + 2 :]
        return events_in(body[: body.rfind(b"\n\n") + 2])

    def numbers(self) -> list[int]:
        """Of the lines that it has got."""
        lines = [event.data["items"] for event in self.events if event.name == "lines"]
        return [line["n"] for items in lines for line in items]


class Server:
    """Events, and the output of one run that is being written, at a Unix socket."""

    def __init__(self, reactor: PosixReactorBase, directory: Path) -> None:
        self.reactor = reactor
        self.path = directory / "runwisp.sock"
        self.bus = Bus(reactor)
        self.run = run(
            id=RunId("01JA9XQ4Z6M8T2V7C3K5N0RBHD"),
            status=Status.RUNNING,
            start_at=UnixMs(1_800_000_000_000),
        )
        library = Library(directory / "logs")
        self.writer = LogWriter(
            library.paths(self.run),
            max_size=Bytes(200_000_000),
            on_full=LogOnFull.DROP_OLD,
            masker=None,
            wall=time.time,
        )
        library.add(self.run.id, self.writer)
        database = ImmediateDatabase()
        database.now(lambda cursor: runs.insert(cursor, self.run))
        audience = Audience(reactor)
        observer = LogObserver(
            level="error", stream=_Nowhere(), is_json=False, shows_time=False, is_coloured=False
        )
        feed = Feed(
            clock=reactor,
            bus=self.bus,
            background=Background(),
            samples=Samples(reactor, time.time, _figures),
            boot=BOOT,
            uptime=lambda: Seconds(1.0),
            show_task=_no_task,
        )
        means = Means(clock=reactor, in_thread=self._in_thread, in_reactor=reactor.callFromThread)
        self.site = ApiSite(
            resource(
                EventsApi(feed, DaemonLog(observer, reactor.callFromThread), audience),
                LogStreamApi(database, RunWatch(self.bus), library, LogFeeds(means, library), audience),
                clock=reactor,
            ),
            reactor,
        )

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        return deferToThreadPool(self.reactor, self.reactor.getThreadPool(), work, *args)

    async def connect(self, target: str) -> Client:
        """A client that has got the first ping of a stream."""
        client: Client = await connectProtocol(
            UNIXClientEndpoint(self.reactor, str(self.path)), Client(self.reactor)
        )
        client.transport.write(request_bytes("GET", target))
        await client.has_got(b"event: ping")
        return client

    async def when_left(self) -> None:
        await wait_for(self.reactor, lambda: not self.site.channels)

    @property
    def buffered(self) -> int:
        """The most bytes that wait in memory for one client."""
        return max(_buffered(channel.transport) for channel in self.site.channels)


class _Nowhere:
    def write(self, text: str, /) -> None: ...

    def flush(self) -> None: ...


def _figures() -> HostFigures:
    return HostFigures(cpu_usage=0.0, mem_used=Bytes(1), mem_total=Bytes(2))


async def _no_task(name: str) -> TaskResource:
    raise NotImplementedError(name)


def _buffered(transport: ITransport | None) -> int:
    assert isinstance(transport, Connection)
    # Twisted's connections tell this in no other way.
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


@asynccontextmanager
async def serving(reactor: PosixReactorBase, directory: Path) -> AsyncIterator[Server]:
    server = Server(reactor, directory)
    port = await UNIXServerEndpoint(reactor, str(server.path)).listen(server.site)
    try:
        yield server
    finally:
        server.writer.close()
        server.writer.sync()
        await port.stopListening()
        await server.site.close()


async def test_who_stops_to_read_events_is_told_so_later_and_costs_little(
    reactor: PosixReactorBase, tmp_path: Path
) -> None:
    async with serving(reactor, tmp_path) as server:
        stalled, quick = [await server.connect("/api/events") for _ in range(2)]
        stalled.transport.pauseProducing()
        count, most = 2000, 0
        for number in range(1, count + 1):
            server.bus.publish(RunDeleted(RunId("x" * 10_000), str(number)))
            if number % 20 == 0:
                await quick.has_got(b'"%d"}' % number)
                most = max(most, server.buffered)
        assert most <= MOST_BUFFERED
        told = [event for event in quick.events if event.name == "run.deleted"]
        assert [event.id for event in told] == [f"{BOOT}-{number}" for number in range(1, count + 1)]
        stalled.transport.resumeProducing()
        await stalled.has_got(b"event: resync")
        server.bus.publish(RunDeleted(RunId("x"), "last"))
        await stalled.has_got(b'"last"')
        names = [event.name for event in stalled.events]
        at = names.index("resync")
        assert stalled.events[at] == Told("resync", {"reason": "behind"}, f"{BOOT}-{count}")
        assert [event.id for event in stalled.events[1:at]] == [f"{BOOT}-{n}" for n in range(1, at)]
        assert [event.data["task_name"] for event in stalled.events[at + 1 :]] == ["last"]
        assert len(stalled.received) < 3_000_000
        for client in (stalled, quick):
            client.transport.loseConnection()
        await server.when_left()


async def test_who_stops_to_read_output_gets_all_of_it_later_and_costs_little(
    reactor: PosixReactorBase, tmp_path: Path
) -> None:
    async with serving(reactor, tmp_path) as server:
        target = f"/api/runs/{server.run.id}/log/stream?from=1"
        stalled, quick = [await server.connect(target) for _ in range(2)]
        stalled.transport.pauseProducing()
        batches, most = 60, 0
        for number in range(1, batches + 1):
            server.writer.write(Stream.STDOUT, (b"x" * 99 + b"\n") * 1000)
            await quick.has_got(b"id: %d\n" % (number * 1000))
            most = max(most, server.buffered)
        assert most <= MOST_BUFFERED
        stalled.transport.resumeProducing()
        await stalled.has_got(b"id: %d\n" % (batches * 1000))
        for client in (stalled, quick):
            assert client.numbers() == list(range(1, batches * 1000 + 1))
            client.transport.loseConnection()
        await server.when_left()
