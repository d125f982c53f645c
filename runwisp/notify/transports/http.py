"""Delivery by HTTP (spec: notifications, attempts).

It imports all that HTTP and TLS need: a quarter of the memory of an idle daemon, and a moment of its time.

Twisted's own client is used without treq, which cannot ask an address of IPv6, has whatever a server
compresses unpacked, and remembers cookies.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from runwisp.config.settings import Notifier, NotifierType
from runwisp.model import Seconds
from runwisp.notify import payload
from runwisp.notify.channel import Parcel, Permanent, Retryable, Teller
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender, HttpRequest
from runwisp.notify.transports.connecting import Connector
from runwisp.notify.transports.trouble import NETWORK_ERRORS, describe
from runwisp.policy.delivery import (
    LONGEST_HTTP_ATTEMPT,
    Verdict,
    asks_to_wait,
    retry_after,
    verdict_of_http,
)
from runwisp.units import now_ms

#: So much of an answer is read.
MOST_BYTES = 64 * 1024
#: What stands for itself in an address.
_IN_ADDRESS = "!#$%&'()*+,/:;=?@[]~"
_FAILURES = (*NETWORK_ERRORS, RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived)


class HttpChannel:
    """A notifier of a type that gets requests.

    :param limit: an attempt takes no longer, the answer included
    """

    def __init__(
        self,
        notifier: Notifier,
        reactor: PosixReactorBase,
        connector: Connector,
        wall: Callable[[], float],
        limit: Seconds = LONGEST_HTTP_ATTEMPT,
    ) -> None:
        self._notifier = notifier
        self._reactor = reactor
        self._connector = connector
        self._wall = wall
        self._limit = limit
        self._teller = Teller(notifier)

    def write(self, message: Message) -> HttpRequest:
        try:
            return payload.request(self._notifier, message)
        except CannotRender as error:
            raise Permanent(self._teller.sentence(str(error)), has_gone_out=False) from error

    def send(self, parcel: Parcel) -> Deferred[str]:
        assert isinstance(parcel, HttpRequest)
        sent = Deferred.fromCoroutine(self._send(parcel))
        return sent.addTimeout(self._limit, self._reactor)

    async def _send(self, request: HttpRequest) -> str:
        body = _Body(request.body)
        began_s = self._reactor.seconds()
        try:
            answer = await self._ask(request, body)
        except _FAILURES as error:
            why = describe(error, self._reactor.seconds() - began_s, self._limit)
            raise Retryable(self._teller.sentence(why), has_gone_out=body.has_begun) from error
        return self._judged(answer)

    def _judged(self, answer: _Answer) -> str:
        said = self._teller.excerpt(answer.content)
        text = f"{self._teller.excerpt(answer.status_line)}: {said}".removesuffix(": ")
        verdict = verdict_of_http(answer.status)
        if verdict is Verdict.RETRY:
            raise Retryable(self._teller.sentence(text), after=self._wait_asked(answer))
        if verdict is Verdict.PERMANENT:
            raise Permanent(self._teller.sentence(text))
        return text

    def _wait_asked(self, answer: _Answer) -> Seconds | None:
        if not asks_to_wait(answer.status):
            return None
        wait = retry_after(answer.retry_after, now_ms(self._wall))
        if wait is None and self._notifier.type is NotifierType.TELEGRAM:
            return _wait_of_telegram(answer.content)
        return wait

    async def _ask(self, request: HttpRequest, body: _Body) -> _Answer:
        url, headers = _bare(request)
        way = _Way(self._connector)
        pool = HTTPConnectionPool(self._reactor, persistent=False)
        agent = Agent.usingEndpointFactory(self._reactor, way, pool)
        try:
            response = await agent.request(request.method.encode(), url, headers, body)
            return _Answer(
                status=response.code,
                status_line=b"%d %s" % (response.code, response.phrase),
                retry_after=(response.headers.getRawHeaders("retry-after") or [""])[0],
                content=await _beginning(response),
            )
        finally:
            way.leave()


@frozen(kw_only=True)
class _Answer:
    status: int
    status_line: bytes
    retry_after: str
    content: bytes


def _bare(request: HttpRequest) -> tuple[bytes, Headers]:
    """The address in ASCII and without an account, and the headers with that."""
    headers = Headers()
    for name, value in request.headers.items():
        headers.addRawHeader(name, value)
    parts = urlsplit(request.url)
    account, at, place = parts.netloc.rpartition("@")
    if at and not headers.hasHeader("authorization"):
        headers.addRawHeader("Authorization", f"Basic {b64encode(unquote(account).encode()).decode()}")
    # What is quoted already stays as it is.
    return quote(urlunsplit(parts._replace(netloc=place)), safe=_IN_ADDRESS).encode(), headers


def _wait_of_telegram(content: bytes) -> Seconds | None:
    """What its answer says in ``parameters.retry_after``."""
    try:
        wait = json.loads(content)["parameters"]["retry_after"]
        return Seconds(max(0.0, float(wait)))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


async def _beginning(response: IResponse) -> bytes:
    """As much of the body as comes in time and is read; by then the status has told what matters."""
    reading = _Reading()
    response.deliverBody(reading)
    try:
        await reading.done
    except CancelledError:
        reading.is_over = True
    return bytes(reading.content[:MOST_BYTES])


_DONE = Failure(ConnectionDone())


class _Reading(Protocol):
    def __init__(self) -> None:
        self.content = bytearray()
        self.done: Deferred[None] = Deferred()
        self.is_over = False

    def dataReceived(self, data: bytes) -> None:
        if not self.is_over:
            self.content += data
            if len(self.content) >= MOST_BYTES:
                self._end()

    def connectionLost(self, reason: Failure = _DONE) -> None:
        self._end()

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.done.callback(None)


@implementer(IBodyProducer)
class _Body:
    """The body of a request, in one piece; ``has_begun`` when a connection is there to take it."""

    def __init__(self, content: bytes) -> None:
        self.length = len(content)
        self.has_begun = False
        self._content = content

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        self.has_begun = True
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """All has been written."""

    def resumeProducing(self) -> None:
        """All has been written."""

    def stopProducing(self) -> None:
        """All has been written."""


@implementer(IAgentEndpointFactory)
class _Way:
    """The one connection of a request, which ends with it: a server that says nothing could hold it."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._connection: Protocol | None = None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        host = uri.host.decode().strip("[]")
        if uri.scheme.lower() == b"https":
            endpoint = self._connector.secure(host, uri.port, self._connector.creator(host))
        else:
            endpoint = self._connector.plain(host, uri.port)
        return _Watched(endpoint, self._connected)

    def leave(self) -> None:
        if self._connection is not None and self._connection.transport is not None:
            # All connections of the reactor can do that, with TLS or without.
            self._connection.transport.abortConnection()  # type: ignore[attr-defined]

    def _connected(self, connection: IProtocol) -> IProtocol:
        assert isinstance(connection, Protocol)
        self._connection = connection
        return connection


@implementer(IStreamClientEndpoint)
@frozen
class _Watched:
    """Tells of the connection that is made."""

    endpoint: IStreamClientEndpoint
    on_connection: Callable[[IProtocol], IProtocol]

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self.endpoint.connect(protocolFactory).addCallback(self.on_connection)
