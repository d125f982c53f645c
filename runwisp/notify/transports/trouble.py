"""What went wrong on the way to a server, in words."""

from __future__ import annotations

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from twisted.internet.defer import CancelledError
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
    TimeoutError,
)
from twisted.python.failure import Failure

from runwisp.model import Seconds

#: What a connection that is made or used fails with; who loses patience cancels it.
NETWORK_ERRORS = (
    CancelledError,
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
    OSError,
    SSL.Error,
    TimeoutError,
    VerificationError,
)


def describe(error: BaseException, took_s: float, limit: Seconds) -> str:
    """``error``, or the one behind it, in a few words.

    :param took_s: how long it took to come
    :param limit: after that it came because nobody wanted to wait any longer
    """
    return f"no answer within {limit:g} s" if took_s >= limit else _words(error)


def _words(error: BaseException) -> str:
    for behind in getattr(error, "reasons", ()):
        if isinstance(behind, Failure) and behind.value is not None:
            return _words(behind.value)
    if isinstance(error, VerificationError):
        return "TLS: the certificate is not one of this host"
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        said = [str(entry[-1]) for entry in error.args[0] if isinstance(entry, tuple) and entry]
        return f"TLS: {'; '.join(said) or 'the connection was closed'}"
    return str(error).strip().removesuffix(".") or type(error).__name__
