"""Keeps the replicas of one service alive, each on its own (spec: runtime, services; concurrency)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from runwisp.engine.births import never_ran, new_run
from runwisp.engine.happening import Happening
from runwisp.engine.ladder import Phase as StopPhase
from runwisp.engine.line import Line
from runwisp.engine.replica import Replica
from runwisp.engine.resources import Resources
from runwisp.events import ServiceUpdated
from runwisp.model import (
    EndReason,
    Overlap,
    Run,
    RunId,
    Service,
    ServiceReport,
    ServiceState,
    TriggeredBy,
    TriggerSource,
)
from runwisp.policy.overlap import SERVICE_MAX_QUEUED, Active, Refuse, Start, Wait, decide
from runwisp.policy.service_state import report_on

_REFUSALS = {
    EndReason.SKIPPED: "every replica was up",
    EndReason.QUEUE_FULL: "the queue was full",
}


class Wish(Enum):
    """What was last said about the service as a whole; it lives in memory only."""

    UNTOLD = "untold"
    UP = "up"
    DOWN = "down"


class Supervisor:
    """The replicas 0 to ``instances`` - 1 of one service, and the runs that wait for one of their slots."""

    log = Logger()

    def __init__(self, resources: Resources, service: Service) -> None:
        self.service = service
        self.wish = Wish.UNTOLD
        self._resources = resources
        # Slots from ``instances`` on are left over from a reload; their processes may still be being stopped.
        self._slots: list[Replica] = []
        self._waiting = Line()
        self._is_held = False
        self._idle = Happening()
        self._is_retired = False
        self._is_telling = False
        self._make_slots(service.instances)
        self._told = self.report()

    # What it is like

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def replicas(self) -> list[Replica]:
        """The slots there should be, by index."""
        return self._slots[: self.service.instances]

    @property
    def is_idle(self) -> bool:
        """No replica has a process or is going to get one."""
        return not self._waiting and all(replica.is_at_rest for replica in self._slots)

    @property
    def active_count(self) -> int:
        """How many runs have a process or are about to get one."""
        return sum(replica.is_live for replica in self._slots)

    @property
    def queued_count(self) -> int:
        """How many runs wait for a slot."""
        return len(self._waiting)

    @property
    def is_healthy(self) -> bool:
        """At least one replica is healthy."""
        return any(replica.is_healthy for replica in self.replicas)

    @property
    def is_all_up(self) -> bool:
        """Every slot has a process that is to stay."""
        return all(replica.is_up for replica in self.replicas)

    @property
    def is_settled(self) -> bool:
        """No slot is about to get, to lose or to change its process."""
        return all(replica.is_up or replica.is_at_rest for replica in self.replicas)

    @property
    def state(self) -> ServiceState:
        return self.report().state

    def report(self) -> ServiceReport:
        """The service and every slot of it."""
        return report_on([replica.report() for replica in self.replicas])

    def is_stopping(self, run_id: RunId) -> bool:
        """A stop of this active run was asked for."""
        replica = self._slot_of(run_id)
        return replica is not None and replica.execution is not None and replica.execution.is_stopping

    def waiting_for(self) -> Mapping[RunId, StopPhase]:
        """The runs whose stop is in progress, and how far each has come."""
        return {
            execution.run.id: execution.stop_phase
            for replica in self._slots
            if (execution := replica.execution) is not None and execution.is_stopping
        }

    def when_idle(self) -> Deferred[None]:
        """Fires when the service is idle, at once if it is."""
        idle = self._idle.when()
        self._tell_if_idle()
        return idle

    # Orders

    def start(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        """Fill every empty slot, lowest index first; neither an earlier stop nor FATAL counts any more."""
        self.wish = Wish.UP
        for replica in self.replicas:
            replica.start(triggered_by, source)

    def stop(self) -> None:
        """An operator's stop: empty every slot, keep it empty, and end the runs that wait for one."""
        self._put_down(EndReason.STOPPED, "stopped while it waited")

    def restart(self, source: TriggerSource | None = None) -> None:
        """Give every slot a new process without delay; a stopped service starts."""
        self.wish = Wish.UP
        for replica in self.replicas:
            replica.restart(TriggeredBy.API, source)

    def trigger(self, source: TriggerSource | None = None) -> Deferred[Run]:
        """Run once more, in the lowest free slot; if there is none ``on_overlap`` decides.

        :return: the run, as soon as its row is committed: running, pending, or ended if it was refused
        """
        run = new_run(self._resources, self.service, TriggeredBy.API, source)
        decision = self._decide()
        if isinstance(decision, Start):
            free = next(replica for replica in self.replicas if not replica.is_live)
            return free.take(run, is_recorded=False)
        if isinstance(decision, Refuse):
            run = self._refused(run, decision.reason, _REFUSALS[decision.reason])
        committed = self._resources.ledger.record(run)
        if isinstance(decision, Wait):
            self._wait(run, decision)
        return committed.when().addCallback(lambda _: run)

    def stop_run(self, run_id: RunId) -> bool:
        """Stop one run, active or queued; False if it is neither. A slot that is wanted is filled again."""
        replica = self._slot_of(run_id)
        if replica is not None:
            replica.end_run()
            return True
        waiting = self._waiting.remove(run_id)
        if waiting is None:
            return False
        self._end_waiting(waiting, EndReason.STOPPED, "stopped while it waited")
        return True

    # Reload (spec: runtime, reload)

    def resize(self, service: Service) -> None:
        """``service`` is another one in ``instances`` alone: fill the new slots, or stop the surplus."""
        before, self.service = self.service.instances, service
        self._make_slots(service.instances)
        for replica in self._slots:
            replica.service = service
        for surplus in reversed(self._slots[service.instances :]):
            surplus.stop()
        for replica in self.replicas[before:]:
            self._fill(replica)
        self._tell_if_idle()
        self.changed()

    def replace(self, service: Service) -> None:
        """``service`` is a new definition: what runs, or waits to, is stopped and begins again with it."""
        if service.on_overlap is not self.service.on_overlap and service.on_overlap is not Overlap.QUEUE:
            self._drop_waiting(EndReason.SKIPPED, "the service no longer queues")
        kept = self.replicas[: service.instances]
        self.resize(service)
        for replica in kept:
            replica.replace()

    def retire(self) -> None:
        """The service has left the configuration."""
        self._is_retired = True
        self._put_down(EndReason.SKIPPED, "the service is no longer configured")

    # Shutdown

    def hold(self) -> None:
        """Start nothing any more; what runs may go on, and what waits stays in the database as it is."""
        self._is_held = True
        self._waiting.clear()
        for replica in self._slots:
            replica.hold()
        self._tell_if_idle()

    def close(self) -> None:
        """The daemon shuts down: stop what runs."""
        self.hold()
        for replica in self._slots:
            replica.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        self.hold()
        for replica in self._slots:
            replica.cut_short()

    # What replicas ask and tell

    def claim(self, replica: Replica) -> Run | None:
        is_surplus = replica.index >= self.service.instances
        return None if self._is_held or is_surplus or not self._waiting else self._waiting.pop()

    def came_to_rest(self) -> None:
        self._tell_if_idle()

    def changed(self) -> None:
        """Something about a slot has changed, or will have by the end of this turn."""
        if not self._is_telling:
            self._is_telling = True
            self._resources.clock.callLater(0, self._tell)

    def _tell(self) -> None:
        """Tell the bus how the service is, if it is otherwise than was told before."""
        self._is_telling = False
        report = self.report()
        if report != self._told and not self._is_retired:
            self._told = report
            self._resources.ledger.tell(ServiceUpdated(self.name, report))

    # Slots

    def _make_slots(self, instances: int) -> None:
        for index in range(len(self._slots), instances):
            self._slots.append(Replica(self._resources, self.service, index, self))

    def _fill(self, replica: Replica) -> None:
        """Fill a slot that a reload has added; one whose old process is still being stopped follows it."""
        if self._waiting and not replica.is_live:
            replica.take(self._waiting.pop(), is_recorded=True)
        elif self.wish is Wish.UP:
            replica.start(TriggeredBy.SERVICE)

    def _slot_of(self, run_id: RunId) -> Replica | None:
        for replica in self._slots:
            if replica.execution is not None and replica.execution.run.id == run_id:
                return replica
        return None

    def _put_down(self, reason: EndReason, message: str) -> None:
        self.wish = Wish.DOWN
        self._drop_waiting(reason, message)
        for replica in self._slots:
            replica.stop()
        self._tell_if_idle()

    def _tell_if_idle(self) -> None:
        if self.is_idle:
            idle, self._idle = self._idle, Happening()
            idle.happen()

    # Runs that wait

    def _decide(self) -> Start | Wait | Refuse:
        live = sorted(
            (replica.filled_s, execution.run.id, execution.is_stopping)
            for replica in self.replicas
            if (execution := replica.execution) is not None
        )
        return decide(
            on_overlap=self.service.on_overlap,
            parallelism=self.service.instances,
            max_queued=SERVICE_MAX_QUEUED,
            active=[Active(run_id, is_stopping) for _, run_id, is_stopping in live],
            waiting=len(self._waiting),
            counted=self._waiting.counted,
        )

    def _wait(self, run: Run, decision: Wait) -> None:
        if decision.drop_oldest:
            self._end_waiting(self._waiting.pop(), EndReason.STOPPED, "a newer run took its place")
        self._waiting.append(run, is_counted=True)
        if decision.victim is not None:
            self.stop_run(decision.victim)

    def _drop_waiting(self, reason: EndReason, message: str) -> None:
        while self._waiting:
            self._end_waiting(self._waiting.pop(), reason, message)

    def _end_waiting(self, run: Run, reason: EndReason, message: str) -> None:
        self._resources.ledger.end(self._refused(run, reason, message))

    def _refused(self, run: Run, reason: EndReason, message: str) -> Run:
        self.log.info("run not started", task=run.task_name, run=run.id, reason=reason, why=message)
        return never_ran(self._resources, self.service, run, reason, message)
