"""Looks at a connection before the site does: who comes to the socket, and who speaks TLS."""

from __future__ import annotations

import socket
import struct
from typing import Protocol as Shape
from typing import cast

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

#: A client says something within this time, in seconds, as it has to send its headers (spec: rest, requests).
FIRST_BYTE_S = 10
#: The record that begins TLS.
_TLS_HANDSHAKE = 0x16
#: Process, user and group of a peer.
_CREDENTIALS = struct.Struct("iII")
_UNKNOWN = 2**32 - 1


class _Connection(Shape):
    """What Twisted's transports have beyond their interface."""

    protocol: IProtocol
    socket: socket.socket

    def abortConnection(self) -> None: ...


def _pass_on(transport: ITransport | None, factory: IProtocolFactory, address: IAddress) -> IProtocol:
    """Let a protocol of ``factory`` go on with a connection."""
    assert transport is not None
    protocol = factory.buildProtocol(address)
    assert protocol is not None
    cast(_Connection, transport).protocol = protocol
    protocol.makeConnection(transport)
    return protocol


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a Unix socket, as the kernel has it; None if it cannot be asked."""
    option: int | None = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
        uid: int = _CREDENTIALS.unpack(credentials)[1]
    except (OSError, struct.error):
        return None
    return uid if uid != _UNKNOWN else None


@implementer(IProtocolFactory)
class OwnUserOnly:
    """Lets in clients of a Unix socket that belong to the user ``uid``, and root is no exception."""

    log = Logger()

    def __init__(self, factory: IProtocolFactory, uid: int) -> None:
        self.factory = factory
        self._uid = uid

    def doStart(self) -> None:
        self.factory.doStart()

    def doStop(self) -> None:
        self.factory.doStop()

    def buildProtocol(self, addr: IAddress) -> Protocol:
        return _Doorkeeper(self, addr)

    def admits(self, connection: socket.socket) -> bool:
        uid = peer_uid(connection)
        if uid == self._uid:
            return True
        who = f"of user {uid}" if uid is not None else "whose user the kernel does not tell"
        self.log.warn("a client {who} was turned away from the control socket", who=who)
        return False


class _Doorkeeper(Protocol):
    def __init__(self, door: OwnUserOnly, address: IAddress) -> None:
        self._door = door
        self._address = address

    def connectionMade(self) -> None:
        connection = cast(_Connection, self.transport)
        if self._door.admits(connection.socket):
            _pass_on(self.transport, self._door.factory, self._address)
        else:
            connection.abortConnection()


@implementer(IProtocolFactory)
class TlsOrPlain:
    """Tells clients that speak TLS from those that do not, by their first byte."""

    def __init__(self, tls: IProtocolFactory, plain: IProtocolFactory, clock: IReactorTime) -> None:
        self.tls = tls
        self.plain = plain
        self.clock = clock

    def doStart(self) -> None:
        self.tls.doStart()
        self.plain.doStart()

    def doStop(self) -> None:
        self.tls.doStop()
        self.plain.doStop()

    def buildProtocol(self, addr: IAddress) -> Protocol:
        return _Listener(self, addr)


class _Listener(Protocol):
    _patience: IDelayedCall | None = None

    def __init__(self, door: TlsOrPlain, address: IAddress) -> None:
        self._door = door
        self._address = address

    def connectionMade(self) -> None:
        connection = cast(_Connection, self.transport)
        self._patience = self._door.clock.callLater(FIRST_BYTE_S, connection.abortConnection)

    def dataReceived(self, data: bytes) -> None:
        self._lose_patience()
        factory = self._door.tls if data[0] == _TLS_HANDSHAKE else self._door.plain
        _pass_on(self.transport, factory, self._address).dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lose_patience()

    def _lose_patience(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
