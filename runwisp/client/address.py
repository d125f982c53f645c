"""Where a daemon is, and the connections to it.

A connection is one of :mod:`http.client`, so that a command which only asks something imports no reactor.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from runwisp.errors import UsageError

if TYPE_CHECKING:
    from runwisp.client.certificates import Pins

_PORTS = {"http": 80, "https": 443}


class Address(Protocol):
    """Where a daemon is."""

    @property
    def prefix(self) -> str:
        """What stands before every path, without a slash at its end."""

    def connection(self, timeout_s: float) -> HTTPConnection:
        """A connection that is not open yet; waiting for the other side ends after ``timeout_s``."""


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(str(self._path))


@frozen
class SocketAddress:
    """The control socket of a daemon on this machine."""

    path: Path
    prefix: str = ""

    def connection(self, timeout_s: float) -> HTTPConnection:
        return UnixConnection(self.path, timeout_s)

    def __str__(self) -> str:
        return str(self.path)


@frozen
class UrlAddress:
    """A daemon in the network. ``pins`` judges certificates and is needed for ``https`` only."""

    scheme: str
    host: str
    port: int
    prefix: str
    pins: Pins

    @property
    def authority(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def connection(self, timeout_s: float) -> HTTPConnection:
        if self.scheme == "http":
            return HTTPConnection(self.host, self.port, timeout=timeout_s)
        from runwisp.client.certificates import PinnedConnection

        return PinnedConnection(self.host, self.port, timeout_s, self.authority, self.pins)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


def parse_url(text: str, pins: Pins) -> UrlAddress:
    """The address that ``http://host:9477`` means; a path is what a proxy has put before ours.

    :raises UsageError: it is no such URL
    """
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise _no_url(text) from None
    if not parts.hostname or _has_more(parts):
        raise _no_url(text)
    return UrlAddress(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), pins)


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.query or parts.fragment or "@" in parts.netloc)


def _no_url(text: str) -> UsageError:
    return UsageError(f"{text!r} is not the URL of a daemon; write it like https://runwisp.example:9477")
