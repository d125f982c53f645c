"""A reader of server-sent events that comes back after a broken connection, as a browser does.

What a stream is, its fields and its ids, is that of the HTML standard. It may be told to break its connection
after a number of bytes, wherever in an event that is.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

_PAUSE_S = 0.05
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Event:
    id: str
    """The last id before or in this event, empty if there was none."""
    name: str
    text: str

    def data(self) -> Any:  # Any: JSON of any shape
        return json.loads(self.text)


class StreamRefused(Exception):
    """The answer is no stream."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body!r}")
        self.status = status


@dataclass
class EventSource:
    """The events at ``path``, from one connection after the other.

    ``lengths`` says for each connection after how many bytes of the stream to break it; a connection beyond
    the last of them stays for as long as it lives.
    """

    connect: Callable[[], HTTPConnection]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    last_id: str = ""
    lengths: Iterator[int] = field(default_factory=lambda: iter(()))
    connections: int = 0
    _connection: HTTPConnection | None = None

    def __iter__(self) -> Iterator[Event]:
        """Events, without end: a connection that is lost is made anew until :meth:`close`.

        :raises StreamRefused: the daemon answers with something else
        :raises TimeoutError: there is none for a minute
        """
        while True:
            response = self._open()
            yield from self._events(_pieces(response, next(self.lengths, None)))
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> HTTPResponse:
        deadline = time.monotonic() + _PATIENCE_S
        while (response := self._attempt()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no stream at {self.path}")
            threading.Event().wait(_PAUSE_S)
        self.connections += 1
        return response

    def _attempt(self) -> HTTPResponse | None:
        """A stream, or None while the daemon is away or about to leave."""
        self._connection = self.connect()
        headers = {"Accept": "text/event-stream", **self.headers}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        try:
            self._connection.request("GET", self.path, headers=headers)
            response = self._connection.getresponse()
            if response.status == 200 and response.headers.get_content_type() == "text/event-stream":
                return response
            body = response.read()
        except (OSError, HTTPException):
            self.close()
            return None
        self.close()
        if response.status == 503:
            return None
        raise StreamRefused(response.status, body)

    def _events(self, pieces: Iterator[bytes]) -> Iterator[Event]:
        """Whole events; what a broken connection has left of one is thrown away, its id as well."""
        name, lines, id_seen = "", list[str](), self.last_id
        for line in _lines(pieces):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_id = id_seen
                if lines:
                    yield Event(self.last_id, name or "message", "\n".join(lines))
                name, lines = "", []
            elif key == "event":
                name = value
            elif key == "data":
                lines.append(value)
            elif key == "id" and "\0" not in value:
                id_seen = value


def _pieces(response: HTTPResponse, length: int | None) -> Iterator[bytes]:
    """The bytes of the stream as they come, at most ``length`` of them."""
    while length is None or length > 0:
        try:
            piece = response.read1(65_536 if length is None else min(length, 65_536))
        except (OSError, HTTPException):
            return
        if not piece:
            return
        if length is not None:
            length -= len(piece)
        yield piece


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Whole lines; each ends with CR, LF or both."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).splitlines(keepends=True)
        # A CR at the end may be half of a CR LF: it waits for the next piece.
        if rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.rstrip(b"\r\n").decode()
