"""The keeper of one task: single owner of the life of its runs (spec: runtime, concurrency, retries)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from runwisp.engine.births import begun, never_ran, new_run
from runwisp.engine.execution import Execution
from runwisp.engine.happening import Happening
from runwisp.engine.ladder import Phase as StopPhase
from runwisp.engine.line import Line
from runwisp.engine.resources import Resources
from runwisp.model import EndReason, Overlap, Run, RunId, Task, TriggeredBy, TriggerSource, UnixMs
from runwisp.policy.backoff import retry_delay
from runwisp.policy.catch_up import CatchUpPlan
from runwisp.policy.failures import may_retry
from runwisp.policy.overlap import Active, Refuse, Start, Wait, decide, next_start
from runwisp.policy.reload import leaves_queue
from runwisp.policy.wording import describe_gap
from runwisp.units import now_ms

_REFUSALS = {
    EndReason.SKIPPED: "a previous run was still in flight",
    EndReason.QUEUE_FULL: "the queue was full",
    EndReason.DST_SKIPPED: "second copy of a repeated wall-clock time",
}


class TaskKeeper:
    """Admits the firings of one task, queues them, runs them and retries what failed."""

    log = Logger()

    def __init__(self, resources: Resources, task: Task) -> None:
        self.task = task
        self._resources = resources
        self._active: dict[RunId, Execution] = {}
        self._waiting = Line()
        self._retries: dict[RunId, tuple[Run, IDelayedCall]] = {}
        self._is_closed = False
        self._is_retired = False
        self._idle = Happening()

    # What it is like

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def active_count(self) -> int:
        return len(self._active)

    @property
    def queued_count(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Nothing is active, queued or waiting for its retry."""
        return not (self._active or self._waiting or self._retries)

    @property
    def has_room(self) -> bool:
        """Nothing is active or queued."""
        return not (self._active or self._waiting)

    def is_stopping(self, run_id: RunId) -> bool:
        """A stop of this active run was asked for."""
        execution = self._active.get(run_id)
        return execution is not None and execution.is_stopping

    def waiting_for(self) -> Mapping[RunId, StopPhase]:
        """The runs whose stop is in progress, and how far each has come."""
        return {
            run_id: execution.stop_phase
            for run_id, execution in self._active.items()
            if execution.is_stopping
        }

    def when_idle(self) -> Deferred[None]:
        """Fires when no run is active any more."""
        if not self._active:
            self._idle.happen()
        elif self._idle.has_happened:
            self._idle = Happening()
        return self._idle.when()

    # Firings

    def fire(
        self,
        triggered_by: TriggeredBy,
        source: TriggerSource | None = None,
        tick: UnixMs | None = None,
        boot_id: str | None = None,
    ) -> Deferred[Run]:
        """A firing: its fate is decided now; the Deferred has the run as soon as its row is committed.

        :param tick: the schedule slot that fires, if it is one
        :param boot_id: the boot of the machine, for a run that is to happen once in each
        """
        run = self._new_run(triggered_by, source)
        return self._admit(run, tick=tick, boot_id=boot_id)

    def skip_repeated(self, tick: UnixMs) -> Deferred[Run]:
        """Record the second copy of a repeated slot, which does not run (spec: runtime, daylight saving)."""
        run = self._never_ran(self._new_run(TriggeredBy.CRON), EndReason.DST_SKIPPED)
        return self._recorded(run, self._resources.ledger.record(run, tick=tick))

    def catch_up(self, plan: CatchUpPlan) -> Deferred[Run]:
        """Record a gap and run what is to be run of it; the Deferred has the row of the gap."""
        missed = self._never_ran(
            evolve(self._new_run(TriggeredBy.CRON), created_at=plan.latest),
            EndReason.MISSED,
            describe_gap(plan, self.task.timezone or "UTC"),
        )
        missed = evolve(missed, end_at=plan.latest)
        reruns = [self._new_run(TriggeredBy.CRON) for _ in plan.rerun]
        recorded = self._recorded(missed, self._resources.ledger.record_gap(missed, reruns, plan.latest))
        for run in reruns:
            self._admit_pending(run)
        return recorded

    # What an earlier daemon left behind

    def resume(self, run: Run) -> None:
        """Take up a pending run (spec: runtime, pending rows); ``max_queued`` does not apply to it."""
        if self.task.on_overlap is Overlap.QUEUE or len(self._active) < self.task.parallelism:
            self._waiting.append(run, is_counted=False)
            self._start_waiting()
        else:
            self._end_waiting(run, EndReason.FAILED, "no slot was free when the daemon started again")

    def resume_retry(self, run: Run) -> None:
        """Take up the waiting retry of a run that ended under an earlier daemon."""
        assert run.next_retry_at is not None
        self._arm_retry(run, max(0.0, (run.next_retry_at - now_ms(self._resources.wall)) / 1000))

    # Orders

    def stop(self) -> None:
        """An operator's stop: end the active runs, the queued ones and the waiting retries."""
        self._drop_waiting(EndReason.STOPPED, "stopped while it waited")
        self._drop_retries()
        for execution in self._active.values():
            execution.stop()

    def stop_run(self, run_id: RunId) -> bool:
        """Stop one run, active or queued; False if it is neither."""
        if run_id in self._active:
            self._active[run_id].stop()
            return True
        run = self._waiting.remove(run_id)
        if run is not None:
            self._end_waiting(run, EndReason.STOPPED, "stopped while it waited")
        return run is not None

    def drop_retry(self, run_id: RunId) -> bool:
        """Let the waiting retry of a run never happen; False if none waits."""
        if run_id not in self._retries:
            return False
        run, call = self._retries.pop(run_id)
        call.cancel()
        self.log.info("retry dropped", task=self.task.name, run=run_id)
        self._resources.ledger.drop_retry(run)
        return True

    def change(self, task: Task) -> None:
        """The task has a new definition, for what starts from now on (spec: runtime, reload)."""
        no_longer_queues = leaves_queue(self.task, task)
        self.task = task
        if no_longer_queues:
            self._drop_waiting(EndReason.SKIPPED, "the task no longer queues")
        self._start_waiting()

    def retire(self) -> None:
        """The task has left the configuration: what runs may finish, nothing follows."""
        self._is_retired = True
        self._drop_waiting(EndReason.SKIPPED, "the task is no longer configured")
        self._drop_retries()

    def hold(self) -> None:
        """The daemon shuts down: nothing starts any more, what waits stays in the database as it is."""
        self._is_closed = True
        self._waiting.clear()
        for _, call in self._retries.values():
            call.cancel()
        self._retries.clear()

    def close(self) -> None:
        """The daemon shuts down: stop what runs."""
        self.hold()
        for execution in self._active.values():
            execution.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        self.hold()
        for execution in self._active.values():
            execution.cut_short()

    # Admission

    def _new_run(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> Run:
        return new_run(self._resources, self.task, triggered_by, source)

    def _admit(
        self,
        run: Run,
        *,
        tick: UnixMs | None = None,
        predecessor: Run | None = None,
        boot_id: str | None = None,
    ) -> Deferred[Run]:
        decision = self._decide(is_exempt=False)
        match decision:
            case Start():
                run = begun(self._resources, run)
            case Refuse(reason):
                run = self._never_ran(run, reason)
        committed = self._resources.ledger.record(run, tick=tick, predecessor=predecessor, boot_id=boot_id)
        match decision:
            case Start():
                self._carry_out(run, committed)
            case Wait():
                self._wait(run, decision, is_counted=True)
        return self._recorded(run, committed)

    def _admit_pending(self, run: Run) -> None:
        """The same for a catch-up run, whose row is written already."""
        match self._decide(is_exempt=True):
            case Start():
                run = begun(self._resources, run)
                self._carry_out(run, self._resources.ledger.start(run))
            case Wait() as decision:
                self._wait(run, decision, is_counted=False)
            case Refuse(reason):
                self._resources.ledger.end(self._never_ran(run, reason))

    def _decide(self, *, is_exempt: bool) -> Start | Wait | Refuse:
        return decide(
            on_overlap=self.task.on_overlap,
            parallelism=self.task.parallelism,
            max_queued=self.task.max_queued,
            active=[Active(run_id, execution.is_stopping) for run_id, execution in self._active.items()],
            waiting=len(self._waiting),
            counted=self._waiting.counted,
            exempt=is_exempt,
        )

    def _wait(self, run: Run, decision: Wait, *, is_counted: bool) -> None:
        if decision.drop_oldest:
            self._end_waiting(self._waiting.pop(), EndReason.STOPPED, "a newer firing took its place")
        self._waiting.append(run, is_counted=is_counted)
        if decision.victim is not None:
            self._active[decision.victim].stop()

    @staticmethod
    def _recorded(run: Run, committed: Happening) -> Deferred[Run]:
        return committed.when().addCallback(lambda _: run)

    # Runs that do not run

    def _never_ran(self, run: Run, reason: EndReason, message: str | None = None) -> Run:
        message = message or _REFUSALS[reason]
        self.log.info("run not started", task=run.label, run=run.id, reason=reason, why=message)
        return never_ran(self._resources, self.task, run, reason, message)

    def _end_waiting(self, run: Run, reason: EndReason, message: str) -> None:
        self._resources.ledger.end(self._never_ran(run, reason, message))

    def _drop_waiting(self, reason: EndReason, message: str) -> None:
        while self._waiting:
            self._end_waiting(self._waiting.pop(), reason, message)

    def _drop_retries(self) -> None:
        for run_id in tuple(self._retries):
            self.drop_retry(run_id)

    # Runs that do

    def _start_waiting(self) -> None:
        while next_start(self.task.parallelism, len(self._active), len(self._waiting)):
            run = begun(self._resources, self._waiting.pop())
            self._carry_out(run, self._resources.ledger.start(run))

    def _carry_out(self, run: Run, committed: Happening) -> None:
        execution = self._active[run.id] = Execution(self._resources, self.task, run)
        self._resources.background.start(f"run {run.id}", self._see_through(execution, self.task, committed))

    async def _see_through(self, execution: Execution, task: Task, committed: Happening) -> None:
        run = await execution.perform(committed)
        del self._active[run.id]
        if may_retry(task, run) and not self._is_retired:
            run = self._with_retry(task, run)
        self._resources.ledger.end(run)
        if not self._is_closed:
            self._start_waiting()
        if not self._active:
            self._idle.happen()

    def _with_retry(self, task: Task, run: Run) -> Run:
        """The ended run with the time of its retry, under the definition that it ran under."""
        delay_s = retry_delay(task, run.retry_attempt + 1)
        run = evolve(run, next_retry_at=UnixMs(now_ms(self._resources.wall) + round(delay_s * 1000)))
        self.log.info("retry planned", task=run.label, run=run.id, delay=delay_s)
        if not self._is_closed:
            self._arm_retry(run, delay_s)
        return run

    def _arm_retry(self, run: Run, delay_s: float) -> None:
        self._retries[run.id] = (run, self._resources.clock.callLater(delay_s, self._retry, run))

    def _retry(self, failed: Run) -> None:
        del self._retries[failed.id]
        run = evolve(
            self._new_run(failed.triggered_by, failed.trigger_source),
            retry_of_run_id=failed.id,
            retry_attempt=failed.retry_attempt + 1,
        )
        self._admit(run, predecessor=failed)
