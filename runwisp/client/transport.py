"""Requests to one daemon: keeps the connection, logs in when it has to, and turns problems into errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from attrs import define, field

from runwisp.client.address import Address
from runwisp.client.errors import (
    ApiError,
    BadAnswer,
    RateLimited,
    Reason,
    Unauthenticated,
    Unreachable,
    problem_error,
)
from runwisp.client.sse import Event, EventReader
from runwisp.errors import RunWispError

if TYPE_CHECKING:
    from runwisp.client.session import Session

#: Longer than any request may take (spec: rest, requests).
TIMEOUT_S = 300.0
#: A daemon that is well answers at once, however busy it is.
HEALTH_TIMEOUT_S = 10.0
#: Longer than a few of the pings that come every 15 s.
STREAM_TIMEOUT_S = 50.0
_PIECE = 65_536
_LARGEST_PROBLEM = 1024 * 1024
#: Where plain HTTP meets a daemon with TLS.
_ELSEWHERE = 308

T = TypeVar("T")


@define
class EventStream(Iterator[Event]):
    """The events of a stream until it ends. ``socket`` is None where the connection has given it away."""

    _socket: socket | None
    _events: Iterator[Event]

    def __next__(self) -> Event:
        return next(self._events)

    def abort(self) -> None:
        """End the stream, also while another thread waits for its next event."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


@define
class Transport:
    """Asks the daemon at ``address``; ``session`` is None where the daemon wants none.

    :meth:`stream` may be called by several threads, everything else by one.
    """

    address: Address
    session: Session | None = None
    timeout_s: float = TIMEOUT_S
    _kept: HTTPConnection | None = field(default=None, init=False)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Any:  # whatever JSON there is
        """The JSON of the answer, None if it is empty.

        :raises Unreachable: there is no answer
        :raises RunWispError: the daemon refuses, see :mod:`runwisp.client.errors`
        """
        return self._logged_in(lambda: self._ask(method, _target(path, query), body))

    def is_healthy(self) -> bool:
        """The daemon says that it is well.

        :raises Unreachable: there is no answer
        """
        try:
            with closing(Transport(self.address, None, HEALTH_TIMEOUT_S)) as transport:
                return transport._exchange("GET", "/health", None, {}).strip() == b"OK"
        except (ApiError, BadAnswer):
            return False

    def stream(
        self, path: str, query: Mapping[str, str] | None = None, last_id: str | None = None
    ) -> EventStream:
        """The events of a stream until it ends, however that may be.

        :raises Unreachable: it cannot be opened
        :raises RunWispError: the daemon refuses
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        return self._logged_in(lambda: self._open(_target(path, query), headers))

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _logged_in(self, attempt: Callable[[], T]) -> T:
        """The result of ``attempt``; if it wants a session, there is one login and another attempt."""
        try:
            return attempt()
        except Unauthenticated:
            if self.session is None:
                raise
        self.session.log_in(lambda method, path, body: self._ask(method, path, body, is_login=True))
        return attempt()

    def _open(self, target: str, headers: Mapping[str, str]) -> EventStream:
        connection = self.address.connection(STREAM_TIMEOUT_S)
        response = self._send(connection, "GET", target, None, {**self._headers(), **headers})
        if response.status != 200:
            with closing(connection):
                raise self._refusal(response, response.read(_LARGEST_PROBLEM))
        return EventStream(connection.sock, _events(connection, response))

    def _ask(
        self, method: str, target: str, body: Mapping[str, object] | None, *, is_login: bool = False
    ) -> Any:  # whatever JSON there is
        headers = {} if is_login else self._headers()
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        content = self._exchange(method, target, data, headers)
        try:
            return json.loads(content) if content else None
        except ValueError:
            raise BadAnswer(str(self.address), "it is not JSON") from None

    def _headers(self) -> dict[str, str]:
        token = self.session.token if self.session is not None else None
        return {"Authorization": f"Bearer {token}"} if token is not None else {}

    def _exchange(self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]) -> bytes:
        """The body of an answer of success."""
        if method != "GET":
            # On a connection that breaks while it waits for the next request, nobody knows what was done.
            self.close()
        is_kept = self._kept is not None
        connection = self._kept or self.address.connection(self.timeout_s)
        self._kept = None
        try:
            response = self._send(connection, method, target, data, headers)
            content = response.read()
        except Unreachable:
            connection.close()
            if not is_kept:
                raise
            return self._exchange(method, target, data, headers)
        except (OSError, HTTPException) as error:
            connection.close()
            raise Unreachable(str(self.address), Reason.LOST, "the answer broke off") from error
        if response.will_close:
            connection.close()
        else:
            self._kept = connection
        if response.status >= 300:
            raise self._refusal(response, content)
        return content

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> HTTPResponse:
        """The answer to a request up to its body."""
        try:
            connection.request(method, self.address.prefix + target, body=data, headers=dict(headers))
            return connection.getresponse()
        except RunWispError:
            connection.close()
            raise
        except (OSError, HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error

    def _unreachable(self, error: OSError | HTTPException) -> Unreachable:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            reason, detail = Reason.ABSENT, "there is no such socket"
        elif isinstance(error, (RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
            reason, detail = Reason.FORBIDDEN, "the connection was closed without an answer"
        elif isinstance(error, PermissionError):
            reason, detail = Reason.FORBIDDEN, "permission denied"
        elif isinstance(error, TimeoutError):
            reason, detail = Reason.SILENT, "it takes too long"
        elif isinstance(error, HTTPException):
            reason, detail = Reason.SILENT, "what answers does not speak HTTP"
        else:
            reason, detail = Reason.ABSENT, error.strerror or str(error)
        return Unreachable(str(self.address), reason, detail[:1].lower() + detail[1:])

    def _refusal(self, response: HTTPResponse, content: bytes) -> RunWispError:
        if response.status == _ELSEWHERE:
            return BadAnswer(str(self.address), f"it points to {response.headers['Location']}")
        try:
            error = problem_error(json.loads(content))
        except (ValueError, KeyError, TypeError):
            return BadAnswer(str(self.address), f"status {response.status} without a reason")
        if isinstance(error, RateLimited) and (wait := response.headers["Retry-After"]):
            error.hints = [f"try again in {wait} s"]
        return error


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _events(connection: HTTPConnection, response: HTTPResponse) -> Iterator[Event]:
    reader = EventReader()
    with closing(connection):
        try:
            while piece := response.read1(_PIECE):
                yield from reader.feed(piece)
        except (OSError, HTTPException):
            return
