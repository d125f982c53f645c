"""The keeper of one task: single owner of the life of its runs (spec: runtime, concurrency, retries)."""

from __future__ import annotations

from collections import deque

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from runwisp.engine.execution import Execution
from runwisp.engine.happening import Happening
from runwisp.engine.resources import Resources
from runwisp.model import EndReason, Run, RunId, Status, Task, TriggeredBy, TriggerSource, UnixMs
from runwisp.policy.backoff import retry_delay
from runwisp.policy.failures import is_failure, may_retry
from runwisp.policy.overlap import Active, Refuse, Start, Wait, decide, next_start
from runwisp.units import now_ms

_REFUSALS = {
    EndReason.SKIPPED: "a previous run was still in flight",
    EndReason.QUEUE_FULL: "the queue was full",
    EndReason.DST_SKIPPED: "second copy of a repeated wall-clock time",
}


@frozen
class Queued:
    """A pending run that waits for a slot; ``is_counted`` if it takes a place of ``max_queued``."""

    run: Run
    is_counted: bool


class TaskKeeper:
    """Admits the firings of one task, queues them, runs them and retries what failed."""

    log = Logger()

    def __init__(self, resources: Resources, task: Task) -> None:
        self.task = task
        self._resources = resources
        self._active: dict[RunId, Execution] = {}
        self._waiting: deque[Queued] = deque()
        self._retries: dict[RunId, tuple[Run, IDelayedCall]] = {}
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Nothing is active, queued or waiting for its retry."""
        return not (self._active or self._waiting or self._retries)

    @property
    def active_count(self) -> int:
        return len(self._active)

    def fire(
        self, triggered_by: TriggeredBy, source: TriggerSource | None = None, tick: UnixMs | None = None
    ) -> Deferred[Run]:
        """A firing: its fate is decided now; the Deferred has the run as soon as its row is committed.

        :param tick: the schedule slot that fires, if it is one
        """
        return self._admit(self._new_run(triggered_by, source), tick=tick)

    def skip_repeated(self, tick: UnixMs) -> Deferred[Run]:
        """Record the second copy of a repeated slot, which does not run (spec: runtime, daylight saving)."""
        return self._refuse(self._new_run(TriggeredBy.CRON), EndReason.DST_SKIPPED, tick=tick)

    def resume(self, run: Run) -> None:
        """Take up a pending run that an earlier daemon left behind; ``max_queued`` does not apply to it."""
        self._waiting.append(Queued(run, is_counted=False))
        self._start_waiting()

    def resume_retry(self, run: Run) -> None:
        """Take up the waiting retry of a run that ended under an earlier daemon."""
        assert run.next_retry_at is not None
        self._arm_retry(run, max(0.0, (run.next_retry_at - now_ms(self._resources.wall)) / 1000))

    def stop(self) -> None:
        """An operator's stop: end the active runs, the queued ones and the waiting retries."""
        while self._waiting:
            self._end_waiting(self._waiting.popleft().run, EndReason.STOPPED, "stopped while it waited")
        for run, call in self._retries.values():
            call.cancel()
            self.log.info("retry dropped", task=self.task.name, run=run.id)
            self._resources.ledger.drop_retry(run)
        self._retries.clear()
        for execution in self._active.values():
            execution.stop()

    def close(self) -> None:
        """The daemon shuts down: stop what runs; what waits stays in the database for the next start."""
        self._is_closed = True
        self._waiting.clear()
        for _, call in self._retries.values():
            call.cancel()
        self._retries.clear()
        for execution in self._active.values():
            execution.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        for execution in self._active.values():
            execution.cut_short()

    def _new_run(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> Run:
        return Run(
            id=self._resources.ids(),
            task_name=self.task.name,
            status=Status.PENDING,
            created_at=now_ms(self._resources.wall),
            triggered_by=triggered_by,
            trigger_source=source,
        )

    def _admit(
        self, run: Run, *, tick: UnixMs | None = None, predecessor: Run | None = None
    ) -> Deferred[Run]:
        decision = decide(
            on_overlap=self.task.on_overlap,
            parallelism=self.task.parallelism,
            max_queued=self.task.max_queued,
            active=[Active(run_id, execution.is_stopping) for run_id, execution in self._active.items()],
            waiting=len(self._waiting),
            counted=sum(queued.is_counted for queued in self._waiting),
        )
        if isinstance(decision, Refuse):
            return self._refuse(run, decision.reason, tick=tick, predecessor=predecessor)
        if isinstance(decision, Start):
            run = self._started(run)
        committed = self._resources.ledger.record(run, tick=tick, predecessor=predecessor)
        if isinstance(decision, Start):
            self._carry_out(run, committed)
        else:
            self._wait(run, decision)
        return committed.when().addCallback(lambda _: run)

    def _wait(self, run: Run, decision: Wait) -> None:
        if decision.drop_oldest:
            oldest = self._waiting.popleft()
            self._end_waiting(oldest.run, EndReason.STOPPED, "a newer firing took its place")
        self._waiting.append(Queued(run, is_counted=True))
        if decision.victim is not None:
            self._active[decision.victim].stop()

    def _refuse(
        self, run: Run, reason: EndReason, *, tick: UnixMs | None = None, predecessor: Run | None = None
    ) -> Deferred[Run]:
        run = self._never_ran(run, reason, _REFUSALS[reason])
        committed = self._resources.ledger.record(run, tick=tick, predecessor=predecessor)
        return committed.when().addCallback(lambda _: run)

    def _end_waiting(self, run: Run, reason: EndReason, message: str) -> None:
        self._resources.ledger.end(self._never_ran(run, reason, message))

    def _never_ran(self, run: Run, reason: EndReason, message: str) -> Run:
        self.log.info("run refused", task=run.label, run=run.id, reason=reason, why=message)
        return evolve(
            run,
            status=Status.ENDED,
            end_reason=reason,
            exit_code=-1,
            end_at=now_ms(self._resources.wall),
            is_failure=is_failure(self.task.failures, reason, -1),
            message=message,
        )

    def _started(self, run: Run) -> Run:
        return evolve(run, status=Status.RUNNING, start_at=max(now_ms(self._resources.wall), run.created_at))

    def _start_waiting(self) -> None:
        for _ in range(next_start(self.task.parallelism, len(self._active), len(self._waiting))):
            run = self._started(self._waiting.popleft().run)
            self._carry_out(run, self._resources.ledger.start(run))

    def _carry_out(self, run: Run, committed: Happening) -> None:
        execution = self._active[run.id] = Execution(self._resources, self.task, run)
        self._resources.background.start(f"run {run.id}", self._see_through(execution, committed))

    async def _see_through(self, execution: Execution, committed: Happening) -> None:
        run = await execution.perform(committed)
        del self._active[run.id]
        run = self._with_retry(run)
        self._resources.ledger.end(run)
        if not self._is_closed:
            self._start_waiting()

    def _with_retry(self, run: Run) -> Run:
        """The ended run, with the time of its retry if it gets one."""
        if not may_retry(self.task, run):
            return run
        delay_s = retry_delay(self.task, run.retry_attempt + 1)
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
