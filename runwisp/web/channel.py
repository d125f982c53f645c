"""HTTP as the daemon speaks it: sizes and times are limited before anything is kept or asked.

:class:`Channel` is one connection, :class:`ApiRequest` one request on it, :class:`ApiSite` makes them. What a
request means is the business of the resource behind.
"""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.http import Request as HTTPRequest
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from runwisp.web import headers
from runwisp.web.access import log_access
from runwisp.web.faults import document
from runwisp.web.gate import RequestFacts
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import MAX_BODY, Caller
from runwisp.web.wire import to_json

MAX_HEADER_BLOCK = 64 * 1024

#: Seconds (spec: rest, requests).
HEADERS_S = 10.0
REQUEST_S = 30.0
ANSWER_S = 300.0
IDLE_S = 120.0
#: What is left to a client to hang up after it has been told that it does not speak HTTP.
LINGER_S = 2.0
#: What the shutdown leaves to answers that are on their way.
LEAVE_S = 1.0

#: Connections that time out are for those who debug, as all that Twisted says.
_twisted_log = Logger("twisted.web.http")

_NOT_HTTP = Problem(400, Code.MALFORMED, "This is not a request of HTTP/1.1.")
_LARGE_HEADERS = Problem(
    431, Code.TOO_LARGE, f"The request line and the headers must not have more than {MAX_HEADER_BLOCK} bytes."
)


class ApiRequest(Request):
    """One request; its body is kept in memory up to the limit, and not at all beyond."""

    #: None when the connection is lost.
    channel: Channel
    content: BytesIO
    site: ApiSite
    facts: RequestFacts
    #: Where it comes from, as soon as that is known.
    caller: Caller | None = None
    #: What went wrong unexpectedly while it was handled.
    failure: Failure | None = None
    is_too_large = False
    defaultContentType = None

    def __init__(self, channel: Channel, *args: Any, **more: Any) -> None:  # Any: as Twisted passes them
        super().__init__(channel, *args, parsePOSTFormSubmission=False, **more)
        self.began = channel.clock.seconds()

    @property
    def shown_path(self) -> str:
        """The path without the query, as it was sent."""
        return self.path.decode("latin-1")

    @property
    def is_api(self) -> bool:
        return self.path.startswith(b"/api/")

    @property
    def raw_query(self) -> str:
        return self.uri.partition(b"?")[2].decode("latin-1")

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        self.is_too_large = length is not None and length > MAX_BODY
        if self.is_too_large:
            self.responseHeaders.setRawHeaders("Connection", ["close"])

    def handleContentChunk(self, data: bytes) -> None:
        if not self.is_too_large and self.content.tell() + len(data) > MAX_BODY:
            self.is_too_large = True
            self.content = BytesIO()
        if not self.is_too_large:
            self.content.write(data)

    def process(self) -> None:
        """Hand the request to the only resource there is; the path stays percent-encoded."""
        self.site = self.channel.site
        self.method = self.method.upper()
        self.prepath = []
        self.postpath = self.path[1:].split(b"/")
        self.responseHeaders.setRawHeaders("Date", [datetimeToString()])
        for name, value in headers.of_every_answer(self.isSecure()):
            self.responseHeaders.setRawHeaders(name, [value])
        self.render(self.site.resource)

    def getRequestHostname(self) -> bytes:
        """Routing needs a name and has no use for it; that of the request may be anything."""
        return b"localhost"

    def begin_stream(self, producer: IPushProducer) -> None:
        """Send the headers. What follows may take any time; ``producer`` is told when the client is slow."""
        self.channel.stop_the_watch()
        self.registerProducer(producer, True)
        if self.channel._waitingForTransport:
            # The client has not taken the answers before this one, which only who was there has been told.
            producer.pauseProducing()
        self.write(b"")

    def end_stream(self) -> None:
        if self.channel is not None:
            self.unregisterProducer()

    async def abort(self) -> None:
        """Cut the connection, so that nobody takes for whole what is not, and return when it is gone."""
        if self.channel is None:
            return
        gone = self.notifyFinish()
        self.cut()
        # It can only fail: the request has not been finished.
        with suppress(Exception):
            await gone

    def cut(self) -> None:
        self.channel.forceAbortClient()

    def connectionLost(self, reason: Failure) -> None:
        if self.path is not None:
            log_access(self, self.channel.clock.seconds(), is_complete=False)
        super().connectionLost(reason)


