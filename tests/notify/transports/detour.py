"""Every host is a server of ours."""

from __future__ import annotations

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.posixbase import PosixReactorBase

from runwisp.notify.transports.connecting import Connector
from runwisp.notify.transports.names import Names


class Detour(Connector):
    """Goes to a port of this machine without TLS, wherever it was to go; ``asked`` are the hosts."""

    def __init__(self, reactor: PosixReactorBase, port: int) -> None:
        super().__init__(reactor, Names(reactor))
        self.asked: list[tuple[str, str, int]] = []
        self._port = port

    def plain(self, host: str, port: int) -> IStreamClientEndpoint:
        self.asked.append(("http", host, port))
        return super().plain("127.0.0.1", self._port)

    def secure(self, host: str, port: int, creator: IOpenSSLClientConnectionCreator) -> IStreamClientEndpoint:
        self.asked.append(("https", host, port))
        return super().plain("127.0.0.1", self._port)
