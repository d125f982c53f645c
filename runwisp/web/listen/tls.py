"""TLS for the listener: its certificate can be replaced while connections live.

Imported only where TLS is wanted: OpenSSL is large.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory, IReactorTime
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from runwisp.errors import CannotListen
from runwisp.web.listen.certificate import Pair, fingerprint


@implementer(IOpenSSLServerConnectionCreator)
class Credentials:
    """What the daemon shows to those who connect; ``find`` names the files that :meth:`load` reads."""

    def __init__(self, find: Callable[[], Pair]) -> None:
        self._find = find
        #: SHA-256 of the certificate that is shown.
        self.fingerprint = ""
        self.load()

    def load(self) -> None:
        """Read the files for the connections to come.

        :raises CannotListen: they cannot be used, and what was read before goes on being shown
        """
        pair = self._find()
        try:
            context = _context(pair)
            self.fingerprint = fingerprint(pair.certificate.read_bytes())
        except (SSL.Error, OSError, ValueError, TypeError) as error:
            why = f"{pair.certificate} and {pair.key} are no pair of certificate and key, or cannot be read"
            raise CannotListen(f"cannot serve TLS: {why}") from error
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self._context, None)


def over_tls(credentials: Credentials, factory: IProtocolFactory, clock: IReactorTime) -> TLSMemoryBIOFactory:
    """``factory`` for clients that speak TLS."""
    return TLSMemoryBIOFactory(credentials, False, factory, clock)


def _context(pair: Pair) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.use_certificate_chain_file(str(pair.certificate))
    # OpenSSL itself would ask for a passphrase at the terminal.
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    context.use_privatekey(key)  # type: ignore[arg-type]  # other kinds of keys are refused
    context.check_privatekey()
    return context
