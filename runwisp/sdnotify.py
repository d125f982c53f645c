"""Messages to the service manager over ``$NOTIFY_SOCKET`` (spec: operations, notify and watchdog).

One datagram for each; nothing here waits, retries or needs a reactor. See sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping

from runwisp.model import Seconds


def _ignore(error: OSError) -> None:
    pass


class Notifier:
    """Tells the service manager how the daemon is, if there is one that wants to know.

    :param address: the socket, a leading ``@`` for an abstract one; None: nobody listens and nothing is sent
    :param watchdog_interval: the manager acts when it hears no :meth:`watchdog` for so long; None: never
    :param on_error: called with the first error and with no other: a manager that left is no trouble of ours
    """

    def __init__(
        self,
        address: str | None,
        watchdog_interval: Seconds | None = None,
        on_error: Callable[[OSError], None] = _ignore,
    ) -> None:
        self._address = address
        self.watchdog_interval = watchdog_interval
        self._on_error = on_error

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], on_error: Callable[[OSError], None] = _ignore
    ) -> Notifier:
        """As the service manager told us in our environment."""
        return cls(environ.get("NOTIFY_SOCKET") or None, _watchdog_interval(environ), on_error)

    @property
    def is_wanted(self) -> bool:
        """Whether a service manager asked to be notified."""
        return self._address is not None

    def ready(self) -> None:
        """Start-up, or a reload, is finished."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for people."""
        self._send("STATUS=" + " ".join(text.splitlines()))

    def reloading(self, monotonic_usec: int) -> None:
        """A reload begins; :meth:`ready` ends it. ``monotonic_usec`` is now, on CLOCK_MONOTONIC."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_usec}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def extend_timeout(self, usec: int) -> None:
        """What is under way may take so much longer from now, in microseconds."""
        self._send(f"EXTEND_TIMEOUT_USEC={usec}")

    def watchdog(self) -> None:
        """We are alive."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A manager that does not read must not hold the reactor.
                sender.setblocking(False)
                sender.sendto(message.encode(), address)
        except OSError as error:
            report, self._on_error = self._on_error, _ignore
            report(error)


def _watchdog_interval(environ: Mapping[str, str]) -> Seconds | None:
    if environ.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    try:
        usec = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return Seconds(usec / 1_000_000) if usec > 0 else None
