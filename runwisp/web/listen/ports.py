"""Ports of Twisted at sockets that listen already."""

from __future__ import annotations

import socket

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure


def accept_tcp(
    reactor: PosixReactorBase, listening: socket.socket, factory: IProtocolFactory
) -> IListeningPort:
    """Accept connections; the port has a descriptor of its own, and ``listening`` is closed."""
    port: IListeningPort = reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
    listening.close()
    return port


def accept_control(
    reactor: PosixReactorBase, listening: socket.socket, factory: IProtocolFactory
) -> IListeningPort:
    """Accept connections of a Unix socket; its file is left to whoever bound it."""
    port = _ControlPort(listening, factory, reactor)
    port.startListening()
    return port


class _ControlPort(unix.Port):
    """Twisted's own would open the socket to everybody, and remove whatever is at its path in the end."""

    def __init__(
        self, listening: socket.socket, factory: IProtocolFactory, reactor: PosixReactorBase
    ) -> None:
        super().__init__(listening.getsockname(), factory, reactor=reactor)
        self._listening = listening
        self._factory = factory

    def startListening(self) -> None:
        self._factory.doStart()
        self.socket = self._listening
        self.fileno = self.socket.fileno  # type: ignore[method-assign]  # as Twisted's ports do
        self.connected = True
        self.numberAccepts = 100
        self.startReading()

    def connectionLost(self, reason: Failure) -> None:
        tcp.Port.connectionLost(self, reason)
