"""Servers that take messages, well or badly, each in a thread or a process of its own."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from attrs import frozen

from runwisp.web.listen.certificate import Pair, self_signed
from tests.notify.mail_server import Options

_DEADLINE_S = 30.0
_MOST_BYTES = 1_000_000
_ROOT = Path(__file__).parents[2]


@frozen
class Received:
    """A request; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # Any: JSON of any shape
        return json.loads(self.body.decode())

    def form(self) -> dict[str, str]:
        fields = parse_qs(self.body.decode("ascii"), strict_parsing=True, errors="strict")
        return {name: value for name, (value,) in fields.items()}


@frozen
class Say:
    """An answer, of whose end so many bytes are ``missing``: they never come."""

    status: str = "200 OK"
    body: bytes = b"ok"
    headers: Mapping[str, str] = {}
    missing: int = 0


class Odd(Enum):
    """Other things that a server can do with a request: say nothing, break off, or talk of something else."""

    SILENCE = "silence"
    RESET = "reset"
    NONSENSE = "nonsense"


Step: TypeAlias = Say | Odd


class HttpServer:
    """Does one of ``steps`` with each request, the last of them again and again.

    With ``tls`` it shows the certificate of that pair.
    """

    def __init__(self, *steps: Step, tls: Pair | None = None, host: str = "127.0.0.1") -> None:
        self.received: list[Received] = []
        self._steps = list(steps or (Say(),))
        self._changed = threading.Condition()
        self._is_closed = False
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls.certificate, tls.key)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str = "/hook") -> str:
        return f"{'https' if self._context else 'http'}://localhost:{self.port}{path}"

    def wait_for(self, count: int) -> list[Received]:
        """What was received, as soon as it is so many requests."""
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.received) >= count, _DEADLINE_S)
            assert done, f"{len(self.received)} of {count} requests came"
            return list(self.received)

    def close(self) -> None:
        self._is_closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(_DEADLINE_S)

    def _serve(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with connection, suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection)
        self._open.discard(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = _read_request(connection)
        if request is None:
            return
        with self._changed:
            self.received.append(request)
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            self._changed.notify_all()
        if isinstance(step, Say):
            head = {"Content-Length": str(len(step.body) + step.missing), **step.headers}
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            connection.sendall(f"HTTP/1.1 {step.status}\r\n{lines}\r\n".encode() + step.body)
            if step.missing:
                _wait_for_end(connection)
        elif step is Odd.SILENCE:
            _wait_for_end(connection)
        elif step is Odd.NONSENSE:
            connection.sendall(b"220 mail.example.net ESMTP\r\n")
        else:
            # Closed like that, the kernel says that the connection is broken.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _read_request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece or len(data) > _MOST_BYTES:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        piece = connection.recv(65_536)
        if not piece:
            return None
        body += piece
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


def _wait_for_end(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


@contextmanager
def http_server(*steps: Step, tls: Pair | None = None, host: str = "127.0.0.1") -> Iterator[HttpServer]:
    server = HttpServer(*steps, tls=tls, host=host)
    try:
        yield server
    finally:
        server.close()


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def pair_for(directory: Path, *names: str) -> Pair:
    """A certificate for these names that nobody vouches for, and its key."""
    return self_signed(directory, names, datetime.now(UTC))


class MailServer:
    """aiosmtpd in a process of its own."""

    def __init__(self, options: Options) -> None:
        command = [sys.executable, "-m", "tests.notify.mail_server", options.to_json()]
        self._process = subprocess.Popen(
            command,
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def close(self) -> list[Mail]:
        """Take no more; what came."""
        said, _ = self._process.communicate(timeout=_DEADLINE_S)
        return [Mail(**json.loads(line)) for line in said.splitlines()]


@frozen
class Mail:
    """A letter with its envelope, and how it came."""

    sender: str
    recipients: list[str]
    content: str
    is_secure: bool
    account: str | None


@contextmanager
def mail_server(options: Options) -> Iterator[MailServer]:
    server = MailServer(options)
    try:
        yield server
    finally:
        server.close()
