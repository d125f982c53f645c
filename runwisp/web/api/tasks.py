"""``/api/tasks``: what is configured, how it is, and the verbs for it (spec: rest, tasks; runtime, verbs)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from runwisp.engine.engine import Engine
from runwisp.errors import RunWispError
from runwisp.model import Run, TriggerSource
from runwisp.policy.triggering import find_unit
from runwisp.store import runs
from runwisp.store.interfaces import IDatabase
from runwisp.web.params import flag, integer, word
from runwisp.web.resources.run import RunResource, run_resource
from runwisp.web.resources.task import NextRuns, TaskList, TaskResource
from runwisp.web.routing import Answer, Call, route
from runwisp.web.shown_tasks import ShownTasks
from runwisp.web.waiting import Waiting

_TASK = {200: TaskResource, 202: TaskResource}


@frozen(kw_only=True)
class NextRunsQuery:
    limit: int = integer(5, minimum=1, maximum=100)


@frozen(kw_only=True)
class WaitQuery:
    """Hold the answer until the effect is complete, or for so many seconds."""

    wait: bool = flag()
    wait_timeout: int = integer(120, minimum=1, maximum=240)


@frozen(kw_only=True)
class FiringQuery(WaitQuery):
    via: TriggerSource | None = word((TriggerSource.UI, TriggerSource.CLI))


@frozen(kw_only=True)
class TriggerBody:
    """Nothing can be said about a firing yet."""


@frozen
class TasksApi:
    engine: Engine
    database: IDatabase
    shown: ShownTasks
    waiting: Waiting

    log = Logger()

    @route("GET", "/api/tasks", summary="List all tasks and services by name", answers={200: TaskList})
    async def list_tasks(self, call: Call[None, None]) -> Answer:
        items = await self.shown.all()
        return Answer(content=TaskList(items=items, total=len(items)))

    @route(
        "GET",
        "/api/tasks/{name}",
        summary="Show a task or service",
        answers={200: TaskResource},
        problems=(404,),
    )
    async def get_task(self, call: Call[None, None]) -> Answer:
        return Answer(content=await self.shown.one(call.path["name"]))

    @route(
        "GET",
        "/api/tasks/{name}/next-runs",
        summary="List the coming slots of a schedule",
        answers={200: NextRuns},
        problems=(404,),
        query=NextRunsQuery,
    )
    async def list_next_runs(self, call: Call[NextRunsQuery, None]) -> Answer:
        name = call.path["name"]
        find_unit(self.engine.config, name)
        # Slots of a rare schedule are far apart, and finding them takes its time.
        coming = islice(self.engine.scheduler.coming(name), call.query.limit)
        return Answer(content=NextRuns(items=await self.engine.resources.in_thread(tuple, coming)))

    @route(
        "POST",
        "/api/tasks/{name}/trigger",
        summary="Fire a task, or start one replica of a service",
        answers={201: RunResource},
        problems=(403, 404, 409, 503),
        query=FiringQuery,
        body=TriggerBody,
        is_body_optional=True,
    )
    async def trigger_task(self, call: Call[FiringQuery, TriggerBody | None]) -> Answer:
        run = await self.engine.trigger(call.path["name"], call.query.via)
        if call.query.wait:
            run = await self._followed(run, call.query.wait_timeout)
        stopping = self.engine.is_stopping(run.id)
        return Answer(
            content=run_resource(run, stopping), status=201, headers={"Location": f"/api/runs/{run.id}"}
        )

    @route(
        "POST",
        "/api/tasks/{name}/start",
        summary="Fire a task that is idle, or fill the empty slots of a service",
        answers=_TASK,
        problems=(403, 404, 409, 503),
        query=FiringQuery,
    )
    async def start_task(self, call: Call[FiringQuery, None]) -> Answer:
        name, query = call.path["name"], call.query
        supervisor = self.engine.supervisors.get(name)
        was_up = supervisor is not None and supervisor.is_all_up
        run = await self.engine.start(name, query.via)
        has_nothing_to_do = was_up if supervisor is not None else run is None
        return await self._answer(name, has_nothing_to_do, query, lambda: self._is_started(name, run))

    @route(
        "POST",
        "/api/tasks/{name}/stop",
        summary="Stop all runs of a task, or keep a service down",
        answers=_TASK,
        problems=(404, 409, 503),
        query=WaitQuery,
    )
    async def stop_task(self, call: Call[WaitQuery, None]) -> Answer:
        name = call.path["name"]
        is_still = self.engine.active_runs(name) == 0
        self.engine.stop(name)
        return await self._answer(name, is_still, call.query, lambda: self._is_stopped(name))

    @route(
        "POST",
        "/api/tasks/{name}/restart",
        summary="Stop a task and fire it once it is idle, or replace the processes of a service",
        answers=_TASK,
        problems=(403, 404, 409, 503),
        query=FiringQuery,
    )
    async def restart_task(self, call: Call[FiringQuery, None]) -> Answer:
        name, query = call.path["name"], call.query
        self.engine.check_trigger(name)
        restarted: Deferred[Run | None] = Deferred()
        # It goes on when the client has left.
        self.engine.resources.background.start("restart", self._restart(name, query.via, restarted))
        return await self._answer(name, False, query, lambda: self._is_restarted(name, restarted))

    @route(
        "POST",
        "/api/tasks/{name}/pause",
        summary="Let a schedule rest",
        answers={200: TaskResource},
        problems=(404, 409, 503),
    )
    async def pause_task(self, call: Call[None, None]) -> Answer:
        self.engine.pause(call.path["name"])
        return await self._done(call.path["name"])

    @route(
        "POST",
        "/api/tasks/{name}/resume",
        summary="Let a schedule go on",
        answers={200: TaskResource},
        problems=(404, 409, 503),
    )
    async def resume_task(self, call: Call[None, None]) -> Answer:
        self.engine.resume(call.path["name"])
        return await self._done(call.path["name"])

    # What is waited for

    async def _followed(self, run: Run, limit_s: float) -> Run:
        """The run as it has ended or, when time is over, as it stands."""
        ended = await self.waiting.within(limit_s, self.waiting.end_of(run))
        if ended is not None:
            return ended
        return await self.database.read(lambda cursor: runs.get(cursor, run.id)) or run

    async def _is_started(self, name: str, run: Run | None) -> bool:
        """True when the run has ended or, of a service, when all replicas run or nothing starts them."""
        if run is not None:
            await self.waiting.end_of(run)
        else:
            await self.waiting.until(lambda: self._is_settled(name))
        return True

    async def _is_stopped(self, name: str) -> bool:
        """True when nothing is active."""
        await self.waiting.until(lambda: self.engine.active_runs(name) == 0)
        return True

    async def _is_restarted(self, name: str, restarted: Deferred[Run | None]) -> bool:
        """As after a start; a restart that was called off is over."""
        return await self._is_started(name, await restarted)

    def _is_settled(self, name: str) -> bool:
        supervisor = self.engine.supervisors.get(name)
        return supervisor is None or supervisor.is_settled

    async def _restart(self, name: str, source: TriggerSource | None, done: Deferred[Run | None]) -> None:
        run = None
        try:
            run = await self.engine.restart(name, source)
        except RunWispError as error:
            self.log.info("restart given up: {error}", error=error, task=name)
        done.callback(run)

    # Answers

    async def _answer(
        self,
        name: str,
        is_over: bool,
        query: WaitQuery,
        effect: Callable[[], Coroutine[Deferred[Any], Any, bool]],
    ) -> Answer:
        """The unit, with 200 if all has happened, now or in the time that the client waits, else with 202."""
        if query.wait and not is_over:
            is_over = bool(await self.waiting.within(query.wait_timeout, effect()))
        answer = await self._done(name)
        return answer if is_over else evolve(answer, status=202)

    async def _done(self, name: str) -> Answer:
        """The unit, with what was asked for until now."""
        await self.engine.resources.ledger.so_far().when()
        return Answer(content=await self.shown.one(name))
