"""What a daemon does at boot about the runs of one that died (spec: runtime, orphans)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from signal import SIGKILL, Signals

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine import procfs
from runwisp.engine.leftovers import find_leftovers
from runwisp.engine.procfs import ProcessInfo
from runwisp.engine.resources import Resources
from runwisp.model import EndReason, Run, RunId, Status, Task, Unit, UnixMs
from runwisp.policy.backoff import retry_delay
from runwisp.policy.failures import is_failure, may_retry
from runwisp.units import now_ms

_CRASHED_EXIT_CODE = -2
_NOTE = "the daemon died while this run was in flight"
_POLL_S = 0.05
#: How long processes may take to die of SIGKILL before they are given up.
_GIVE_UP_S = 5.0


class Recovery:
    """Ends the rows that say ``running``, their logs, and the processes that outlived their daemon."""

    log = Logger()

    def __init__(
        self,
        resources: Resources,
        config: Config,
        finish_log: Callable[[Run, str], None],
        find: Callable[[Sequence[Run]], Mapping[RunId, Sequence[ProcessInfo]]] = find_leftovers,
        look: Callable[[int], ProcessInfo | None] = procfs.read_process,
        kill: Callable[[ProcessInfo, int], bool] = procfs.kill,
    ) -> None:
        self._resources = resources
        self._config = config
        self._finish_log = finish_log
        self._find = find
        self._look = look
        self._kill = kill

    async def reconcile(self, orphans: Sequence[Run]) -> list[Run]:
        """Bring every orphan to its end: ``crashed``, exit code -2; the ended runs in the same order."""
        if not orphans:
            return []
        leftovers = await self._resources.in_thread(self._find, orphans)
        endings = [self._end(run, leftovers.get(run.id, ())) for run in orphans]
        # A shutdown meanwhile cancels them all, and the first to say so speaks for the rest.
        ended: list[Run] = await gatherResults(
            [Deferred.fromCoroutine(ending) for ending in endings], consumeErrors=True
        )
        self.log.warn("runs crashed with an earlier daemon", runs=len(ended))
        return ended

    async def _end(self, run: Run, leftovers: Sequence[ProcessInfo]) -> Run:
        unit = self._config.unit(run.task_name)
        note = _NOTE
        if leftovers:
            await self._stop(run, leftovers, unit)
            names = ", ".join(f"{process.name} ({process.pid})" for process in leftovers)
            note = f"{_NOTE}; stopped what was left of it: {names}"
        await self._resources.in_thread(self._finish_log, run, note).addErrback(
            lambda failure: self.log.failure("a log was not finished", failure=failure, run=run.id)
        )
        ended = evolve(
            run,
            status=Status.ENDED,
            end_reason=EndReason.CRASHED,
            exit_code=_CRASHED_EXIT_CODE,
            end_at=max(now_ms(self._resources.wall), run.start_at or run.created_at),
            is_failure=unit is None or is_failure(unit.failures, EndReason.CRASHED, _CRASHED_EXIT_CODE),
            message="the daemon was killed during this run",
        )
        if isinstance(unit, Task) and may_retry(unit, ended):
            ended = evolve(ended, next_retry_at=self._retry_at(unit, ended))
        await self._resources.ledger.end(ended).when()
        self.log.info("run crashed", task=run.label, run=run.id, leftovers=len(leftovers))
        return ended

    def _retry_at(self, task: Task, run: Run) -> UnixMs:
        """Written with the end of the run, so that the retry survives another crash."""
        delay_s = retry_delay(task, run.retry_attempt + 1)
        return UnixMs(now_ms(self._resources.wall) + round(delay_s * 1000))

    async def _stop(self, run: Run, leftovers: Sequence[ProcessInfo], unit: Unit | None) -> None:
        """The stop ladder for processes that are not our children, so that their exits can only be polled."""
        signum, grace_s = (Signals[unit.stop_signal], unit.graceful_stop) if unit else (Signals.SIGTERM, 5.0)
        if grace_s > 0:
            self._signal(leftovers, signum)
            await self._wait_gone(leftovers, grace_s)
        clock = self._resources.clock
        give_up_at = clock.seconds() + _GIVE_UP_S
        while left := (await self._resources.in_thread(self._find, [run])).get(run.id):
            if clock.seconds() >= give_up_at:
                self.log.error("processes of a crashed run cannot be killed", task=run.label, run=run.id)
                return
            self._signal(left, SIGKILL)
            await self._wait_gone(left, give_up_at - clock.seconds())

    def _signal(self, processes: Sequence[ProcessInfo], signum: int) -> None:
        for process in processes:
            self._kill(process, signum)

    async def _wait_gone(self, processes: Sequence[ProcessInfo], limit_s: float) -> None:
        clock = self._resources.clock
        until = clock.seconds() + limit_s
        while clock.seconds() < until and any(map(self._is_alive, processes)):
            await deferLater(clock, _POLL_S)

    def _is_alive(self, process: ProcessInfo) -> bool:
        found = self._look(process.pid)
        return found is not None and found.started == process.started and not found.is_zombie
