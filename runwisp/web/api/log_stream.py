"""The output of a run as it comes (spec: rest, log stream)."""

from __future__ import annotations

import re
from functools import partial

from attrs import frozen

from runwisp.logs.library import Library
from runwisp.model import Run, RunId, Status
from runwisp.store import runs
from runwisp.store.interfaces import IDatabase
from runwisp.web.headers import EVENT_STREAM
from runwisp.web.log_feed import LogFeeds
from runwisp.web.params import line
from runwisp.web.problem import not_found
from runwisp.web.resources.events import LogDone
from runwisp.web.resources.run import run_resource
from runwisp.web.routing import Answer, Call, Outlet, route
from runwisp.web.run_watch import RunWatch, WatchedRun
from runwisp.web.sse import PING, Audience, event

_NUMBER = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


@frozen
class LogStreamQuery:
    from_: int = line(-1000)


@frozen
class LogStreamApi:
    database: IDatabase
    watch: RunWatch
    library: Library
    feeds: LogFeeds
    audience: Audience

    @route(
        "GET",
        "/api/runs/{id}/log/stream",
        summary="Follow the output of a run",
        query=LogStreamQuery,
        answers={200: EVENT_STREAM},
        problems=(404, 503),
    )
    async def stream_run_log(self, call: Call[LogStreamQuery, None]) -> Answer:
        start = call.query.from_
        last_id = call.header("Last-Event-ID")
        if last_id is not None and _NUMBER.fullmatch(last_id):
            start = int(last_id) + 1
        run = await self._run(RunId(call.path["id"]))
        if run is None:
            raise not_found("There is no such run.")
        return self.audience.answer(call.caller, partial(self._send, run.id, start))

    async def _run(self, run_id: RunId) -> Run | None:
        return await self.database.read(lambda cursor: runs.get(cursor, run_id))

    async def _send(self, run_id: RunId, start: int, outlet: Outlet) -> None:
        with self.watch.watching(run_id) as watched:
            outlet.write(PING)
            run = await self._begun(run_id, watched)
            if run is None:
                return
            total_lines = await self.feeds.follow(run, outlet, start)
            while run.status is not Status.ENDED:
                if watched.run is None or watched.run.status is not Status.ENDED:
                    await watched.nudge.wait()
                run = watched.run or run
            outlet.write(event("done", LogDone(total_lines, run_resource(run, stopping=False))))

    async def _begun(self, run_id: RunId, watched: WatchedRun) -> Run | None:
        """The run when there is a log of it or will be none any more; None if the run is deleted."""
        run = await self._run(run_id)
        while run is not None and not watched.is_deleted:
            run = watched.run or run
            if run.status is Status.ENDED or self.library.writer(run_id) is not None:
                return run
            await watched.nudge.wait()
        return None
