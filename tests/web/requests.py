"""Requests to a resource of the web side, through the real channel and in memory.

::

    def test_a_run_is_shown() -> None:
        answer = call(resource(RunsApi(...)), "GET", "/api/runs")
        assert answer.status == 200
        assert answer.json() == {...}

``call`` is for handlers that finish at once, as they do with what tests use in place of threads and
processes; it holds the answer against the OpenAPI document. ``start`` leaves the exchange open: for streams,
and for handlers that wait.
"""

from __future__ import annotations

import gzip
import json as json_
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from zope.interface import implementer

from runwisp.model import UnixMs
from runwisp.web.app import App, make_resource
from runwisp.web.channel import ApiSite, Channel
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.routing import Caller, Route
from tests.web.contract import check

HeaderPairs = Mapping[str, str] | Iterable[tuple[str, str]]


@frozen
class Response:
    """A whole answer. ``headers`` has lower-case names; the last of a name counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """ "" where there is no body."""
        return self.headers.get("content-type", "")

    @property
    def text(self) -> str:
        return self.plain.decode()

    def json(self) -> Any:  # Any: JSON of any shape
        return json_.loads(self.plain)

    @property
    def plain(self) -> bytes:
        """The body as it was before it was compressed, if it was."""
        return gzip.decompress(self.body) if "content-encoding" in self.headers else self.body


@implementer(IGate)
class OpenGate:
    """Lets everybody in, as the real one does on the socket."""

    def __init__(self, session_ends_at: UnixMs | None = None) -> None:
        self.session_ends_at = session_ends_at

    def check_host(self, facts: RequestFacts) -> None:
        pass

    def caller(self, facts: RequestFacts) -> Caller:
        return Caller(
            is_socket=facts.is_socket, address=facts.address, client=facts.address, is_secure=facts.is_tls
        )

    def admit(self, route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        return Caller(
            is_socket=caller.is_socket,
            address=caller.address,
            client=caller.client,
            is_secure=caller.is_secure,
            session_ends_at=self.session_ends_at,
        )


def resource(
    *apis: object,
    gate: IGate | None = None,
    clock: IReactorTime | None = None,
    wall: Callable[[], float] = lambda: 1_772_416_800.0,
) -> App:
    """The resource with the routes of ``apis``; by default everybody may use them."""
    app = make_resource(apis, gate or OpenGate(), clock or Clock(), wall)
    _APIS[app] = tuple(map(type, apis))
    return app


#: What is documented of resources.
_APIS: WeakKeyDictionary[IResource, tuple[type, ...]] = WeakKeyDictionary()


class _Transport(StringTransport):
    """Remembers that it was cut, and does what a real one does then."""

    on_abort: Callable[[], None]
    is_cut = False

    def abortConnection(self) -> None:
        self.is_cut = True
        self.on_abort()


@define
class Exchange:
    """One connection, on which a request has been sent."""

    transport: _Transport
    channel: Channel
    clock: IReactorTime
    _is_lost: bool = field(default=False, init=False)

    @property
    def received(self) -> bytes:
        """All that the client has got, head included."""
        received: bytes = self.transport.value()
        return received

    @property
    def has_head(self) -> bool:
        return b"\r\n\r\n" in self.received

    @property
    def is_done(self) -> bool:
        """The answer is complete, and a next request may follow or the connection is closed."""
        return self.has_head and not self.channel.requests

    @property
    def head(self) -> Response:
        """The answer so far, with the body that has come."""
        raw, _, body = self.received.partition(b"\r\n\r\n")
        status_line, *lines = raw.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(_chunks(body))
        return Response(int(status_line.split(" ")[1]), headers, body)

    @property
    def response(self) -> Response:
        """The complete answer; fails while it is not."""
        assert self.is_done, f"no complete answer yet: {self.received!r}"
        return self.head

    def send(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    def pause(self) -> None:
        """Let the client take nothing for now."""
        producer = self.transport.producer
        assert producer is not None
        producer.pauseProducing()

    def resume(self) -> None:
        producer = self.transport.producer
        assert producer is not None
        producer.resumeProducing()

    def leave(self) -> None:
        """Let the client close the connection."""
        if not self._is_lost:
            self._is_lost = True
            self.channel.connectionLost(Failure(ConnectionDone()))


def connect(
    resource: IResource,
    *,
    socket: bool = False,
    address: str = "127.0.0.1",
    clock: IReactorTime | None = None,
) -> Exchange:
    """A connection on which nothing has been sent yet."""
    clock = clock or Clock()
    peer = UNIXAddress(None) if socket else IPv4Address("TCP", address, 50_000)
    transport = _Transport(peerAddress=peer)
    channel = ApiSite(resource, clock).buildProtocol(peer)
    exchange = Exchange(transport, channel, clock)
    transport.on_abort = exchange.leave
    channel.makeConnection(transport)
    return exchange


def start(
    resource: IResource,
    method: str,
    path: str,
    *,
    headers: HeaderPairs = (),
    body: bytes = b"",
    json: object = None,
    socket: bool = False,
    address: str = "127.0.0.1",
    clock: IReactorTime | None = None,
) -> Exchange:
    """Send a request and leave it to go on. ``json`` stands for a body and its Content-Type."""
    exchange = connect(resource, socket=socket, address=address, clock=clock)
    exchange.send(request_bytes(method, path, headers=headers, body=body, json=json))
    return exchange


def call(
    resource: IResource,
    method: str,
    path: str,
    *,
    headers: HeaderPairs = (),
    body: bytes = b"",
    json: object = None,
    socket: bool = False,
    address: str = "127.0.0.1",
    clock: IReactorTime | None = None,
) -> Response:
    """Send a request and return its answer, which has to be complete at once."""
    exchange = start(
        resource,
        method,
        path,
        headers=headers,
        body=body,
        json=json,
        socket=socket,
        address=address,
        clock=clock,
    )
    response = exchange.response
    exchange.leave()
    if resource in _APIS:
        is_json = "json" in response.media_type and response.body
        document = response.json() if is_json else None
        check(_APIS[resource], method, path, response.status, response.media_type or None, document)
    return response


def request_bytes(
    method: str, path: str, *, headers: HeaderPairs = (), body: bytes = b"", json: object = None
) -> bytes:
    """A request as it is sent; ``Host`` is a good one unless ``headers`` has it."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if json is not None:
        body = json_.dumps(json).encode()
        pairs.append(("Content-Type", "application/json"))
    names = {name.lower() for name, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", "localhost:9477"))
    if body and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _chunks(body: bytes) -> Iterable[bytes]:
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        yield rest[:length]
        body = rest[length + 2 :]