class Channel(HTTPChannel):
    """One connection. A watch runs all the time, except while a stream is sent."""

    site: ApiSite
    clock: IReactorTime
    requests: list[ApiRequest]

    MAX_LENGTH = MAX_HEADER_BLOCK
    totalHeadersSize = MAX_HEADER_BLOCK
    #: Twisted's own watch starts again with each byte that comes.
    timeOut = None
    _watch: IDelayedCall | None = None
    _since: float | None = None
    _is_refused = False

    def connectionMade(self) -> None:
        self._log = _twisted_log
        self.site.channels.add(self)
        super().connectionMade()
        self._watch_for(IDLE_S)

    def dataReceived(self, data: bytes) -> None:
        if self._is_refused:
            return
        if not self._handlingRequest:
            self._begin()
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        self._begin()
        super().lineReceived(line)

    def _begin(self) -> None:
        """Start the watch for a request with the first that is seen of it."""
        if self._since is None:
            self._since = self.clock.seconds()
            self._watch_for(HEADERS_S)

    def allHeadersReceived(self) -> None:
        assert self._since is not None
        self._watch_for(self._since + REQUEST_S - self.clock.seconds())
        super().allHeadersReceived()
        if self.requests[-1].is_too_large:
            # The answer does not wait for the body.
            self.length = 0
            self._throw_away()

    def _send100Continue(self) -> None:
        if not self.requests[-1].is_too_large:
            super()._send100Continue()

    def allContentReceived(self) -> None:
        self._watch_for(ANSWER_S)
        super().allContentReceived()

    def requestDone(self, request: ApiRequest) -> None:
        self._since = None
        if self._is_refused:
            self.requests.remove(request)
            self._handlingRequest = False
            self._watch_for(LINGER_S)
        else:
            self._watch_for(IDLE_S)
            super().requestDone(request)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.stop_the_watch()
        super().connectionLost(reason)
        self.site.forget(self)

    def leave(self) -> None:
        """Close the connection, after the answer that is being made if there is one."""
        self.persistent = False
        if not self._handlingRequest:
            self.loseConnection()

    def stop_the_watch(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        self._watch = None

    def _watch_for(self, seconds: float) -> None:
        self.stop_the_watch()
        self._watch = self.clock.callLater(seconds, self.timeoutConnection)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._refuse(_LARGE_HEADERS)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """What Twisted calls for all that is no request, or has too many headers."""
        is_large = (
            self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders
        )
        self._refuse(_LARGE_HEADERS if is_large else _NOT_HTTP)

    def _refuse(self, problem: Problem) -> None:
        body = to_json(document(problem, ""))
        answer = Headers()
        for name, value in (
            *headers.of_every_answer(self.isSecure()),
            *headers.of_content(headers.PROBLEM, is_api=True),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ):
            answer.addRawHeader(name, value)
        phrase = headers.phrase(problem.status).encode()
        self.writeHeaders(b"HTTP/1.1", b"%d" % problem.status, phrase, answer)
        self.write(body)
        self._throw_away()
        self._watch_for(LINGER_S)

    def _throw_away(self) -> None:
        """Listen to nothing more.

        It is read all the same: closed with something unread, the connection would be reset, and the client
        might miss the answer.
        """
        self._is_refused = True
        self.clearLineBuffer()


class ApiSite(Site):
    """Makes the channels of one listener; ``resource`` answers every request itself."""

    # Without the wrapper that would have other versions of HTTP negotiated.
    protocol = Channel  # type: ignore[assignment]  # declared as that wrapper
    noisy = False

    def __init__(self, resource: IResource, clock: IReactorTime) -> None:
        super().__init__(resource, requestFactory=ApiRequest, reactor=clock, parsePOSTFormSubmission=False)
        self.channels: set[Channel] = set()
        self._on_empty: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Channel:  # type: ignore[override]  # as above
        channel: Channel = super().buildProtocol(addr)
        channel.clock = self.reactor
        channel.timeOut = None
        return channel

    async def close(self) -> None:
        """Close every connection; what is not answered or taken within a moment is cut off."""
        for channel in list(self.channels):
            channel.leave()
        if not self.channels:
            return
        self._on_empty = Deferred()
        cut = self.reactor.callLater(LEAVE_S, self._cut)
        await self._on_empty
        if cut.active():
            cut.cancel()

    def _cut(self) -> None:
        for channel in list(self.channels):
            channel.forceAbortClient()

    def forget(self, channel: Channel) -> None:
        """The connection of ``channel`` is closed."""
        self.channels.discard(channel)
        if self._on_empty is not None and not self.channels:
            on_empty, self._on_empty = self._on_empty, None
            on_empty.callback(None)

    def startFactory(self) -> None:
        """Open no log file, and wake up each second for the date in none."""

    def stopFactory(self) -> None:
        """There is nothing to close."""

    def log(self, request: HTTPRequest) -> None:
        assert isinstance(request, ApiRequest)
        log_access(request, self.reactor.seconds(), is_complete=True)

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]
