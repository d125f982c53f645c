"""An API of nothing in particular, with a route of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from runwisp.model import Status, UnixMs
from runwisp.web.params import flag, integer, moment, nested, text, ulids, word, words
from runwisp.web.routing import Access, Answer, Call, Outlet, Streamed, Text, route


@frozen
class ThingQuery:
    limit: int = integer(50, minimum=1, maximum=100)
    status: tuple[Status, ...] = words(Status)
    order: str = word(("asc", "desc"), "desc")
    since: UnixMs | None = moment()
    is_quick: bool = flag()
    from_: int | None = integer()


@frozen
class Filter:
    status: tuple[Status, ...] = words(Status)


@frozen
class ThingBody:
    name: str = text(shortest=1, longest=20, is_required=True)
    secret: str | None = text(longest=5, is_secret=True)
    ids: tuple[str, ...] = ulids(most=3)
    filter: Filter | None = nested(Filter)


@frozen
class Thing:
    name: str
    at: UnixMs | None = None


@define
class SampleApi:
    """``done`` lists what was carried out; ``waiting`` is what a slow handler waits for."""

    done: list[object] = field(factory=list)
    waiting: list[Deferred[None]] = field(factory=list)
    write: Callable[[Outlet], Any] | None = None
    error: Exception | None = None

    @route("GET", "/api/things", summary="List things", answers={200: Thing}, query=ThingQuery)
    async def list_things(self, call: Call[ThingQuery, None]) -> Answer:
        self.done.append(call.query)
        return Answer(content=Thing("all"))

    @route("POST", "/api/things", summary="Make a thing", answers={201: Thing}, body=ThingBody)
    async def create_thing(self, call: Call[None, ThingBody]) -> Answer:
        self.done.append(call.body)
        return Answer(content=Thing(call.body.name), status=201, headers={"Location": "/api/things/x"})

    @route("GET", "/api/things/summary", summary="Count things", answers={200: Thing})
    async def get_summary(self, call: Call[None, None]) -> Answer:
        return Answer(content=Thing("summary"))

    @route("GET", "/api/things/{name}", summary="Show a thing", answers={200: Thing}, problems=(404,))
    async def get_thing(self, call: Call[None, None]) -> Answer:
        if self.error is not None:
            raise self.error
        return Answer(content=Thing(call.path["name"], UnixMs(0)))

    @route("DELETE", "/api/things/{name}", summary="Delete a thing", answers={204: None}, problems=(409, 503))
    async def delete_thing(self, call: Call[None, None]) -> Answer:
        if self.error is not None:
            raise self.error
        await self._wait()
        self.done.append(call.path["name"])
        return Answer(content=None, status=204)

    @route("GET", "/api/slow", summary="Take time", answers={200: Thing})
    async def get_slow(self, call: Call[None, None]) -> Answer:
        await self._wait()
        self.done.append("slow")
        return Answer(content=Thing("slow"))

    @route("GET", "/api/big", summary="Be big", answers={200: Thing})
    async def get_big(self, call: Call[None, None]) -> Answer:
        return Answer(content=Thing("x" * 2000))

    @route("GET", "/api/events", summary="Send events", answers={200: "text/event-stream"})
    async def stream_things(self, call: Call[None, None]) -> Answer:
        return Answer(content=Streamed("text/event-stream", self._send))

    @route("GET", "/api/raw", summary="Send text", answers={200: "text/plain; charset=utf-8"})
    async def get_raw(self, call: Call[None, None]) -> Answer:
        disposition = {"Content-Disposition": "attachment"}
        return Answer(content=Streamed("text/plain; charset=utf-8", self._send), headers=disposition)

    @route("POST", "/api/log-in", summary="Take little", answers={200: Thing}, body=ThingBody, max_body=64)
    async def log_in(self, call: Call[None, ThingBody]) -> Answer:
        return Answer(content=Thing(call.body.name))

    @route("GET", "/pulse", access=Access.PUBLIC, summary="Be alive", answers={200: "text/plain"})
    async def get_pulse(self, call: Call[None, None]) -> Answer:
        return Answer(content=Text("alive", "text/plain"))

    async def _wait(self) -> None:
        if self.waiting:
            await self.waiting[-1]

    async def _send(self, outlet: Outlet) -> None:
        if self.write is not None:
            await self.write(outlet)
