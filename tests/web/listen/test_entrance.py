from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import cast

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from zope.interface import implementer
from zope.interface.verify import verifyObject

from runwisp.web.listen.entrance import FIRST_BYTE_S, OwnUserOnly, TlsOrPlain, peer_uid

PEER = IPv4Address("TCP", "192.0.2.7", 4711)


class Transport(StringTransport):
    """Has a socket, and the protocol that hears what comes, as Twisted's own have."""

    protocol: IProtocol

    def __init__(self, end: socket.socket | None = None) -> None:
        super().__init__()
        self.socket = end


class Guest(Protocol):
    def __init__(self, name: str, heard: list[str]) -> None:
        self.name = name
        self.heard = heard

    def connectionMade(self) -> None:
        self.heard.append(f"{self.name} made")

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(f"{self.name} {data!r}")


@implementer(IProtocolFactory)
class Guests:
    def __init__(self, name: str, heard: list[str]) -> None:
        self.name = name
        self.heard = heard
        self.address: IAddress | None = None

    def doStart(self) -> None:
        self.heard.append(f"{self.name} starts")

    def doStop(self) -> None:
        self.heard.append(f"{self.name} stops")

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        self.address = addr
        return Guest(self.name, self.heard)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        yield ours, theirs


def connect(factory: IProtocolFactory, transport: Transport, address: IAddress) -> None:
    protocol = factory.buildProtocol(address)
    assert protocol is not None
    transport.protocol = protocol
    protocol.makeConnection(transport)


def test_the_kernel_tells_who_is_at_the_other_end(ends: tuple[socket.socket, socket.socket]) -> None:
    assert peer_uid(ends[0]) == os.geteuid()


def test_of_a_tcp_connection_it_tells_nobody() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert peer_uid(client) is None


def test_where_it_cannot_be_asked_nobody_is_known(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")
    assert peer_uid(ends[0]) is None


def test_our_own_user_is_passed_on_to_the_site(ends: tuple[socket.socket, socket.socket]) -> None:
    heard: list[str] = []
    site = Guests("site", heard)
    transport, address = Transport(ends[0]), UNIXAddress(None)
    connect(OwnUserOnly(site, os.geteuid()), transport, address)
    transport.protocol.dataReceived(b"GET")
    assert heard == ["site made", "site b'GET'"]
    assert site.address is address


@pytest.mark.parametrize("is_known", [True, False])
def test_anybody_else_is_turned_away_without_a_byte_and_a_warning_is_logged(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    if not is_known:
        monkeypatch.delattr(socket, "SO_PEERCRED")
    heard: list[str] = []
    uid = os.geteuid() + 1 if is_known else os.geteuid()
    transport = Transport(ends[0])
    with capturedLogs() as events:
        connect(OwnUserOnly(Guests("site", heard), uid), transport, UNIXAddress(None))
    assert transport.disconnected
    assert (heard, transport.value()) == ([], b"")
    assert [event["log_level"].name for event in events] == ["warn"]


@pytest.mark.parametrize(
    ("first", "who"), [(b"\x16\x03\x01", "tls"), (b"GET / HTTP/1.1\r\n", "plain"), (b"\x80", "plain")]
)
def test_the_first_byte_tells_who_speaks_tls_and_is_not_lost(first: bytes, who: str) -> None:
    heard: list[str] = []
    clock, transport = Clock(), Transport()
    connect(TlsOrPlain(Guests("tls", heard), Guests("plain", heard), clock), transport, PEER)
    transport.protocol.dataReceived(first)
    transport.protocol.dataReceived(b"more")
    assert heard == [f"{who} made", f"{who} {first!r}", f"{who} b'more'"]
    assert clock.getDelayedCalls() == []


def test_who_says_nothing_is_disconnected() -> None:
    clock, transport = Clock(), Transport()
    connect(TlsOrPlain(Guests("tls", []), Guests("plain", []), clock), transport, PEER)
    clock.advance(FIRST_BYTE_S - 0.1)
    assert not transport.disconnected
    clock.advance(0.2)
    assert transport.disconnected


def test_who_leaves_before_the_first_byte_leaves_nothing_behind() -> None:
    clock, transport = Clock(), Transport()
    connect(TlsOrPlain(Guests("tls", []), Guests("plain", []), clock), transport, PEER)
    cast(Protocol, transport.protocol).connectionLost()
    assert clock.getDelayedCalls() == []


def test_what_stands_behind_starts_and_stops_with_the_port() -> None:
    heard: list[str] = []
    tls, plain = Guests("tls", heard), Guests("plain", heard)
    for door in (TlsOrPlain(tls, plain, Clock()), OwnUserOnly(plain, 0)):
        verifyObject(IProtocolFactory, door)
        door.doStart()
        door.doStop()
    assert heard == [
        *("tls starts", "plain starts", "tls stops", "plain stops"),
        *("plain starts", "plain stops"),
    ]
