"""A daemon that says what a test has told it to, written from the description of the API alone.

It listens on a Unix socket, or on TCP with or without TLS, and answers each request in a thread of its own.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn, UnixStreamServer
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

#: The ping that comes first on every stream.
PING = b"event: ping\ndata: {}\n\n"


class Hold(threading.Event):
    """Stands in a stream for a pause that lasts until the test sets it, or the daemon is closed."""


class Torn:
    """Ends a stream in the middle of a piece, without a proper end."""


Piece: TypeAlias = bytes | Hold | type[Torn]


@frozen
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any  # whatever JSON it is


@frozen
class Reply:
    """``pieces`` make a stream, else ``body`` is sent."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    pieces: Iterable[Piece] | None = None


Answer: TypeAlias = Callable[[Request], Reply]


def answer(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode())


def listed(items: Sequence[object]) -> Reply:
    return answer({"items": items, "next_cursor": None, "total": len(items)})


def problem(
    status: int, code: str, detail: str, errors: Sequence[object] = (), headers: Mapping[str, str] = {}
) -> Reply:
    document = {
        "type": f"urn:runwisp:problem:{code}",
        "title": "No",
        "status": status,
        "detail": detail,
        "instance": "/",
        "errors": errors,
    }
    return Reply(status, json.dumps(document).encode(), "application/problem+json", headers)


def streamed(*pieces: Piece) -> Reply:
    return Reply(media_type="text/event-stream", pieces=(PING, *pieces))


def event(name: str, data: object, event_id: str | int | None = None) -> bytes:
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


class FakeDaemon:
    """As a context manager it serves what :meth:`on` and :meth:`always` tell it to."""

    def __init__(self, where: Path | tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._answers: list[tuple[str, re.Pattern[str], list[Answer | Reply]]] = []
        self._holds: list[Hold] = []
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._server = _server(where, self, tls)
        self.on("GET", "/health", Reply(body=b"OK", media_type="text/plain"))

    def __enter__(self) -> FakeDaemon:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.hang_up()
        for hold in self._holds:
            hold.set()

    @property
    def port(self) -> int:
        address = self._server.server_address
        assert isinstance(address, tuple)
        return int(address[1])

    def on(self, method: str, pattern: str, *answers: Answer | Reply) -> None:
        """Give these answers one after the other, the last one from then on; later rules go first."""
        self._answers.insert(0, (method, re.compile(pattern), list(answers)))

    def hang_up(self) -> None:
        """Break every connection there is."""
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def asked(self, method: str, path: str) -> list[Request]:
        """The requests of this kind that came so far."""
        with self._lock:
            return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            for method, pattern, answers in self._answers:
                if method == request.method and pattern.fullmatch(request.path):
                    chosen = answers.pop(0) if len(answers) > 1 else answers[0]
                    break
            else:
                return problem(404, "not-found", f"There is no {request.path}.")
        return chosen if isinstance(chosen, Reply) else chosen(request)

    def accept(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def wait(self, hold: Hold) -> None:
        self._holds.append(hold)
        hold.wait(30)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    daemon: FakeDaemon

    def setup(self) -> None:
        self.daemon.accept(self.request)
        super().setup()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        reply = self.daemon.reply(
            Request(
                self.command,
                unquote(parts.path),
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(body) if body else None,
            )
        )
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.pieces is not None:
            self._stream(reply.pieces)
            return
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _serve

    def _stream(self, pieces: Iterable[Piece]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            if isinstance(piece, Hold):
                self.daemon.wait(piece)
            elif isinstance(piece, bytes):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            else:
                self.wfile.write(b"400\r\nevent: lines\ndata: {")
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, _ = self.socket.accept()
        return connection, ("", 0)


class _NetworkServer(ThreadingMixIn, TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:  # as the base class has it
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is no error."""


def _server(
    where: Path | tuple[str, int], daemon: FakeDaemon, tls: ssl.SSLContext | None
) -> _UnixServer | _NetworkServer:
    handler = type("Handler", (_Handler,), {"daemon": daemon})
    if isinstance(where, Path):
        return _UnixServer(str(where), handler)
    server = _NetworkServer(where, handler)
    server.tls = tls
    return server


def log_stream(run: Mapping[str, Any], texts: Sequence[str], cuts: Iterator[int]) -> Answer:
    """Serves a log in which every connection but the last ends after some lines.

    ``cuts`` says after how many; when it has no more, the log is served to its end.
    """

    def serve(request: Request) -> Reply:
        start = int(request.query["from"])
        cut = next(cuts, None)
        lines = [line(n, text) for n, text in enumerate(texts, 1) if n >= start][:cut]
        batches = [lines[i : i + 3] for i in range(0, len(lines), 3)]
        pieces = [event("lines", {"items": batch}, batch[-1]["n"]) for batch in batches]
        if cut is None:
            return streamed(*pieces, event("done", {"total_lines": len(texts), "run": run}))
        return streamed(*pieces, Torn)

    return serve


def line(n: int, text: str, stream: str = "stdout") -> dict[str, Any]:
    return {"n": n, "ts": 1772416835120 + n, "stream": stream, "text": text, "continued": False}
