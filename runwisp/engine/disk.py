"""Watches the space that is left for the output of runs (spec: logs, min_free_space)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from runwisp.events import Bus, DiskPressure
from runwisp.logs.space import Shortage, free_space, shortage
from runwisp.model import Bytes, Run


class DiskGuard:
    """Measures the file system of the directory ``logs``.

    :param min_free_space: what should be free at the moment, None for no limit
    """

    log = Logger()

    def __init__(
        self,
        logs: Path,
        min_free_space: Callable[[], Bytes | None],
        bus: Bus,
        measure: Callable[[Path], Bytes | None] = free_space,
    ) -> None:
        self._logs = logs
        self._min_free_space = min_free_space
        self._bus = bus
        self._measure = measure

    def shortage(self) -> Shortage | None:
        """What is missing; None while there is enough, and when that cannot be measured."""
        return shortage(self._logs, self._min_free_space(), self._measure)

    def tell(self, run: Run, *, killed_task: bool) -> None:
        """The log of ``run`` was cut for lack of space; the run is stopped for that if ``killed_task``."""
        self.log.warn("too little space on the disk, output not stored", task=run.label, run=run.id)
        self._bus.publish(
            DiskPressure(
                run=run,
                free_bytes=self._measure(self._logs),
                min_free_bytes=self._min_free_space() or Bytes(0),
                killed_task=killed_task,
            )
        )
