"""The engine: every task and service of the configuration, by name."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine.resources import Resources
from runwisp.engine.scheduler import Scheduler
from runwisp.engine.supervisor import Supervisor
from runwisp.engine.task import TaskKeeper
from runwisp.errors import Refused
from runwisp.model import Run, TriggeredBy, TriggerSource
from runwisp.policy.firing import Fate, Slot
from runwisp.policy.triggering import check_manual_trigger


class Engine:
    """Owns the keepers, the supervisors and the scheduler; everybody else asks it by name."""

    log = Logger()

    def __init__(self, resources: Resources, config: Config) -> None:
        self.config = config
        self.keepers = {name: TaskKeeper(resources, task) for name, task in config.tasks.items()}
        self.supervisors = {name: Supervisor(resources, service) for name, service in config.services.items()}
        self.scheduler = Scheduler(resources.clock, resources.wall, self._fire)
        self._resources = resources
        self._is_closing = False

    def start(self) -> None:
        """Arm the schedules and start the services, in name order."""
        for name in sorted(self.keepers):
            self.scheduler.add(self.keepers[name].task)
        self.scheduler.start()
        for name in sorted(self.supervisors):
            self.supervisors[name].start(TriggeredBy.SERVICE)

    def resume(self, pending: Iterable[Run], retries: Iterable[Run]) -> None:
        """Take up what an earlier daemon left in the database, oldest first (spec: runtime, pending rows)."""
        for run in pending:
            if (keeper := self.keepers.get(run.task_name)) is not None:
                keeper.resume(run)
        for run in retries:
            if (keeper := self.keepers.get(run.task_name)) is not None:
                keeper.resume_retry(run)

    def trigger(self, name: str, source: TriggerSource | None) -> Deferred[Run]:
        """Fire a task outside its schedule; the Deferred has the run once its row is committed.

        :raises UnknownUnit: no task or service has this name
        :raises Refused: services are not triggered, ``api_trigger`` is false, or the daemon is shutting down
        """
        if self._is_closing:
            raise Refused("the daemon is shutting down")
        check_manual_trigger(self.config, name)
        return self.keepers[name].fire(TriggeredBy.API, source)

    @property
    def is_idle(self) -> bool:
        """No run is active, queued or waiting for a retry or restart."""
        return all(keeper.is_idle for keeper in self.keepers.values()) and all(
            supervisor.is_idle for supervisor in self.supervisors.values()
        )

    @property
    def active_count(self) -> int:
        """The number of runs that have a process or are about to get one."""
        return sum(keeper.active_count for keeper in self.keepers.values()) + sum(
            supervisor.active_count for supervisor in self.supervisors.values()
        )

    def summary(self) -> str:
        """One line for people about what is configured and what runs."""
        return f"{len(self.keepers)} tasks, {len(self.supervisors)} services, {self.active_count} active runs"

    async def shut_down(self, timeout_s: float) -> None:
        """Stop everything within ``timeout_s`` seconds, then kill (spec: runtime, graceful shutdown)."""
        self._is_closing = True
        self.scheduler.stop()
        for supervisor in self.supervisors.values():
            supervisor.stop()
        for keeper in self.keepers.values():
            keeper.close()
        deadline = self._resources.clock.callLater(timeout_s, self.cut_short)
        try:
            await self._resources.background.when_idle()
        finally:
            if deadline.active():
                deadline.cancel()

    def cut_short(self) -> None:
        """Kill what is left of a shutdown, and write no row more than once."""
        self._resources.ledger.close()
        for supervisor in self.supervisors.values():
            supervisor.cut_short()
        for keeper in self.keepers.values():
            keeper.cut_short()

    def _fire(self, name: str, slot: Slot) -> None:
        keeper = self.keepers[name]
        if slot.fate is Fate.DST_SKIPPED:
            keeper.skip_repeated(slot.at)
        else:
            keeper.fire(TriggeredBy.CRON, tick=slot.at)
