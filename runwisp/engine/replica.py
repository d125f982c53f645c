"""One slot of a service: a process that is started again when it exits (spec: runtime, services).

What the operator wants (``is_wanted``) and what is (``phase``) are two facts. What moves a slot from phase to
phase stands, with a drawing, in :mod:`runwisp.policy.slot`; here it is carried out.
"""

from __future__ import annotations

from typing import Protocol

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from runwisp.engine.births import begun, new_run
from runwisp.engine.execution import Execution
from runwisp.engine.happening import Happening
from runwisp.engine.resources import Resources
from runwisp.events import ServiceFatal
from runwisp.model import (
    EndReason,
    ReplicaReport,
    ReplicaState,
    Run,
    Service,
    TriggeredBy,
    TriggerSource,
    UnixMs,
)
from runwisp.policy.backoff import restart_delay
from runwisp.policy.failures import SlotHistory, is_failure, is_healthy
from runwisp.policy.outcome import NO_EXIT_CODE
from runwisp.policy.slot import AT_REST, LIVE, NEXT, Input, Phase, after_exit
from runwisp.units import now_ms


class Owner(Protocol):
    """Who knows about the other slots of the service."""

    def claim(self, replica: Replica) -> Run | None:
        """The slot has fallen free: the queued run that takes it, if there is one."""

    def came_to_rest(self) -> None:
        """The run of a slot has ended and nothing follows it."""

    def changed(self) -> None:
        """The report of a slot is another one by the end of this turn."""


@frozen
class Order:
    """What follows the run in the slot as soon as it is gone."""

    triggered_by: TriggeredBy
    source: TriggerSource | None


