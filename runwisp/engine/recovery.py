"""What a daemon does at boot about the runs of one that died (spec: runtime, orphans and pending rows)."""

from __future__ import annotations

import os
from collections.abc import Callable
from signal import SIGKILL, Signals

from attrs import evolve
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from runwisp.config.settings import Config
from runwisp.engine import procfs
from runwisp.engine.resources import Resources
from runwisp.model import EndReason, Run, Status, Unit
from runwisp.policy.failures import is_failure
from runwisp.units import now_ms

_CRASHED_EXIT_CODE = -2
_POLL_S = 0.05


class Recovery:
    """Ends the rows that say ``running``, their logs, and the processes that outlived their daemon."""

    log = Logger()

    def __init__(
        self,
        resources: Resources,
        config: Config,
        finish_log: Callable[[Run, str], None],
        find_process: Callable[[int], procfs.ProcessInfo | None] = procfs.read_process,
        kill_group: Callable[[int, int], None] = os.killpg,
    ) -> None:
        self._resources = resources
        self._config = config
        self._finish_log = finish_log
        self._find_process = find_process
        self._kill_group = kill_group

    async def reconcile(self, orphans: list[Run]) -> None:
        """Bring every orphan to its end: ``crashed``, exit code -2."""
        for run in orphans:
            unit = self._config.unit(run.task_name)
            note = "the daemon died while this run was in flight"
            if self._is_alive(run):
                await self._end_leftover(run, unit)
                note += f"; its process group {run.process_group} was still alive and has been stopped"
            await self._resources.in_thread(self._finish_log, run, note)
            failed = unit is None or is_failure(unit.failures, EndReason.CRASHED, _CRASHED_EXIT_CODE)
            ended = evolve(
                run,
                status=Status.ENDED,
                end_reason=EndReason.CRASHED,
                exit_code=_CRASHED_EXIT_CODE,
                end_at=max(now_ms(self._resources.wall), run.created_at),
                is_failure=failed,
                message="the daemon was killed during this run",
            )
            await self._resources.ledger.end(ended).when()
            self.log.warn("run crashed with an earlier daemon", task=run.label, run=run.id)

    def _is_alive(self, run: Run) -> bool:
        """The leader still exists: the pid alone would not prove it, pids are used again."""
        if run.process_group is None:
            return False
        process = self._find_process(run.process_group)
        return process is not None and not process.is_zombie and process.started == run.process_started

    async def _end_leftover(self, run: Run, unit: Unit | None) -> None:
        """The stop ladder for a process that is not our child, so that its exit can only be polled for."""
        group = run.process_group
        assert group is not None
        signal, grace_s = (Signals[unit.stop_signal], unit.graceful_stop) if unit else (Signals.SIGTERM, 5.0)
        self._signal(group, signal)
        await self._wait_gone(run, grace_s)
        self._signal(group, SIGKILL)
        await self._wait_gone(run, grace_s)

    async def _wait_gone(self, run: Run, limit_s: float) -> None:
        clock: IReactorTime = self._resources.clock
        until = clock.seconds() + limit_s
        while self._is_alive(run) and clock.seconds() < until:
            await deferLater(clock, _POLL_S)

    def _signal(self, group: int, signal: int) -> None:
        try:
            self._kill_group(group, signal)
        except ProcessLookupError:
            self.log.debug("process group is gone", group=group)
        except PermissionError:
            self.log.error("process group of a crashed run cannot be stopped", group=group)
