"""The event stream of the daemon, and that of its own log (spec: rest, event streams)."""

from __future__ import annotations

from functools import partial

from attrs import frozen

from runwisp.daemonlog import KEPT_LINES
from runwisp.web.daemon_log import DaemonLog
from runwisp.web.feed import Feed
from runwisp.web.headers import EVENT_STREAM
from runwisp.web.params import integer, text
from runwisp.web.routing import Answer, Call, route
from runwisp.web.sse import Audience

#: Longer than any id there is.
_LONGEST_ID = 4096


@frozen
class EventsQuery:
    last_event_id: str | None = text(longest=_LONGEST_ID)


@frozen
class DaemonLogQuery:
    tail: int = integer(100, minimum=0, maximum=KEPT_LINES)


@frozen
class EventsApi:
    feed: Feed
    daemon_log: DaemonLog
    audience: Audience

    @route(
        "GET",
        "/api/events",
        summary="Follow everything that happens but the output of runs",
        query=EventsQuery,
        answers={200: EVENT_STREAM},
        problems=(503,),
    )
    async def stream_events(self, call: Call[EventsQuery, None]) -> Answer:
        last_id = call.header("Last-Event-ID")
        if last_id is None:
            last_id = call.query.last_event_id
        return self.audience.answer(call.caller, partial(self.feed.send, last_id=last_id))

    @route(
        "GET",
        "/api/daemon/log/stream",
        summary="Follow the daemon's own log",
        query=DaemonLogQuery,
        answers={200: EVENT_STREAM},
        problems=(503,),
    )
    async def stream_daemon_log(self, call: Call[DaemonLogQuery, None]) -> Answer:
        return self.audience.answer(call.caller, partial(self.daemon_log.send, tail=call.query.tail))
