"""Runs: lists, sums, one run, its deletion and its stop (spec: rest, runs)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from sqlite3 import Cursor

from attrs import evolve, frozen

from runwisp.engine.deletion import Deletion
from runwisp.engine.engine import Engine
from runwisp.errors import WrongState
from runwisp.model import Run, RunId, Status
from runwisp.store import runs
from runwisp.store.filters import Position, RunFilter
from runwisp.store.interfaces import IDatabase
from runwisp.store.retention import Goner
from runwisp.units import format_time, parse_time
from runwisp.web.api.run_filters import RunConditions, SummaryQuery, run_filter
from runwisp.web.cursor import read_cursor, write_cursor
from runwisp.web.params import cursor, integer, word
from runwisp.web.problem import Problem, not_found
from runwisp.web.resources.run import RunList, RunResource, RunSummary, run_resource
from runwisp.web.routing import Answer, Call, route

#: So many matches are counted; of more a list does not say how many they are.
MOST_COUNTED = 10_000


class Order(StrEnum):
    ASC = "asc"
    DESC = "desc"


@frozen(kw_only=True)
class RunsQuery(RunConditions):
    limit: int = integer(50, minimum=1, maximum=1000)
    cursor: str | None = cursor()
    order: Order = word(Order, Order.DESC)


@frozen
class RunsApi:
    engine: Engine
    database: IDatabase
    deletion: Deletion

    @route(
        "GET",
        "/api/runs",
        summary="List runs by the time of their creation, newest first",
        answers={200: RunList},
        query=RunsQuery,
    )
    async def list_runs(self, call: Call[RunsQuery, None]) -> Answer:
        query = call.query
        wanted = run_filter(query, self.engine.config)
        scope = evolve(query, limit=1, cursor=None)
        after = None if query.cursor is None else read_cursor(query.cursor, scope, _position)
        found, total = await self.database.read(partial(_read_page, wanted=wanted, query=query, after=after))
        page = found[: query.limit]
        is_last = len(found) == len(page)
        return Answer(
            content=RunList(
                items=tuple(map(self._resource, page)),
                next_cursor=None if is_last else write_cursor(scope, *_sort_key(page[-1])),
                total=total,
            )
        )

    @route(
        "GET",
        "/api/runs/summary",
        summary="Count runs by how they came out",
        answers={200: RunSummary},
        query=SummaryQuery,
    )
    async def get_run_summary(self, call: Call[SummaryQuery, None]) -> Answer:
        wanted = run_filter(call.query, self.engine.config)
        sums = await self.database.read(partial(runs.summary, wanted=wanted))
        return Answer(
            content=RunSummary(
                total=sums.total,
                success=sums.success,
                failed=sums.failed,
                missed=sums.missed,
                last_failure_at=sums.last_failure_at,
            )
        )

    @route("GET", "/api/runs/{id}", summary="Get a run", answers={200: RunResource}, problems=(404,))
    async def get_run(self, call: Call[None, None]) -> Answer:
        return Answer(content=self._resource(await self._find(call)))

    @route(
        "DELETE",
        "/api/runs/{id}",
        summary="Delete an ended run and its log; its waiting retry is dropped",
        answers={204: None},
        problems=(404, 409),
    )
    async def delete_run(self, call: Call[None, None]) -> Answer:
        run = await self._find(call)
        if run.status is not Status.ENDED:
            raise WrongState(f"run {run.id} is {run.status}: stop it first")
        if not await delete_ended(self.engine, self.deletion, [run]):
            raise _unknown(run.id)
        return Answer(content=None, status=204)

    @route(
        "POST",
        "/api/runs/{id}/stop",
        summary="Stop a run, or take it out of the queue",
        answers={200: RunResource, 202: RunResource},
        problems=(404, 409),
    )
    async def stop_run(self, call: Call[None, None]) -> Answer:
        run = await self._find(call)
        if run.status is Status.ENDED or not self.engine.stop_run(run.id):
            raise WrongState(f"run {run.id} has ended")
        # Through the writer: there it comes behind the end of a run that was queued.
        stopped: Run | None = await self.database.write(partial(_get, run_id=run.id))
        run = stopped or run
        return Answer(content=self._resource(run), status=200 if run.status is Status.ENDED else 202)

    async def _find(self, call: Call[None, None]) -> Run:
        run_id = RunId(call.path["id"])
        run = await self.database.read(partial(_get, run_id=run_id))
        if run is None:
            raise _unknown(run_id)
        return run

    def _resource(self, run: Run) -> RunResource:
        return run_resource(run, run.status is Status.RUNNING and self.engine.is_stopping(run.id))


async def delete_ended(engine: Engine, deletion: Deletion, ended: Sequence[Run]) -> frozenset[RunId]:
    """Delete ended runs, whose waiting retries are dropped; those that were still there."""
    for run in ended:
        if run.next_retry_at is not None:
            engine.drop_retry(run)
    if not ended:
        return frozenset()
    goners = [Goner(run.id, run.task_name, run.created_at) for run in ended]
    return (await deletion.delete(goners, with_retries=True)).run_ids


def _unknown(run_id: RunId) -> Problem:
    return not_found(f"There is no run {run_id}; it may have been deleted.")


def _get(cursor: Cursor, run_id: RunId) -> Run | None:
    return runs.get(cursor, run_id)


def _read_page(
    cursor: Cursor, wanted: RunFilter, query: RunsQuery, after: Position | None
) -> tuple[list[Run], int | None]:
    """One run more than the page has, to tell whether it is the last; and for the first page the total."""
    found = runs.page(cursor, wanted, query.limit + 1, after, oldest_first=query.order is Order.ASC)
    return found, runs.count(cursor, wanted, MOST_COUNTED) if after is None else None


def _sort_key(run: Run) -> tuple[str, str]:
    return format_time(run.created_at), run.id


def _position(created_at: str, run_id: str) -> Position:
    """The place of the run with this sort key.

    :raises ValueError: if ``created_at`` is no time
    """
    return Position(parse_time(created_at), RunId(str(run_id)))
