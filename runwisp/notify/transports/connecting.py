"""Connections to servers by their names, plain or with TLS.

The reactor of the daemon is imported without OpenSSL (:mod:`runwisp.lean`), so neither its endpoints nor its
connections know TLS: here it is put around them.
"""

from __future__ import annotations

from collections.abc import Callable

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IStreamClientEndpoint,
)
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import directlyProvides, implementer


class Connector:
    """Knows the ways to servers.

    :param names: looks up the names of hosts
    :param verified: makes connections to a host that has to show a certificate which the machine trusts; what
        that is is read once for each host
    """

    def __init__(
        self,
        reactor: PosixReactorBase,
        names: IHostnameResolver,
        verified: Callable[[str], IOpenSSLClientConnectionCreator] = optionsForClientTLS,
    ) -> None:
        self._reactor = reactor
        self._ways = _Ways(reactor, names)
        self._verified = verified
        self._creators: dict[str, IOpenSSLClientConnectionCreator] = {}
        self._credulous: CertificateOptions | None = None

    def plain(self, host: str, port: int) -> IStreamClientEndpoint:
        return HostnameEndpoint(self._ways, host, port)

    def secure(self, host: str, port: int, creator: IOpenSSLClientConnectionCreator) -> IStreamClientEndpoint:
        """TLS from the first byte on."""
        return _Secure(self.plain(host, port), creator, self._reactor)

    def creator(self, host: str, *, is_verified: bool = True) -> IOpenSSLClientConnectionCreator:
        """Of connections with TLS to ``host``.

        :raises UnicodeError: there can be no such host
        """
        if not is_verified:
            if self._credulous is None:
                self._credulous = CertificateOptions(verify=False)
            return _AnyCertificate(self._credulous, host)
        creator = self._creators.get(host)
        if creator is None:
            creator = self._creators[host] = self._verified(host)
        return creator

    def start_tls(self, protocol: Protocol, creator: IOpenSSLClientConnectionCreator) -> None:
        """Put TLS between ``protocol`` and its transport; it is connected once more."""
        transport = protocol.transport
        factory = TLSMemoryBIOFactory(creator, True, _Again(protocol), self._reactor)
        wrapper = factory.buildProtocol(None)
        transport.protocol = wrapper  # type: ignore[union-attr]  # a connection of the reactor has one
        wrapper.makeConnection(transport)


class _Ways:
    """The reactor as an endpoint wants it, with another resolver of names."""

    def __init__(self, reactor: PosixReactorBase, names: IHostnameResolver) -> None:
        directlyProvides(self, IReactorPluggableNameResolver)
        self.nameResolver = names
        self.seconds = reactor.seconds
        self.callLater = reactor.callLater
        self.connectTCP = reactor.connectTCP


@implementer(IStreamClientEndpoint)
class _Secure:
    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        creator: IOpenSSLClientConnectionCreator,
        reactor: PosixReactorBase,
    ) -> None:
        self._endpoint = endpoint
        self._creator = creator
        self._reactor = reactor

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        factory = TLSMemoryBIOFactory(self._creator, True, protocolFactory, self._reactor)
        return self._endpoint.connect(factory).addCallback(_unwrapped)


def _unwrapped(wrapper: IProtocol) -> IProtocol:
    assert isinstance(wrapper, TLSMemoryBIOProtocol)
    protocol: IProtocol = wrapper.wrappedProtocol
    return protocol


@implementer(IOpenSSLClientConnectionCreator)
class _AnyCertificate:
    """Connections that are encrypted, with whomever."""

    def __init__(self, options: CertificateOptions, host: str) -> None:
        self._options = options
        self._host = host

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


class _Again(Factory):
    """Builds what has been built."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._protocol
