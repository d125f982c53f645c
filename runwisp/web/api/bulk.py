"""Many runs at once: stop, delete and re-run (spec: rest, bulk).

However many runs are meant, the work goes in steps with the reactor's other work in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, define, frozen
from twisted.internet.defer import Deferred

from runwisp.engine.deletion import STEP_RUNS, Deletion
from runwisp.engine.engine import Engine
from runwisp.model import Run, RunId, Service, Status
from runwisp.store.interfaces import IDatabase
from runwisp.web.api.runs import delete_ended
from runwisp.web.api.selection import Selection, SelectionBody, Walk, matching_tasks, select
from runwisp.web.resources.run import BulkResult, SkippedRun, SkipReason, run_resource
from runwisp.web.routing import Answer, Call, route

#: With ``match_all`` so many are listed that were passed over.
MOST_SKIPPED = 1000
#: Runs stopped, and tasks fired, between two turns of the reactor.
_STEP_STOPS = 20
_STEP_TASKS = 25


@define
class _Tally:
    """What a call has done and passed over; with ``is_limited`` not all of the latter is listed."""

    is_limited: bool
    affected: int = 0
    skipped: list[SkippedRun] = Factory(list)

    @property
    def is_full(self) -> bool:
        return self.is_limited and len(self.skipped) >= MOST_SKIPPED

    def skip(self, run_id: RunId, reason: SkipReason) -> None:
        if not self.is_full:
            self.skipped.append(SkippedRun(run_id, reason))

    def skip_unknown(self, run_id: RunId) -> None:
        self.skip(run_id, SkipReason.UNKNOWN)

    def answer(self, created: Iterable[Run] = ()) -> Answer:
        return Answer(
            content=BulkResult(
                affected=self.affected,
                skipped=tuple(self.skipped),
                created=tuple(run_resource(run, stopping=False) for run in created),
            )
        )


@frozen
class BulkApi:
    engine: Engine
    database: IDatabase
    deletion: Deletion

    @route(
        "POST",
        "/api/runs/bulk/stop",
        summary="Stop the selected runs that are pending or running",
        answers={200: BulkResult},
        body=SelectionBody,
    )
    async def stop_runs(self, call: Call[None, SelectionBody]) -> Answer:
        selection, tally = self._begin(call)
        if selection.wanted is None:
            await self._stop(selection, tally)
            return tally.answer()
        stopped = await self._stop(selection.of_phase(is_ended=False), tally)
        async for found in Walk(self.database, selection.of_phase(is_ended=True), MOST_SKIPPED):
            for run in found:
                # One that waited in a queue has ended by our stop.
                if run.id not in stopped:
                    tally.skip(run.id, SkipReason.ENDED)
            if tally.is_full:
                break
        return tally.answer()

    @route(
        "POST",
        "/api/runs/bulk/delete",
        summary="Delete the selected runs that are ended, and their logs",
        answers={200: BulkResult},
        body=SelectionBody,
    )
    async def delete_runs(self, call: Call[None, SelectionBody]) -> Answer:
        selection, tally = self._begin(call)
        async for found in Walk(self.database, selection, STEP_RUNS, tally.skip_unknown):
            ended = [run for run in found if run.status is Status.ENDED]
            for run in found:
                if run.status is not Status.ENDED:
                    tally.skip(run.id, SkipReason.ACTIVE)
            gone = await delete_ended(self.engine, self.deletion, ended)
            tally.affected += len(gone)
            for run in ended:
                if run.id not in gone:
                    tally.skip_unknown(run.id)
        return tally.answer()

    @route(
        "POST",
        "/api/runs/bulk/rerun",
        summary="Fire each task of the selected runs once",
        answers={200: BulkResult},
        problems=(503,),
        body=SelectionBody,
    )
    async def rerun_runs(self, call: Call[None, SelectionBody]) -> Answer:
        selection, tally = self._begin(call)
        names = await self._tasks(selection, tally)
        blocked = dict[str, SkipReason]()
        created = list[Run]()
        for first in range(0, len(names), _STEP_TASKS):
            fired = list[Deferred[Run]]()
            for name in names[first : first + _STEP_TASKS]:
                reason = self._why_not_fired(name)
                if reason is None:
                    fired.append(self.engine.trigger(name, None))
                else:
                    blocked[name] = reason
            created += [await run for run in fired]
        if blocked:
            await self._skip_tasks(selection, blocked, tally)
        tally.affected = len(created)
        return tally.answer(created)

    def _begin(self, call: Call[None, SelectionBody]) -> tuple[Selection, _Tally]:
        return select(call.body, self.engine.config), _Tally(is_limited=call.body.match_all)

    async def _stop(self, selection: Selection, tally: _Tally) -> set[RunId]:
        """Stop what is pending or running; the runs that were."""
        stopped = set[RunId]()
        async for found in Walk(self.database, selection, _STEP_STOPS, tally.skip_unknown):
            for run in found:
                if run.status is not Status.ENDED and self.engine.stop_run(run.id):
                    stopped.add(run.id)
                else:
                    tally.skip(run.id, SkipReason.ENDED)
        tally.affected = len(stopped)
        return stopped

    async def _tasks(self, selection: Selection, tally: _Tally) -> list[str]:
        """The tasks and services of the selected runs, sorted."""
        if selection.wanted is not None:
            return await matching_tasks(self.database, selection)
        names = set[str]()
        async for found in Walk(self.database, selection, STEP_RUNS, tally.skip_unknown):
            names.update(run.task_name for run in found)
        return sorted(names)

    def _why_not_fired(self, name: str) -> SkipReason | None:
        unit = self.engine.config.unit(name)
        if unit is None:
            return SkipReason.REMOVED
        # A task that was a service until a reload has no keeper before its last replica has ended.
        if isinstance(unit, Service) or name not in self.engine.keepers:
            return SkipReason.SERVICE
        return None if unit.api_trigger else SkipReason.LOCKED

    async def _skip_tasks(
        self, selection: Selection, blocked: Mapping[str, SkipReason], tally: _Tally
    ) -> None:
        """Tell of the selected runs whose tasks cannot be fired."""
        theirs = selection if selection.wanted is None else selection.of_tasks(blocked)
        async for found in Walk(self.database, theirs, STEP_RUNS):
            for run in found:
                if run.task_name in blocked:
                    tally.skip(run.id, blocked[run.task_name])
            if tally.is_full:
                break
