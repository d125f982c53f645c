"""Applies a new configuration to a running engine (spec: runtime, reload)."""

from __future__ import annotations

from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine.engine import Engine
from runwisp.engine.supervisor import Supervisor
from runwisp.engine.task import TaskKeeper
from runwisp.events import TasksChanged
from runwisp.model import ReplicaState, Service, Task, TriggeredBy
from runwisp.policy.reload import ReloadPlan, moves_schedule, only_scales
from runwisp.policy.triggering import why_not_pausable
from runwisp.units import now_ms


class Reloading:
    """One application of ``plan``, which says what ``new`` changes; it happens within one turn."""

    log = Logger()

    def __init__(self, engine: Engine, new: Config, plan: ReloadPlan) -> None:
        self._engine = engine
        self._new = new
        self._plan = plan
        self._now = now_ms(engine.resources.wall)
        self._warnings = [str(warning) for warning in new.warnings]

    def apply(self) -> TasksChanged:
        """Make the engine follow the new configuration; running processes of unchanged units go on.

        :return: what the bus is told too, if anything has changed
        """
        # What happened until now happened under the old configuration.
        self._engine.scheduler.wake()
        self._engine.config = self._new
        self._engine.config_loaded_at = self._now
        for name in self._plan.removed:
            self._remove(name)
        for name, keys in self._plan.changed.items():
            self._change(name, keys)
        for name in self._plan.added:
            self._add(name)
        changes = TasksChanged(
            added=self._plan.added,
            removed=self._plan.removed,
            changed=self._plan.changed,
            settings=self._plan.settings,
            warnings=tuple(self._warnings),
        )
        if not self._plan.is_empty:
            self._engine.resources.ledger.tell(changes)
        return changes

    def _add(self, name: str) -> None:
        unit = self._unit(name)
        if isinstance(unit, Service):
            self._add_service(unit)
        else:
            self._add_missing_task(name)

    def _add_missing_task(self, name: str) -> None:
        """Add the task, if it is wanted and not there yet, as soon as no replica of this name is left.

        The same program must not run twice.
        """
        engine = self._engine
        task = engine.config.tasks.get(name)
        is_there = name in engine.keepers or any(
            isinstance(owner, Supervisor) and owner.name == name for owner in engine.retired
        )
        if task is None or is_there or engine.is_closing:
            return
        engine.keepers[name] = TaskKeeper(engine.resources, task)
        engine.resources.ledger.register([name], now_ms(engine.resources.wall))
        engine.scheduler.add(task)

    def _add_service(self, service: Service) -> None:
        supervisor = self._engine.supervisors[service.name] = Supervisor(self._engine.resources, service)
        if service.autostart:
            supervisor.start(TriggeredBy.SERVICE)

    def _remove(self, name: str) -> None:
        """Take a unit out; what still runs of it is kept until it has ended."""
        engine = self._engine
        owner: TaskKeeper | Supervisor
        if name in engine.keepers:
            owner = engine.keepers.pop(name)
            engine.scheduler.remove(name)
            engine.paused.pop(name, None)
            engine.resources.ledger.forget(name)
        elif name in engine.supervisors:
            owner = engine.supervisors.pop(name)
        else:
            # A task that was to be added when the replicas of this name are gone.
            return
        owner.retire()
        engine.retired.append(owner)
        owner.when_idle().addCallback(lambda _: self._is_gone(name, owner))

    def _is_gone(self, name: str, owner: TaskKeeper | Supervisor) -> None:
        self._engine.retired.remove(owner)
        self._add_missing_task(name)

    def _change(self, name: str, keys: tuple[str, ...]) -> None:
        unit = self._unit(name)
        if keys == ("kind",):
            self._remove(name)
            self._add(name)
        elif isinstance(unit, Task):
            self._change_task(unit, keys)
        else:
            self._change_service(unit, keys)

    def _change_service(self, service: Service, keys: tuple[str, ...]) -> None:
        supervisor = self._engine.supervisors[service.name]
        if only_scales(keys):
            supervisor.resize(service)
        else:
            supervisor.replace(service)
        given_up = [r.replica_index for r in supervisor.report().replicas if r.state is ReplicaState.FATAL]
        if given_up and service.autostart:
            self.log.warn("replicas stay fatal over the reload", task=service.name, replicas=given_up)
            indices = ", ".join(map(str, given_up))
            self._warnings.append(f"{service.name} stays fatal over the reload (replicas {indices})")

    def _change_task(self, task: Task, keys: tuple[str, ...]) -> None:
        engine = self._engine
        if task.name not in engine.keepers:
            return
        engine.keepers[task.name].change(task)
        if task.name in engine.paused:
            reason = why_not_pausable(task)
            if reason is None:
                return
            self.log.warn("pause lifted", task=task.name, why=reason)
            self._warnings.append(f"the pause of {task.name} is lifted: {reason}")
            del engine.paused[task.name]
            engine.resources.ledger.resume(task.name, self._now)
            engine.scheduler.add(task)
        if moves_schedule(keys):
            engine.scheduler.remove(task.name)
            engine.scheduler.add(task)
            engine.resources.ledger.move_mark(task.name, self._now)

    def _unit(self, name: str) -> Task | Service:
        unit = self._new.unit(name)
        assert unit is not None
        return unit
