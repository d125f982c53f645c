"""One process run, from the committed row to the end of its process and log (spec: runtime, processes).

An execution decides nothing about other runs. Its owner (a task's keeper or a replica) waits for
:meth:`Execution.perform` and records what it returns.
"""

from __future__ import annotations

from signal import Signals

from attrs import evolve
from twisted.internet.defer import TimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from runwisp.engine.capture import Capture
from runwisp.engine.happening import Happening
from runwisp.engine.ladder import Phase as StopPhase
from runwisp.engine.ladder import StopLadder
from runwisp.engine.process import IChild, StartFailed, Usage
from runwisp.engine.resources import Resources
from runwisp.engine.seams import RunLog
from runwisp.events import RunUpdated
from runwisp.logs.limits import Cut
from runwisp.model import EndReason, LogOnFull, Run, Seconds, Status, Task, Unit
from runwisp.policy.failures import is_failure
from runwisp.policy.outcome import outcome
from runwisp.units import format_duration, now_ms

#: When to note in its row by what a process can be found again. A run that is over by then needs no note, and
#: one whose daemon dies before is found by the run's id in its environment.
NOTE_AFTER_S = 0.2
#: How long processes that outlive the leader may keep the run's pipes open, in seconds.
DRAIN_S = 2.0


class Execution:
    """The process of ``run``, which is ``running`` and whose row is on its way to the database."""

    log = Logger()

    def __init__(self, resources: Resources, unit: Unit, run: Run) -> None:
        self.unit = unit
        self.run = run
        self._resources = resources
        self._cause: EndReason | None = None
        self._child: IChild | None = None
        self._ladder: StopLadder | None = None
        self._began_s: float | None = None
        self._exited_s: float | None = None
        self._run_log: RunLog | None = None

    @property
    def is_stopping(self) -> bool:
        """A stop was asked for and the process has not ended yet."""
        return self._cause is not None

    @property
    def stop_phase(self) -> StopPhase:
        """How far its stop has come."""
        return StopPhase.LEFT_ALONE if self._ladder is None else self._ladder.phase

    @property
    def is_up(self) -> bool:
        """The process is there."""
        return self._began_s is not None and self._exited_s is None

    @property
    def up_s(self) -> Seconds | None:
        """How long the process has been there, or was; None if it never was."""
        if self._began_s is None:
            return None
        until_s = self._resources.clock.seconds() if self._exited_s is None else self._exited_s
        return Seconds(until_s - self._began_s)

    async def perform(self, committed: Happening) -> Run:
        """Start the process once its row is committed, and see it through.

        What fails within the daemon itself ends the run too, and its process with it.

        :return: the run as ended, which is not recorded yet
        """
        await committed.when()
        try:
            return await self._perform()
        except Exception:
            self.log.failure("run {run} broke off", run=self.run.id)
            if self._child is not None:
                self._child.signal_group(Signals.SIGKILL)
            message = "an error within the daemon broke the run off; the daemon's log says which"
            return self._ended(exit_status=None, signal=None, message=message)

    async def _perform(self) -> Run:
        if self._cause is not None:
            return self._ended(exit_status=None, signal=None, message="stopped before it started")
        self.log.info("run started", task=self.run.label, run=self.run.id)
        run_log = self._run_log = self._resources.open_log(self.unit, self.run)
        capture = Capture(self._resources.clock, self._resources.in_thread, run_log, self._log_was_cut)
        try:
            if (shortage := self._resources.disk.shortage()) is not None:
                raise StartFailed(str(shortage))
            launch = self._resources.prepare(self.unit, self.run)
            child = self._resources.spawner.spawn(capture, launch)
        except StartFailed as error:
            run_log.system(f"could not start: {error}")
            self._close_log(run_log)
            return self._ended(exit_status=None, signal=None, message=str(error))
        self._child = child
        self._began_s = self._resources.clock.seconds()
        await self._see_through(child, capture, run_log)
        self._close_log(run_log)
        return self._ended(exit_status=capture.exit_status, signal=capture.signal, usage=child.usage)

    def stop(self, cause: EndReason = EndReason.STOPPED) -> None:
        """End the process by the stop ladder; the first cause wins and an exit beats them all."""
        if self._exited_s is not None or self._cause is not None:
            return
        self._cause = cause
        self._resources.ledger.tell(RunUpdated(self.run, is_stopping=True))
        if self._child is not None:
            self._climb(self._child)

    def cut_short(self) -> None:
        """The daemon's shutdown time is over: kill at once (spec: runtime, graceful shutdown)."""
        self._cause = EndReason.DAEMON_STOPPED
        if self._child is None:
            return
        if self._ladder is None:
            self._climb(self._child)
        assert self._ladder is not None
        self._ladder.kill_now()

    async def _see_through(self, child: IChild, capture: Capture, run_log: RunLog) -> None:
        resources = self._resources
        noting = resources.clock.callLater(NOTE_AFTER_S, self._note_process, child)
        deadline = self._arm_timeout()
        if self._cause is not None:
            self._climb(child)
        await capture.exited.when()
        self._exited_s = resources.clock.seconds()
        for call in (noting, deadline):
            if call is not None and call.active():
                call.cancel()
        await self._drain(child, capture, run_log)
        if self._ladder is not None:
            await self._ladder.when_done()
        await capture.when_written()
        if capture.signal is not None:
            run_log.system(f"ended by {Signals(capture.signal).name}")

    async def _drain(self, child: IChild, capture: Capture, run_log: RunLog) -> None:
        """Wait for the pipes to close, or close them when their time is over."""
        if capture.drained.has_happened:
            return
        try:
            await capture.drained.when().addTimeout(DRAIN_S, self._resources.clock)
        except TimeoutError:
            await capture.when_written()
            self._cut_pipes(child, run_log)

    def _note_process(self, child: IChild) -> None:
        self._resources.ledger.note_process(self.run, child.process_group, child.started)

    def _arm_timeout(self) -> IDelayedCall | None:
        timeout = self.unit.timeout if isinstance(self.unit, Task) else None
        if not timeout:
            return None
        return self._resources.clock.callLater(timeout, self._time_out, timeout)

    def _time_out(self, timeout: float) -> None:
        if not self.is_stopping and self._run_log is not None:
            self._run_log.system(f"timeout of {format_duration(timeout)} is over, stopping the run")
        self.stop(EndReason.TIMEOUT)

    def _log_was_cut(self, cut: Cut) -> None:
        if cut is Cut.OVERFLOW:
            self.stop(EndReason.LOG_OVERFLOW)
        elif cut is Cut.NO_SPACE:
            is_up = not (self._exited_s is not None or self.is_stopping)
            kills = is_up and self.unit.log_on_full is LogOnFull.KILL_TASK
            self._resources.disk.tell(self.run, killed_task=kills)
            if kills:
                self.stop()

    def _climb(self, child: IChild) -> None:
        assert self._run_log is not None
        self._ladder = StopLadder(
            self._resources.clock,
            child,
            Signals[self.unit.stop_signal],
            self.unit.graceful_stop,
            self._run_log.system,
        )
        self._ladder.stop()

    def _cut_pipes(self, child: IChild, run_log: RunLog) -> None:
        holders = child.close_pipes()
        if holders:
            ids = ", ".join(map(str, holders))
            run_log.system(f"output closed; still held open by process {ids}")

    def _close_log(self, run_log: RunLog) -> None:
        run_log.close()
        self._resources.syncer.sync(run_log)

    def _ended(
        self,
        *,
        exit_status: int | None,
        signal: int | None,
        message: str | None = None,
        usage: Usage | None = None,
    ) -> Run:
        reason, exit_code = outcome(self._cause, exit_status, signal)
        run = evolve(
            self.run,
            status=Status.ENDED,
            end_reason=reason,
            exit_code=exit_code,
            end_at=max(now_ms(self._resources.wall), self.run.start_at or self.run.created_at),
            is_failure=is_failure(self.unit.failures, reason, exit_code),
            message=message,
            cpu_time=usage.cpu_time if usage is not None else None,
            peak_memory_bytes=usage.peak_memory if usage is not None else None,
        )
        self._tell(run)
        return run

    def _tell(self, run: Run) -> None:
        took = round(run.duration or 0.0, 3)
        if run.end_reason is EndReason.SUCCESS:
            self.log.info("run succeeded", task=run.label, run=run.id, exit=run.exit_code, dur=took)
            return
        tell, what = (self.log.warn, "run failed") if run.is_failure else (self.log.info, "run ended")
        tell(what, task=run.label, run=run.id, exit=run.exit_code, reason=run.end_reason, dur=took)
