"""Logs of runs: pages, everything as it was written, and search (spec: rest, logs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from sqlite3 import Cursor
from threading import Event

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from runwisp.engine.seams import InThread
from runwisp.logs.library import Library
from runwisp.logs.matching import BadPattern, Matcher
from runwisp.logs.reader import Snapshot
from runwisp.logs.search import Found, Place, Source, search
from runwisp.model import Run, RunId, Status
from runwisp.store import runs
from runwisp.store.filters import Position, RunFilter
from runwisp.store.interfaces import IDatabase
from runwisp.units import format_time, parse_time
from runwisp.web.apart import spared
from runwisp.web.cursor import read_cursor, write_cursor
from runwisp.web.params import cursor, flag, integer, line, text, ulid
from runwisp.web.problem import Code, Flaw, Problem, not_found
from runwisp.web.resources.log import LogHitList, LogPageResource, hit_resource, page_resource
from runwisp.web.routing import Answer, Call, Json, Outlet, Streamed, route
from runwisp.web.wire import to_json

RAW = "text/plain; charset=utf-8"

#: Into so many logs one request looks at most, ...
MOST_RUNS = 50
#: ... and so long, in seconds (spec: rest, logs).
SEARCH_S = 10.0
#: So many requests search at the same time: others need threads too.
_SEARCHERS = 2
#: About so many bytes of a raw log are read at once.
_RAW_PIECE = 256 * 1024

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]")


@frozen(kw_only=True)
class PageQuery:
    from_: int | None = line()
    limit: int = integer(1000, minimum=1, maximum=10_000)


@frozen(kw_only=True)
class SearchQuery:
    q: str = text(shortest=1, longest=1024, is_required=True)
    regex: bool = flag()
    case: bool = flag()
    run_id: str | None = ulid()
    limit: int = integer(200, minimum=1, maximum=1000)
    cursor: str | None = cursor()


@frozen
class LogsApi:
    database: IDatabase
    library: Library
    in_thread: InThread
    clock: IReactorTime
    _turns: DeferredSemaphore = field(factory=partial(DeferredSemaphore, _SEARCHERS), init=False)

    @route(
        "GET",
        "/api/runs/{id}/log",
        summary="Read lines of a run's log, by default the last ones",
        answers={200: LogPageResource},
        problems=(404,),
        query=PageQuery,
    )
    async def get_run_log(self, call: Call[PageQuery, None]) -> Answer:
        query = call.query
        run = await self._find(call)
        # A large page takes a while to render and to write as JSON: none of that holds up the reactor.
        return Answer(content=Json(await self.in_thread(self._page, run, query.from_, query.limit)))

    @route(
        "GET",
        "/api/runs/{id}/log/raw",
        summary="Download a run's log as it was written",
        answers={200: RAW},
        problems=(404,),
    )
    async def get_raw_run_log(self, call: Call[None, None]) -> Answer:
        run = await self._find(call)
        # What cannot be read has to be known before the answer begins.
        await self.in_thread(self._try, run)
        name = _NOT_IN_FILE_NAMES.sub("_", f"{run.task_name}-{run.id}.log")
        return Answer(
            content=Streamed(RAW, partial(self._send_raw, run)),
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @route(
        "GET",
        "/api/tasks/{name}/log/search",
        summary="Search the logs of a task or service, newest run first",
        answers={200: LogHitList},
        problems=(400, 404),
        query=SearchQuery,
    )
    async def search_task_log(self, call: Call[SearchQuery, None]) -> Answer:
        name, query = call.path["name"], call.query
        scope = (name, evolve(query, limit=1, cursor=None))
        place = None if query.cursor is None else read_cursor(query.cursor, scope, _place)
        matcher = await self._matcher(query)
        known = await self.database.read(partial(_read_runs, name=name, run_id=query.run_id, place=place))
        if known is None:
            raise not_found(f"There is no run {query.run_id} of {name}; it may have been deleted.")
        is_resumed = place is not None and bool(known) and known[0].id == place.position.id
        first_line = place.n if place is not None and is_resumed else 1
        found = await self._search(known[:MOST_RUNS], matcher, query.limit, first_line)
        rest = found.rest
        if rest is None and len(known) > MOST_RUNS:
            rest = Place(known[MOST_RUNS].id, 1)
        return Answer(
            content=LogHitList(
                items=tuple(map(hit_resource, found.hits)),
                next_cursor=None if rest is None else write_cursor(scope, *_sort_key(known, rest)),
                scanned_runs=found.scanned,
            )
        )

    async def _find(self, call: Call[PageQuery, None] | Call[None, None]) -> Run:
        run_id = RunId(call.path["id"])
        run: Run | None = await self.database.read(partial(_get, run_id=run_id))
        if run is None:
            raise not_found(f"There is no run {run_id}; it may have been deleted.")
        return run

    def _page(self, run: Run, start: int | None, limit: int) -> bytes:
        with self.library.snapshot(run) as snapshot:
            page = snapshot.page(start, limit)
        return to_json(page_resource(page, has_ended=run.status is Status.ENDED))

    def _try(self, run: Run) -> None:
        self.library.snapshot(run).close()

    async def _send_raw(self, run: Run, outlet: Outlet) -> None:
        raw = _RawLog(partial(self.library.snapshot, run))
        reading = self.in_thread(raw.read)
        try:
            while data := await spared(reading):
                outlet.write(data)
                await outlet.ready()
                reading = self.in_thread(raw.read)
        finally:
            # A thread may still be at it.
            reading.addBoth(lambda _: raw.close())

    async def _matcher(self, query: SearchQuery) -> Matcher:
        make = partial(Matcher, query.q, is_regex=query.regex, is_case_sensitive=query.case)
        try:
            return await self.in_thread(make)
        except BadPattern as error:
            flaw = Flaw(message=str(error), location="query.q", value=query.q)
            raise Problem(
                400, Code.MALFORMED, f"The regular expression cannot be used: {error}.", [flaw]
            ) from None

    async def _search(self, known: Sequence[Run], matcher: Matcher, limit: int, first_line: int) -> Found:
        """Search in a thread, which stops when it has taken long enough or the client leaves."""
        sources = [Source(run.id, partial(self.library.snapshot, run)) for run in known]
        has_left = Event()

        def work() -> Found:
            deadline = self.clock.seconds() + SEARCH_S
            return search(
                sources,
                matcher,
                limit=limit,
                should_stop=lambda: has_left.is_set() or self.clock.seconds() >= deadline,
                first_line=first_line,
            )

        await self._turns.acquire()
        searching: Deferred[Found] = self.in_thread(work)
        searching.addBoth(self._end_turn)
        return await spared(searching, has_left.set)

    def _end_turn(self, result: Found) -> Found:
        self._turns.release()
        return result


@define
class _RawLog:
    """Reads a log piece by piece, in threads, from its opening to :meth:`close`."""

    _open_snapshot: Callable[[], Snapshot]
    _snapshot: Snapshot | None = field(default=None, init=False)
    _blocks: Iterator[bytes] = field(default=iter(()), init=False)

    def read(self) -> bytes:
        """The next piece; nothing at the end."""
        if self._snapshot is None:
            self._snapshot = self._open_snapshot()
            self._blocks = self._snapshot.raw()
        room = _RAW_PIECE
        parts = []
        for block in self._blocks:
            parts.append(block)
            room -= len(block)
            if room <= 0:
                break
        return b"".join(parts)

    def close(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()


@frozen
class _ResumeAt:
    """Where a search goes on: the place of a run among others, and a line of it."""

    position: Position
    n: int


def _place(created_at: str, run_id: str, n: str) -> _ResumeAt:
    """:raises ValueError: if one of them is nothing of the kind"""
    line = int(str(n))
    if line < 1:
        raise ValueError("lines count from 1")
    return _ResumeAt(Position(parse_time(created_at), RunId(str(run_id))), line)


def _sort_key(known: Sequence[Run], place: Place) -> tuple[str, str, str]:
    (run,) = (run for run in known if run.id == place.run_id)
    return format_time(run.created_at), run.id, str(place.n)


def _get(cursor: Cursor, run_id: RunId) -> Run | None:
    return runs.get(cursor, run_id)


def _read_runs(
    cursor: Cursor, name: str, run_id: str | None, place: _ResumeAt | None
) -> Sequence[Run] | None:
    """The runs to search and one more, if there are so many; None if the only one is not there."""
    if run_id is not None:
        run = runs.get(cursor, RunId(run_id))
        return None if run is None or run.task_name != name else [run]
    wanted = RunFilter(task_names=(name,))
    if place is None:
        return runs.page(cursor, wanted, MOST_RUNS + 1)
    first = runs.get(cursor, place.position.id)
    rest = runs.page(cursor, wanted, MOST_RUNS + 1, place.position)
    return [first, *rest] if first is not None and first.task_name == name else rest
