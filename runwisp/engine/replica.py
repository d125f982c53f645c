"""One slot of a service: a process that is started again when it exits (spec: runtime, services).

What the operator wants (``is_wanted``) and what is (``phase``) are two facts. The phases and what moves them:

.. code-block:: text

                start                 rest
    stopped ------------> running ------------> stopped
       ^                  |  ^  |
       |             stop |  |  | again          (again: it exited and is to be started once more)
       | rest             v  |  v
       +---- stopping <---+  |  backing_off ---> stopped   (stop)
                 |      due  |    |
                 +-----------+----+
                    again
"""

from __future__ import annotations

from enum import Enum

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from runwisp.engine.execution import Execution
from runwisp.engine.resources import Resources
from runwisp.model import Run, Seconds, Service, Status, TriggeredBy, TriggerSource
from runwisp.policy.backoff import restart_delay
from runwisp.policy.failures import SlotHistory, is_healthy, restart_wanted
from runwisp.units import now_ms


class Phase(Enum):
    STOPPED = "stopped"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    STOPPING = "stopping"


class Input(Enum):
    START = "start"
    STOP = "stop"
    AGAIN = "again"
    REST = "rest"
    DUE = "due"


NEXT: dict[tuple[Phase, Input], Phase] = {
    (Phase.STOPPED, Input.START): Phase.RUNNING,
    (Phase.STOPPED, Input.STOP): Phase.STOPPED,
    (Phase.RUNNING, Input.START): Phase.RUNNING,
    (Phase.RUNNING, Input.STOP): Phase.STOPPING,
    (Phase.RUNNING, Input.AGAIN): Phase.BACKING_OFF,
    (Phase.RUNNING, Input.REST): Phase.STOPPED,
    (Phase.BACKING_OFF, Input.START): Phase.RUNNING,
    (Phase.BACKING_OFF, Input.STOP): Phase.STOPPED,
    (Phase.BACKING_OFF, Input.DUE): Phase.RUNNING,
    (Phase.STOPPING, Input.START): Phase.STOPPING,
    (Phase.STOPPING, Input.STOP): Phase.STOPPING,
    (Phase.STOPPING, Input.AGAIN): Phase.RUNNING,
    (Phase.STOPPING, Input.REST): Phase.STOPPED,
}


class Replica:
    """Slot ``index`` of ``service``; every life of its process is a run of its own."""

    log = Logger()

    def __init__(self, resources: Resources, service: Service, index: int) -> None:
        self.service = service
        self.index = index
        self.phase = Phase.STOPPED
        self.is_wanted = False
        self.restarts = 0
        self._resources = resources
        self._history = SlotHistory()
        self._execution: Execution | None = None
        self._pending: IDelayedCall | None = None

    def start(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        """Want the slot filled. A process that is being stopped is followed by a new one."""
        self.is_wanted = True
        before = self._move(Input.START)
        if before is Phase.BACKING_OFF:
            self._forget_delay()
        if before in (Phase.STOPPED, Phase.BACKING_OFF):
            self._launch(triggered_by, source)

    def stop(self) -> None:
        """Want the slot empty: end its process, or the wait for the next one."""
        self.is_wanted = False
        before = self._move(Input.STOP)
        if before is Phase.BACKING_OFF:
            self._forget_delay()
        elif before is Phase.RUNNING and self._execution is not None:
            self._execution.stop()

    def cut_short(self) -> None:
        """The time for the shutdown is over."""
        if self._execution is not None:
            self._execution.cut_short()

    def _move(self, what: Input) -> Phase:
        """Follow the table; returns the phase before."""
        before, self.phase = self.phase, NEXT[self.phase, what]
        return before

    def _launch(self, triggered_by: TriggeredBy, source: TriggerSource | None = None) -> None:
        now = now_ms(self._resources.wall)
        run = Run(
            id=self._resources.ids(),
            task_name=self.service.name,
            status=Status.RUNNING,
            created_at=now,
            start_at=now,
            triggered_by=triggered_by,
            trigger_source=source,
            replica_index=self.index,
        )
        self._execution = Execution(self._resources, self.service, run)
        self._resources.background.start(f"run {run.id}", self._live(self._execution))

    async def _live(self, execution: Execution) -> None:
        began_s = self._resources.clock.seconds()
        run = await execution.perform(self._resources.ledger.record(execution.run))
        up_s = Seconds(self._resources.clock.seconds() - began_s)
        self._execution = None
        self._resources.ledger.end(run)
        self._history = self._history.after(run, was_healthy=is_healthy(self.service, up_s))
        self._exited(run)

    def _exited(self, run: Run) -> None:
        if not (self.is_wanted and (self.phase is Phase.STOPPING or restart_wanted(self.service, run))):
            self._move(Input.REST)
            return
        if self._move(Input.AGAIN) is Phase.STOPPING:
            self._launch(TriggeredBy.SERVICE)
            return
        delay_s = restart_delay(self.service, self._history.exits_in_a_row)
        self.log.info("restart planned", task=run.label, delay=delay_s)
        self._pending = self._resources.clock.callLater(delay_s, self._due)

    def _due(self) -> None:
        self._pending = None
        self._move(Input.DUE)
        self.restarts += 1
        self._launch(TriggeredBy.SERVICE)

    def _forget_delay(self) -> None:
        assert self._pending is not None
        self._pending.cancel()
        self._pending = None
