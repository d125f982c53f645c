"""The engine: every task and service of the configuration, by name, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from zope.interface import implementer

from runwisp.config.settings import Config
from runwisp.engine.catch_up import CatchingUp
from runwisp.engine.ladder import Phase as StopPhase
from runwisp.engine.resources import Resources
from runwisp.engine.scheduler import Gap, ISlotTaker, Scheduler
from runwisp.engine.start_order import StartOrder
from runwisp.engine.supervisor import Supervisor
from runwisp.engine.task import TaskKeeper
from runwisp.errors import ShuttingDown, WrongState
from runwisp.model import Run, RunId, TriggeredBy, TriggerSource, UnixMs
from runwisp.policy.firing import Fate, Slot
from runwisp.policy.triggering import check_manual_trigger, check_pause, find_unit
from runwisp.units import now_ms


@implementer(ISlotTaker)
class Engine:
    """Owns the keepers, the supervisors and the scheduler; everybody else asks it.

    Units that a reload has removed are ``retired`` until nothing of them runs any more.
    """

    log = Logger()

    def __init__(self, resources: Resources, config: Config) -> None:
        self.config = config
        self.config_loaded_at = now_ms(resources.wall)
        self.resources = resources
        self.keepers = {name: TaskKeeper(resources, task) for name, task in config.tasks.items()}
        self.supervisors = {name: Supervisor(resources, service) for name, service in config.services.items()}
        self.retired: list[TaskKeeper | Supervisor] = []
        #: Since when the schedules of these tasks rest.
        self.paused: dict[str, UnixMs] = {}
        # By task: the wait of a restart for the end of what it has stopped.
        self._restarts: dict[str, Deferred[None]] = {}
        self.scheduler = Scheduler(resources.clock, resources.wall, self)
        self.catching_up = CatchingUp(resources, self.keepers)
        self.start_order = StartOrder(resources.clock, self.supervisors)
        self.is_closing = False

    # What it is like

    @property
    def is_idle(self) -> bool:
        """No run is active, queued or waiting for a retry or restart."""
        return all(owner.is_idle for owner in self._owners())

    @property
    def active_count(self) -> int:
        """The number of runs that have a process or are about to get one."""
        return sum(owner.active_count for owner in self._owners())

    @property
    def queued_count(self) -> int:
        """The number of runs that wait for a slot."""
        return sum(owner.queued_count for owner in self._owners())

    def active_runs(self, name: str) -> int:
        """:attr:`active_count` of one unit, with what is left from before a reload."""
        return sum(owner.active_count for owner in self._called(name))

    def queued_runs(self, name: str) -> int:
        """:attr:`queued_count` of one unit."""
        return sum(owner.queued_count for owner in self._called(name))

    def waiting_for(self) -> dict[RunId, StopPhase]:
        """Every run whose stop is in progress, and how far it has come."""
        return {run: phase for owner in self._owners() for run, phase in owner.waiting_for().items()}

    def is_stopping(self, run_id: RunId) -> bool:
        """A stop of the run was asked for, and its process has not ended yet."""
        return any(owner.is_stopping(run_id) for owner in self._owners())

    def summary(self) -> str:
        """One line for people about what is configured and what runs."""
        return f"{len(self.keepers)} tasks, {len(self.supervisors)} services, {self.active_count} active runs"

    # Orders by name (spec: runtime, verbs)

    def check_trigger(self, name: str) -> None:
        """Whether a unit may be fired by hand now.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: ``api_trigger`` is false, or the daemon is shutting down
        """
        check_manual_trigger(self.config, name)
        self._check_order(name)

    def trigger(self, name: str, source: TriggerSource | None) -> Deferred[Run]:
        """Fire a unit by hand; the Deferred has the run once its row is committed.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: as for :meth:`check_trigger`
        """
        self.check_trigger(name)
        if name in self.supervisors:
            return self.supervisors[name].trigger(source)
        return self.keepers[name].fire(TriggeredBy.API, source)

    async def start(self, name: str, source: TriggerSource | None) -> Run | None:
        """A task: a run, unless one is active or queued, and then None. A service: fill its empty slots.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: as for :meth:`check_trigger`
        """
        self.check_trigger(name)
        if name in self.supervisors:
            self.supervisors[name].start(TriggeredBy.API, source)
            return None
        keeper = self.keepers[name]
        return await keeper.fire(TriggeredBy.API, source) if keeper.has_room else None

    def stop(self, name: str) -> None:
        """Stop all runs of a unit, queued ones and waiting retries too; schedules stay.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: it is a task, but was a service whose replicas are still being stopped; or the daemon
            is shutting down
        """
        self._check_order(name)
        for owner in self._called(name):
            owner.stop()
        if name in self._restarts:
            self._restarts[name].cancel()

    async def restart(self, name: str, source: TriggerSource | None) -> Run | None:
        """A task: stop it and, when it is idle, fire it. A service: replace every process at once.

        :return: the run of a task, or None if a stop or another restart came before it
        :raises UnknownUnit: no task or service has this name
        :raises Refused: as for :meth:`check_trigger`
        """
        self.check_trigger(name)
        if name in self.supervisors:
            self.supervisors[name].restart(source)
            return None
        self.stop(name)
        idle = self._restarts[name] = self.keepers[name].when_idle()
        try:
            await idle
        except CancelledError:
            return None
        finally:
            del self._restarts[name]
        # A reload may have given the name to somebody else.
        return await self.trigger(name, source)

    def stop_run(self, run_id: RunId) -> bool:
        """Stop one run; False if it is neither active nor queued."""
        return any(owner.stop_run(run_id) for owner in self._owners())

    def drop_retry(self, run: Run) -> bool:
        """Let the waiting retry of an ended run never happen; False if none waits."""
        keeper = self.keepers.get(run.task_name)
        return keeper is not None and keeper.drop_retry(run.id)

    def pause(self, name: str) -> None:
        """Let the schedule of a task rest; what it misses is not made up for.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: it has no schedule, or is fired by its schedule alone; or the daemon is shutting down
        """
        check_pause(self.config, name)
        self._check_order(name)
        if name not in self.paused:
            now = self.paused[name] = now_ms(self.resources.wall)
            self.scheduler.remove(name)
            self.resources.ledger.pause(name, now)
            self.log.info("schedule paused", task=name)

    def resume(self, name: str) -> None:
        """Let the schedule of a task go on from now; one that is not paused goes on anyway.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: as for :meth:`stop`
        """
        self._check_order(name)
        if name in self.paused:
            del self.paused[name]
            self.resources.ledger.resume(name, now_ms(self.resources.wall))
            self.scheduler.add(self.keepers[name].task)
            self.log.info("schedule resumed", task=name)

    # Slots

    def fire(self, name: str, slot: Slot) -> None:
        keeper = self.keepers[name]
        if slot.fate is Fate.DST_SKIPPED:
            keeper.skip_repeated(slot.at)
        else:
            keeper.fire(TriggeredBy.CRON, tick=slot.at)

    async def _catch_up(self, gaps: Sequence[Gap], now: UnixMs) -> None:
        plans = await self.catching_up.plan(gaps, now)
        # A task that was paused or registered anew meanwhile owes nothing any more.
        owing = {gap.entry.name for gap in gaps if self.scheduler.follows(gap.entry)}
        self.catching_up.carry_out({name: plan for name, plan in plans.items() if name in owing})

    def catch_up(self, gaps: Sequence[Gap], now: UnixMs) -> Deferred[None]:
        return Deferred.fromCoroutine(self._catch_up(gaps, now))

    def start_anew(self, names: Sequence[str], now: UnixMs) -> None:
        for name in names:
            self.resources.ledger.move_mark(name, now)

    # The end

    async def shut_down(self, timeout_s: float) -> None:
        """Stop everything within ``timeout_s`` seconds, then kill (spec: runtime, graceful shutdown)."""
        self.is_closing = True
        self.scheduler.stop()
        self.resources.syncer.hurry()
        deadline = self.resources.clock.callLater(timeout_s, self.cut_short)
        try:
            for owner in self._owners():
                owner.hold()
            for wave in self.start_order.stop_waves():
                for supervisor in wave:
                    supervisor.close()
                for supervisor in wave:
                    await supervisor.when_idle()
            for owner in self._owners():
                owner.close()
            await self.resources.background.when_idle()
            await self.resources.ledger.when_written()
        finally:
            if deadline.active():
                deadline.cancel()

    def cut_short(self) -> None:
        """Kill what is left of a shutdown, and write no row more than once."""
        for run_id, phase in self.waiting_for().items():
            self.log.warn("time is over, killing", run=run_id, stop=phase.value)
        for owner in self._owners():
            owner.cut_short()
        # Only now: the loss of its first row must not start a process.
        self.resources.ledger.close()

    def _owners(self) -> Iterator[TaskKeeper | Supervisor]:
        yield from self.keepers.values()
        yield from self.supervisors.values()
        yield from self.retired

    def _called(self, name: str) -> Iterator[TaskKeeper | Supervisor]:
        """Who has this name, and whoever had it before a reload and still runs."""
        owner = self.keepers.get(name) or self.supervisors.get(name)
        if owner is not None:
            yield owner
        yield from (owner for owner in self.retired if owner.name == name)

    def _check_order(self, name: str) -> None:
        find_unit(self.config, name)
        if self.is_closing:
            raise ShuttingDown("the daemon is shutting down")
        if name not in self.keepers and name not in self.supervisors:
            raise WrongState(f"the replicas of {name}, a service until a reload, are still being stopped")
