"""HTTP with the real daemon, over TCP, TLS and the control socket."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

from attrs import frozen

_PATIENCE_S = 30.0


@frozen
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # Any: JSON of any shape
        return json.loads(self.body)


class SocketConnection(HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def over_tcp(port: int, host: str = "127.0.0.1") -> HTTPConnection:
    return HTTPConnection(host, port, timeout=_PATIENCE_S)


def over_tls(port: int, host: str = "127.0.0.1", trusted: Path | None = None) -> HTTPSConnection:
    """``trusted`` is the certificate that the daemon has to show; None takes any."""
    context = ssl.create_default_context(cafile=trusted)
    if trusted is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, port, timeout=_PATIENCE_S, context=context)


def ask(
    connection: HTTPConnection,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
) -> Answer:
    """One request on a connection of its own."""
    try:
        connection.request(method, path, body, dict(headers))
        return whole(connection.getresponse())
    finally:
        connection.close()


def whole(response: HTTPResponse) -> Answer:
    return Answer(
        response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    )
