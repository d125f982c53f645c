"""Spares the daemon memory and time for what it does not need.

Twisted's reactor imports it wherever it is installed, and PyJWT the ``cryptography`` below it. Together they
take a quarter of an idle daemon's memory. What imports them later, when they are needed, finds them as ever.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

#: So many objects more than have gone make the collector look for cycles among them. A run makes about a
#: hundred, and with Python's own 700 the collector took a twentieth of its time.
_COLLECT_AFTER = 10_000


def import_reactor() -> None:
    """Import the reactor's modules as on a machine without OpenSSL, before anything else imports them."""
    with without("OpenSSL"):
        import_module("twisted.internet.posixbase")
        import_module("twisted.internet.endpoints")


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let imports of ``package`` fail, unless it is there already."""
    if package in sys.modules:
        yield
        return
    # None is how Python itself notes that a module cannot be imported.
    sys.modules[package] = None  # type: ignore[assignment]  # the type of the mapping does not know that
    try:
        yield
    finally:
        del sys.modules[package]


def give_back() -> None:
    """Return memory that was needed for a moment, such as that of a password's hash, to the system.

    The C library keeps it for the next one who asks for so much, of whom there is none. Not every one can.
    """
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def collect_rarely() -> None:
    """Leave out of every collection what is there now, after the boot, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
