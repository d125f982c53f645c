"""Requests and streams in real threads, with a reactor."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.posixbase import PosixReactorBase

from runwisp.client.address import SocketAddress
from runwisp.client.errors import BadAnswer, NotFound, Unreachable
from runwisp.client.resources import DaemonInfo
from runwisp.client.sse import Event
from runwisp.errors import RunWispError
from runwisp.tui.wire import Listening, Wire
from tests.client import resources as sent
from tests.client.fake_daemon import FakeDaemon, Hold, Reply, Request, answer, event, listed, streamed
from tests.tui import fakes

DEADLINE_S = 10.0


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with FakeDaemon(tmp_path / "runwisp.sock") as daemon:
        yield daemon


@pytest.fixture
def wire(tmp_path: Path, daemon: FakeDaemon, reactor: PosixReactorBase) -> Wire:
    return Wire(reactor, SocketAddress(tmp_path / "runwisp.sock"))


class Ear:
    """Hears a stream of names of events."""

    def __init__(self, reactor: PosixReactorBase) -> None:
        self._reactor = reactor
        self.heard: list[str] = []
        self.errors: list[RunWispError | None] = []
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def listen(self, wire: Wire) -> Listening[str]:
        return wire.listen(lambda api: api.events(None), lambda item: item.name, self._hear, self._end)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until that holds."""
        if not condition():
            holds: Deferred[None] = Deferred()
            self._waiting.append((condition, holds))
            await holds.addTimeout(DEADLINE_S, self._reactor)

    def _hear(self, name: str) -> None:
        self.heard.append(name)
        self._look()

    def _end(self, error: RunWispError | None) -> None:
        self.errors.append(error)
        self._look()

    def _look(self) -> None:
        for entry in [entry for entry in self._waiting if entry[0]()]:
            self._waiting.remove(entry)
            entry[1].callback(None)


async def test_an_answer_comes_back_into_the_thread_of_the_reactor(daemon: FakeDaemon, wire: Wire) -> None:
    daemon.on("GET", "/api/daemon", answer(fakes.daemon()))
    seen: list[threading.Thread] = []

    def note_thread(info: DaemonInfo) -> DaemonInfo:
        seen.append(threading.current_thread())
        return info

    info = await wire.ask(lambda api: api.daemon()).addCallback(note_thread)
    assert info.version == "1.2.3"
    assert seen == [threading.main_thread()]


async def test_an_error_comes_back_as_one(daemon: FakeDaemon, wire: Wire) -> None:
    with pytest.raises(NotFound):
        await wire.ask(lambda api: api.daemon())


async def test_without_a_daemon_requests_and_streams_fail(tmp_path: Path, reactor: PosixReactorBase) -> None:
    wire = Wire(reactor, SocketAddress(tmp_path / "none.sock"))
    with pytest.raises(Unreachable):
        await wire.ask(lambda api: api.daemon())
    ear = Ear(reactor)
    ear.listen(wire)
    await ear.until(lambda: bool(ear.errors))
    assert isinstance(ear.errors[0], Unreachable)


async def test_a_request_that_takes_long_does_not_hold_up_the_next_ones(
    daemon: FakeDaemon, wire: Wire
) -> None:
    may_end = threading.Event()

    def take_long(request: Request) -> Reply:
        may_end.wait(DEADLINE_S)
        return answer(fakes.daemon())

    daemon.on("GET", "/api/daemon", take_long)
    daemon.on("GET", "/api/tasks", listed([sent.task()]))
    slow = wire.ask(lambda api: api.daemon())
    units = await wire.ask(lambda api: api.units())
    may_end.set()
    assert [unit.name for unit in units] == ["backup"]
    assert (await slow).pid == 4711


async def test_many_requests_share_a_few_threads(daemon: FakeDaemon, wire: Wire) -> None:
    daemon.on("GET", "/api/tasks", listed([]))
    names: set[str] = set()

    def units(api: object) -> None:
        names.add(threading.current_thread().name)

    await gatherResults([wire.ask(units) for _ in range(50)])
    assert 1 <= len(names) <= 3


async def test_a_stream_hands_over_its_events_in_order_until_it_ends(
    daemon: FakeDaemon, wire: Wire, reactor: PosixReactorBase
) -> None:
    daemon.on("GET", "/api/events", streamed(*(event(f"e{number}", {}) for number in range(100))))
    ear = Ear(reactor)
    ear.listen(wire)
    await ear.until(lambda: bool(ear.errors))
    assert ear.heard == ["ping", *(f"e{number}" for number in range(100))]
    assert ear.errors == [None]


async def test_a_stopped_stream_is_closed_and_says_nothing_more(
    daemon: FakeDaemon, wire: Wire, reactor: PosixReactorBase
) -> None:
    hold = Hold()
    daemon.on("GET", "/api/events", streamed(hold, event("late", {})))
    ear = Ear(reactor)
    listening = ear.listen(wire)
    await ear.until(lambda: ear.heard == ["ping"])
    thread = next(thread for thread in threading.enumerate() if thread.name.startswith("listening"))
    listening.stop()
    hold.set()
    # Only a socket that was closed lets it end so soon.
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    await wire.ask(lambda api: None)
    assert (ear.heard, ear.errors) == (["ping"], [])


async def test_a_stream_that_is_not_what_it_should_be_ends_with_an_error(
    daemon: FakeDaemon, wire: Wire, reactor: PosixReactorBase
) -> None:
    daemon.on("GET", "/api/events", streamed(event("run.started", {})))
    ear = Ear(reactor)

    def parse(item: Event) -> str:
        return str(json.loads(item.data)["run"]) if item.name == "run.started" else item.name

    wire.listen(lambda api: api.events(None), parse, ear._hear, ear._end)
    await ear.until(lambda: bool(ear.errors))
    assert isinstance(ear.errors[0], BadAnswer)


async def test_a_stream_waits_for_a_reactor_that_is_busy(
    daemon: FakeDaemon, wire: Wire, reactor: PosixReactorBase
) -> None:
    sent_events = 0
    all_sent = threading.Event()

    def count(item: Event) -> str:
        nonlocal sent_events
        sent_events += 1
        if sent_events == 9:
            all_sent.set()
        return item.name

    daemon.on("GET", "/api/events", streamed(*(event("e", {}) for _ in range(50))))
    ear = Ear(reactor)
    wire.listen(lambda api: api.events(None), count, ear._hear, ear._end)
    # This thread is that of the reactor: nothing is handed over meanwhile.
    assert all_sent.wait(DEADLINE_S)
    assert sent_events == 9
    await ear.until(lambda: bool(ear.errors))
    assert len(ear.heard) == 51
