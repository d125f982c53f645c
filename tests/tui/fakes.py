"""A daemon, a desk and a terminal in memory, for views of the terminal UI."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import urwid
from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorFromThreads
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.client import resources
from runwisp.client.address import SocketAddress
from runwisp.client.api import Api
from runwisp.client.errors import NotFound, Reason, Unreachable
from runwisp.client.resources import RemoteRun, RemoteUnit
from runwisp.client.sse import Event
from runwisp.client.transport import EventStream, Transport
from runwisp.errors import RunWispError
from runwisp.model import RunId, UnixMs
from runwisp.tui.ansi import Depth
from runwisp.tui.desk import Overlay, Question, View
from runwisp.tui.model import Link, Model
from runwisp.tui.pane import Pane
from runwisp.tui.wire import Listening, Wire
from runwisp.units import parse_time
from tests.client import resources as sent

#: A minute after the runs of the builders began.
NOW = parse_time("2026-03-02T02:01:00.000Z")
SOCKET = SocketAddress(Path("/run/runwisp.sock"))

T = TypeVar("T")
Document = sent.Document
#: What a request is answered with: a document, an error, or what makes one of its query.
Reply: TypeAlias = Mapping[str, Any] | RunWispError | Callable[[Mapping[str, str]], Document] | None


def run(number: int = 1, **changes: Any) -> RemoteRun:
    """A run that succeeded. The changes may be of any field."""
    return resources.run(sent.run(number, **changes))


def live_run(number: int = 1, **changes: Any) -> RemoteRun:
    return resources.run(sent.live_run(number, **changes))


def failed_run(number: int = 1, **changes: Any) -> RemoteRun:
    return resources.run(sent.failed_run(number, **changes))


_OF_TASK: Document = {"description": None, "parallelism": 1, "on_overlap": "queue"}


def task(name: str = "backup", **changes: Any) -> RemoteUnit:
    return resources.unit(sent.task(name, **{**_OF_TASK, **changes}))


def service(name: str = "web", running: int = 1, instances: int = 1, **changes: Any) -> RemoteUnit:
    return resources.unit(sent.service(name, running, instances, **{**_OF_TASK, **changes}))


def daemon(**changes: Any) -> Document:
    """What the daemon says of itself."""
    return {
        "name": "runwisp",
        "version": "1.2.3",
        "fingerprint": "calm-lake",
        "pid": 4711,
        "started_at": "2026-03-02T01:00:00.000Z",
        "uptime": 3660.0,
        "host": "127.0.0.1",
        "port": 9477,
        "external_url": None,
        "data_dir": "/srv/data",
        "config_path": "/srv/runwisp.toml",
        "socket_path": "/srv/data/runwisp.sock",
        "config_loaded_at": "2026-03-02T01:00:00.000Z",
        "config_stale": False,
        "config_warnings": [],
        "resolved_timezone": "UTC",
        "timezone_source": "config",
        "auth_required": True,
        "service_managed": False,
        "shutting_down": False,
        "tasks": 1,
        "services": 0,
        "active_runs": 0,
        "queued_runs": 0,
        "capabilities": [],
        **changes,
    }


def notice(number: int = 1, **changes: Any) -> Document:
    return {
        "id": f"01JA9Y0H8N3QF5W6B2X4M7T{number:03}",
        "fingerprint": "9c1f04b27ae35d68",
        "kind": "run.failed",
        "severity": "error",
        "title": "backup failed",
        "body": "failed, exit code 3",
        "task_name": "backup",
        "run_id": sent.run_id(1),
        "count": 1,
        "occurrence_ring": ["2026-03-02T02:00:30.000Z"],
        "created_at": "2026-03-02T02:00:30.000Z",
        "last_occurred_at": "2026-03-02T02:00:30.000Z",
        "read_at": None,
        **changes,
    }


SYSTEM: Document = {
    "host": "builder",
    "os": "linux",
    "arch": "x86_64",
    "cpu_cores": 4,
    "cpu_usage": 12.0,
    "mem_usage": 40.0,
    "mem_total": 8_000_000_000,
    "mem_used": 3_200_000_000,
    "uptime": 3660.0,
    "work_dir": "/srv",
}


def page(*items: Document, next_cursor: str | None = None, total: int | None = None) -> Document:
    """A page of a list."""
    return {"items": list(items), "next_cursor": next_cursor, "total": total}


def notices(*items: Document, unread: int = 0) -> Document:
    return {**page(*items, total=len(items)), "unread_count": unread}


def sample(at: str = "2026-03-02T02:00:40.000Z", cpu: float = 50.0) -> Document:
    return {"at": at, "cpu_usage": cpu, "mem_usage": 40.0, "mem_used": 4, "mem_total": 10}


class StubTransport(Transport):
    """Answers with what a test has put there; ``asked`` and ``bodies`` are what was asked, in this order."""

    def __init__(self, asked: list[str]) -> None:
        super().__init__(SOCKET)
        self.asked = asked
        self.bodies: list[Mapping[str, object]] = []
        self.replies: dict[str, Reply] = {}

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Any:  # whatever JSON there is
        self.asked.append(f"{method} {path}")
        if body is not None:
            self.bodies.append(body)
        reply = self.replies.get(f"{method} {path}", NotFound(f"there is no {path}"))
        if isinstance(reply, RunWispError):
            raise reply
        return reply(query or {}) if callable(reply) else reply


class Tap(Listening[Any]):  # the items of each stream are of their own type
    """A stream that a test feeds."""

    def feed(self, name: str, data: object, event_id: str = "") -> None:
        """An event comes."""
        if not self._is_stopped:
            self._on_item(self._parse(Event(name, json.dumps(data), event_id)))

    def end(self, error: RunWispError | None = None) -> None:
        """The connection is gone."""
        if not self._is_stopped:
            self._on_end(error)

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped


@implementer(IReactorFromThreads)
class NoThreads:
    """Of a reactor in a test without threads, nobody calls this."""

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:
        raise NotImplementedError


class StubWire(Wire):
    """Asks at once and in this thread; streams are in ``taps``."""

    def __init__(self) -> None:
        super().__init__(NoThreads(), SOCKET)
        self.asked: list[str] = []
        self.taps: list[Tap] = []
        self.transport = StubTransport(self.asked)
        #: While it is a list, answers wait in there.
        self.waiting: list[Callable[[], None]] | None = None

    def on(self, request: str, reply: Reply) -> None:
        """Answer ``"GET /api/runs"`` with this from now on."""
        self.transport.replies[request] = reply

    def ask(self, work: Callable[[Api], T]) -> Deferred[T]:
        answer = self._result(work)
        if self.waiting is None:
            return answer
        later: Deferred[T] = Deferred()

        def arrive() -> None:
            answer.chainDeferred(later)

        self.waiting.append(arrive)
        return later

    def listen(
        self,
        connect: Callable[[Api], EventStream],
        parse: Callable[[Event], T],
        on_item: Callable[[T], None],
        on_end: Callable[[RunWispError | None], None],
    ) -> Listening[T]:
        tap = Tap(self.reactor, self._api(), connect, parse, self.guard(on_item), self.guard(on_end))
        self.taps.append(tap)
        return tap

    def answer(self) -> None:
        """Let the answers that wait arrive."""
        waiting, self.waiting = self.waiting or [], None
        for arrive in waiting:
            arrive()

    def _result(self, work: Callable[[Api], T]) -> Deferred[T]:
        try:
            return succeed(work(Api(self.transport, via="ui")))
        except RunWispError as error:
            return fail(error)


@define(eq=False)
class FakeDesk:
    """Notes what views ask for in ``done``."""

    model: Model = field(factory=lambda: Model(link=Link.LIVE))
    wire: StubWire = field(factory=StubWire)
    clock: Clock = field(factory=Clock)
    time: UnixMs = NOW
    colors: Depth = 256
    done: list[str] = field(factory=list)
    overlay: Overlay | None = None

    def __attrs_post_init__(self) -> None:
        self.model.set_daemon(resources.daemon_info(daemon()))

    def now(self) -> UnixMs:
        return self.time

    def seconds(self) -> float:
        return self.clock.seconds()

    def later(self, delay_s: float, work: Callable[[], None]) -> IDelayedCall:
        return self.clock.callLater(delay_s, work)

    def invalidate(self) -> None:
        self.done.append("draw")

    def start(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._fail)

    def flash(self, text: str, ink: str = "success") -> None:
        self.done.append(f"flash {ink}: {text}")

    def confirm(self, question: Question, on_yes: Callable[[], None]) -> None:
        self.done.append(f"ask {question.title}: {' '.join([question.text, *question.notes])}")
        on_yes()

    def act_on(
        self, question: Question | None, work: Callable[[], Coroutine[Deferred[Any], Any, str]]
    ) -> None:
        async def work_and_tell() -> None:
            self.flash(await work())

        if question is not None:
            self.confirm(question, lambda: self.start(work_and_tell()))
        else:
            self.start(work_and_tell())

    def copy(self, text: str, name: str, *, is_secret: bool = False) -> None:
        self.done.append(f"copy {name}: {text}{' (secret)' if is_secret else ''}")

    def toggle_notices(self) -> None:
        self.done.append("toggle notices")

    def open_browser(self) -> None:
        self.done.append("open browser")

    def show(self, view: View) -> None:
        self.done.append(f"show {type(view).__name__}")

    def show_unit(self, name: str) -> None:
        self.done.append(f"show unit {name}")

    def show_run(self, run_id: RunId) -> None:
        self.done.append(f"show run {run_id}")

    def back(self) -> None:
        self.done.append("back")

    def set_fullscreen(self, is_full: bool) -> None:
        self.done.append(f"fullscreen {is_full}")

    def open_overlay(self, overlay: Overlay) -> None:
        self.overlay = overlay

    def close_overlay(self) -> None:
        self.overlay = None

    def _fail(self, failure: Failure) -> None:
        failure.trap(RunWispError)
        self.done.append(f"error: {failure.value}")

    @property
    def told(self) -> list[str]:
        """What was done but for drawing."""
        return [entry for entry in self.done if entry != "draw"]


def text_of(canvas: urwid.Canvas) -> list[str]:
    """The rows of a canvas without the blanks at their ends."""
    return [row.rstrip() for row in canvas.decoded_text]


def rows_of(pane: Pane, width: int = 80, height: int = 24, *, has_focus: bool = True) -> list[str]:
    """What a pane shows."""
    return text_of(pane.paint(width, height, has_focus))


def inks_of(
    pane: Pane, word: str, width: int = 80, height: int = 24, *, has_focus: bool = True
) -> set[object]:
    """The attributes of the runs of text in which ``word`` stands."""
    found = {ink for ink, text in _runs(pane.paint(width, height, has_focus)) if word in text}
    assert found, word
    return found


def _runs(canvas: urwid.Canvas) -> Iterator[tuple[object, str]]:
    for row in canvas.content():
        for ink, _, text in row:
            yield ink, text.decode()


def unreachable() -> Unreachable:
    return Unreachable(str(SOCKET), Reason.ABSENT, "there is no such socket")