class Replica:
    """Slot ``index`` of ``service``; every life of its process is a run of its own."""

    log = Logger()

    def __init__(self, resources: Resources, service: Service, index: int, owner: Owner) -> None:
        self.service = service
        self.index = index
        self.phase = Phase.STOPPED
        self.is_wanted = False
        self.filled_s = 0.0
        self._resources = resources
        self._owner = owner
        self._history = SlotHistory()
        self._restarts = 0
        self._last_exit_code: int | None = None
        self._execution: Execution | None = None
        self._follow_up: Order | None = None
        self._delay: IDelayedCall | None = None
        self._next_start_at: UnixMs | None = None

    # What it is like

    @property
    def is_live(self) -> bool:
        """The slot has a process, or is about to get one."""
        return self.phase in LIVE

    @property
    def is_at_rest(self) -> bool:
        """Nothing happens here unless somebody asks for it."""
        return self.phase in AT_REST

    @property
    def execution(self) -> Execution | None:
        """The run in the slot; there is one exactly while the slot is live."""
        return self._execution

    @property
    def is_up(self) -> bool:
        """The process is there, and is to stay."""
        execution = self._execution
        return self.phase is Phase.RUNNING and execution is not None and execution.is_up

    @property
    def is_healthy(self) -> bool:
        """The process is there, is to stay, and has been there for long enough."""
        return self.is_up and self._execution is not None and self._counts_as_healthy(self._execution)

    def report(self) -> ReplicaReport:
        run = None if self._execution is None else self._execution.run
        return ReplicaReport(
            replica_index=self.index,
            state=self._state(),
            is_wanted=self.is_wanted,
            run_id=None if run is None else run.id,
            start_at=None if run is None else run.start_at,
            next_start_at=self._next_start_at,
            restarts=self._restarts,
            failed_starts=self._history.failed_starts,
            last_exit_code=self._last_exit_code,
        )

    def _state(self) -> ReplicaState:
        match self.phase:
            case Phase.RUNNING:
                return ReplicaState.RUNNING
            case Phase.STOPPING:
                return ReplicaState.RESTARTING if self.is_wanted else ReplicaState.RUNNING
            case Phase.BACKING_OFF:
                return ReplicaState.RESTARTING
            case Phase.FATAL:
                return ReplicaState.FATAL
            case Phase.STOPPED:
                return ReplicaState.STOPPED

    # Orders

    def start(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        """Want the slot filled: at once if it is free, or after the process that is being stopped."""
        if not self.is_live:
            self.take(new_run(self._resources, self.service, triggered_by, source), is_recorded=False)
            return
        self.is_wanted = True
        if self._move(Input.START) is Phase.STOPPING:
            self._follow_up = self._follow_up or Order(triggered_by, source)

    def take(self, run: Run, *, is_recorded: bool) -> Deferred[Run]:
        """Fill the free slot with the pending ``run``.

        :param is_recorded: ``run`` has waited, so there is a row of it
        :return: the run as running, once that is committed
        """
        assert not self.is_live
        self.is_wanted = True
        self._forget_delay()
        self._move(Input.START)
        return self._fill_anew(run, is_recorded=is_recorded)

    def stop(self) -> None:
        """Want the slot empty: end its process, or the wait for the next one."""
        self.is_wanted = False
        self._follow_up = None
        self._forget_delay()
        if self._move(Input.STOP) is Phase.RUNNING:
            self._end_process()

    def end_run(self) -> None:
        """End the run in the slot; if the slot is wanted it is filled again after the restart delay."""
        if self._move(Input.END) is Phase.RUNNING:
            self._end_process()

    def restart(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        """Want a new process here without delay, whatever there is now."""
        if self.is_live:
            self.is_wanted = True
            self._follow_up = self._follow_up or Order(triggered_by, source)
            self.end_run()
        else:
            self.start(triggered_by, source)

    def replace(self) -> None:
        """``service`` is another one now: what runs or waits here begins again; what is at rest stays so."""
        if self.is_wanted and not self.is_at_rest:
            self._history = SlotHistory()
            self.restart(TriggeredBy.SERVICE)

    def hold(self) -> None:
        """Start nothing any more; a process that is here may go on."""
        self.is_wanted = False
        self._follow_up = None
        self._owner.changed()
        if self.phase is Phase.BACKING_OFF:
            self.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        if self._execution is not None:
            self._execution.cut_short()

    # Effects

    def _move(self, what: Input) -> Phase:
        """Follow the table; returns the phase before."""
        before, self.phase = self.phase, NEXT[self.phase, what]
        self._owner.changed()
        return before

    def _end_process(self) -> None:
        assert self._execution is not None
        self._execution.stop()

    def _fill_anew(self, run: Run, *, is_recorded: bool) -> Deferred[Run]:
        """Fill the slot for somebody who asked for it: what was before no longer counts."""
        self._history = SlotHistory()
        return self._fill(run, is_recorded=is_recorded)

    def _fill(self, run: Run, *, is_recorded: bool) -> Deferred[Run]:
        run = begun(self._resources, run, self.index)
        ledger = self._resources.ledger
        committed = ledger.start(run) if is_recorded else ledger.record(run)
        self.filled_s = self._resources.clock.seconds()
        self._execution = Execution(self._resources, self.service, run)
        self._resources.background.start(f"run {run.id}", self._live(self._execution, committed))
        return committed.when().addCallback(lambda _: run)

    async def _live(self, execution: Execution, committed: Happening) -> None:
        run = await execution.perform(committed)
        self._execution = None
        self._last_exit_code = run.exit_code
        self._history = self._history.after(run, was_healthy=self._counts_as_healthy(execution))
        is_fatal = self.is_wanted and self._history.is_fatal(self.service)
        if is_fatal:
            self._give_up(run)
        else:
            self._resources.ledger.end(run)
        self._go_on(run, is_fatal=is_fatal)

    def _counts_as_healthy(self, execution: Execution) -> bool:
        return execution.up_s is not None and is_healthy(self.service, execution.up_s)

    def _give_up(self, run: Run) -> None:
        """Record ``run`` as the one on which the slot went FATAL."""
        attempts, reason = self._history.failed_starts, EndReason.START_FAILED
        exit_code = NO_EXIT_CODE if run.exit_code is None else run.exit_code
        starts = "start" if attempts == 1 else "starts in a row"
        run = evolve(
            run,
            end_reason=reason,
            is_failure=is_failure(self.service.failures, reason, exit_code),
            message=f"gave up after {attempts} failed {starts}" + (f": {run.message}" if run.message else ""),
        )
        self.log.error("replica is fatal", task=run.label, run=run.id, attempts=attempts, exit=run.exit_code)
        self._resources.ledger.end(run, ServiceFatal(run, attempts))

    def _go_on(self, run: Run, *, is_fatal: bool) -> None:
        claimed = self._owner.claim(self)
        follow_up, self._follow_up = self._follow_up, None
        what = after_exit(
            self.service,
            run,
            is_wanted=self.is_wanted,
            is_fatal=is_fatal,
            is_awaited=claimed is not None or follow_up is not None,
        )
        self._move(what)
        if claimed is not None:
            self.is_wanted = True
            self._fill_anew(claimed, is_recorded=True)
        elif follow_up is not None:
            self._restarts += 1
            again = new_run(self._resources, self.service, follow_up.triggered_by, follow_up.source)
            self._fill_anew(again, is_recorded=False)
        elif what is Input.LATER:
            self._wait(run.label)
        else:
            self.is_wanted = what is Input.GIVE_UP
            self._owner.came_to_rest()

    def _wait(self, label: str) -> None:
        delay_s = restart_delay(self.service, self._history.exits_in_a_row)
        self.log.info("restart planned", task=label, delay=delay_s)
        self._next_start_at = UnixMs(now_ms(self._resources.wall) + round(delay_s * 1000))
        self._delay = self._resources.clock.callLater(delay_s, self._due)

    def _due(self) -> None:
        self._delay = self._next_start_at = None
        self._move(Input.DUE)
        self._restarts += 1
        self._fill(new_run(self._resources, self.service, TriggeredBy.SERVICE), is_recorded=False)

    def _forget_delay(self) -> None:
        if self._delay is not None:
            self._delay.cancel()
        self._delay = self._next_start_at = None
