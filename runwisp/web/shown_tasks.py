"""Tasks and services with their present state, as the API shows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred

from runwisp.engine.engine import Engine
from runwisp.model import Run, RunId
from runwisp.policy.triggering import find_unit
from runwisp.store.interfaces import IDatabase
from runwisp.store.latest import latest
from runwisp.web.resources.run import run_resource
from runwisp.web.resources.task import TaskResource, UnitState, task_resource


@frozen
class ShownTasks:
    """The last runs come from the database, in one statement for any number of units; the rest is known."""

    engine: Engine
    database: IDatabase

    async def one(self, name: str) -> TaskResource:
        """The task or service ``name``.

        :raises UnknownUnit: there is none
        """
        find_unit(self.engine.config, name)
        last_runs = await self._last_runs([name])
        return self._shown(name, last_runs.get(name), self.engine.waiting_for().keys())

    async def all(self) -> tuple[TaskResource, ...]:
        """Every task and service, by name."""
        last_runs = await self._last_runs(self._names())
        stopping = self.engine.waiting_for().keys()
        # A reload may have come meanwhile.
        return tuple(self._shown(name, last_runs.get(name), stopping) for name in self._names())

    def _names(self) -> list[str]:
        return sorted([*self.engine.config.tasks, *self.engine.config.services])

    def _last_runs(self, names: Sequence[str]) -> Deferred[dict[str, Run]]:
        return self.database.read(lambda cursor: latest(cursor, names))

    def _shown(self, name: str, last_run: Run | None, stopping: Collection[RunId]) -> TaskResource:
        engine = self.engine
        supervisor = engine.supervisors.get(name)
        state = UnitState(
            next_run_at=engine.scheduler.next_run(name),
            active_runs=engine.active_runs(name),
            queued_runs=engine.queued_runs(name),
            last_run=None if last_run is None else run_resource(last_run, last_run.id in stopping),
            service=None if supervisor is None else supervisor.report(),
            paused_at=engine.paused.get(name),
        )
        return task_resource(find_unit(engine.config, name), state)
