"""One route at work: who may use it, what the request says, the handler, its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.model import UnixMs
from runwisp.web import headers, parse
from runwisp.web.answering import begin, give, page_of
from runwisp.web.channel import ApiRequest
from runwisp.web.faults import problem_of
from runwisp.web.gate import IGate
from runwisp.web.outlet import Streams
from runwisp.web.routing import Answer, Call, Route, Streamed

BoundHandler: TypeAlias = Callable[[Call[Any, Any]], Awaitable[Answer]]  # Any: each route has its own classes


@frozen(kw_only=True)
class Endpoint:
    """A route, its handler and what both need; ``wall`` is in seconds since the epoch."""

    log = Logger()

    route: Route
    handler: BoundHandler
    gate: IGate
    streams: Streams
    wall: Callable[[], float]

    async def serve(self, request: ApiRequest, raw_path: Mapping[str, str]) -> bytes:
        """Answer the request; what is returned is the body, or what is left of it.

        :raises Problem: or any other error, before anything of the answer is written
        """
        call = self._call(request, raw_path)
        answer = await self._handled(call)
        if not isinstance(answer.content, Streamed):
            return give(request, page_of(answer))
        begin(request, answer, answer.content)
        if request.method != b"HEAD":
            await self.streams.send(request, answer.content, self._lasts(answer.content, call))
        return b""

    def _call(self, request: ApiRequest, raw_path: Mapping[str, str]) -> Call[Any, Any]:
        route, facts = self.route, request.facts
        assert request.caller is not None
        request.caller = caller = self.gate.admit(route, facts, request.caller)
        if request.is_too_large:
            raise parse.too_large(route.max_body)
        # What a request to read has as its body means nothing (RFC 9110, 9.3.1).
        content = b"" if route.method == "GET" else request.content.read()
        return Call(
            caller=caller,
            path=parse.path_values(raw_path),
            query=parse.query_value(request.raw_query, route),
            body=parse.body_value(content, facts.header("Content-Type"), route),
            header=facts.header,
        )

    async def _handled(self, call: Call[Any, Any]) -> Answer:
        """The handler's answer. One that only reads ends when the client leaves; an action is carried out."""
        if self.route.method == "GET":
            return await self.handler(call)
        return await self._carried_out(Deferred.fromCoroutine(_begun(self.handler, call)))

    def _carried_out(self, work: Deferred[Answer]) -> Deferred[Answer]:
        """What ``work`` comes to. Who awaits it may give up without an end to the work."""
        waiting: Deferred[Answer] = Deferred()

        def tell(result: Answer | Failure) -> None:
            if not waiting.called:
                waiting.callback(result)
            elif isinstance(result, Failure) and problem_of(result.value).status >= 500:
                self.log.failure("{operation} failed", failure=result, operation=self.route.operation_id)

        work.addBoth(tell)
        return waiting

    def _lasts(self, streamed: Streamed, call: Call[Any, Any]) -> float | None:
        """Until its session ends, in seconds, where it is an event stream (spec: rest, event streams)."""
        ends_at: UnixMs | None = call.caller.session_ends_at
        if ends_at is None or streamed.media_type != headers.EVENT_STREAM:
            return None
        return ends_at / 1000 - self.wall()


async def _begun(handler: BoundHandler, call: Call[Any, Any]) -> Answer:
    return await handler(call)
