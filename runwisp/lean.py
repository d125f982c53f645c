"""Keeps OpenSSL out of the daemon until TLS is configured.

Twisted's reactor imports it wherever it is installed, and with ``cryptography`` it takes a quarter of an idle
daemon's memory. What imports it later, when it is needed, finds it as ever.
"""

from __future__ import annotations

import sys
from importlib import import_module

_HEAVY = "OpenSSL"


def import_reactor() -> None:
    """Import the reactor's modules as on a machine without OpenSSL, before anything else imports them."""
    if _HEAVY in sys.modules:
        return
    # None is how Python itself notes that a module cannot be imported.
    sys.modules[_HEAVY] = None  # type: ignore[assignment]  # the type of the mapping does not know that
    try:
        import_module("twisted.internet.posixbase")
        import_module("twisted.internet.endpoints")
    finally:
        del sys.modules[_HEAVY]
