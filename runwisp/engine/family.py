"""What came from a child, wherever it has moved to (spec: runtime, stop ladder).

A signal to the process group misses those who left it. They are found by their session, by their parents and
by the run in their environment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from zope.interface import Interface, implementer

from runwisp.engine import procfs
from runwisp.engine.procfs import ProcessInfo


class IFamily(Interface):
    """The processes that come from one child."""

    def remember() -> None:
        """Note who descends from the living child: orphans are hard to tell from strangers."""

    def survivors(now: float, not_before: float) -> Sequence[ProcessInfo]:
        """Who is left after the child's exit.

        :param now: what the caller's clock says
        :param not_before: how old the answer may be on that clock
        """

    def kill(process: ProcessInfo) -> bool:
        """Send SIGKILL; False if the process is gone or we may not."""


class ProcessTable:
    """A listing of all processes, shared by the families that ask for one at the same time.

    When the daemon stops all runs do, and a listing takes some ten microseconds for each process there is.
    """

    def __init__(self, run_variable: str) -> None:
        self._run_variable = run_variable
        self._taken_at = float("-inf")
        self._processes: tuple[ProcessInfo, ...] = ()
        self._runs: dict[ProcessInfo, str | None] = {}

    def processes(self, now: float, not_before: float) -> Sequence[ProcessInfo]:
        """All processes, as they were at ``not_before`` or later."""
        if not not_before <= self._taken_at <= now:
            self._taken_at = now
            self._processes = tuple(procfs.all_processes())
            self._runs = {}
        return self._processes

    def run_of(self, process: ProcessInfo) -> str | None:
        """The run in whose environment ``process`` was executed, None if unknown."""
        if process not in self._runs:
            self._runs[process] = procfs.environment_value(process.pid, self._run_variable)
        return self._runs[process]


@implementer(IFamily)
class Family:
    """The family of the child ``leader`` of the run ``run_id``.

    :param started: says when it was started (clock ticks), None if that was not looked up while it lived
    """

    def __init__(
        self, table: ProcessTable, leader: int, started: Callable[[], int | None], run_id: str | None
    ) -> None:
        self._table = table
        self._leader = leader
        self._started = started
        self._run_id = run_id
        self._known: set[ProcessInfo] = set()

    def remember(self) -> None:
        self._started()
        self._known.update(procfs.descendants(self._leader))

    def survivors(self, now: float, not_before: float) -> Sequence[ProcessInfo]:
        started = self._started()
        if started is None:
            return ()
        younger = [
            process
            for process in self._table.processes(now, not_before)
            if process.started >= started and not process.is_zombie
        ]
        known = set(self._known)
        if self._run_id is not None:
            known.update(process for process in younger if self._table.run_of(process) == self._run_id)
        return offspring(self._leader, younger, known)

    def kill(self, process: ProcessInfo) -> bool:
        return procfs.kill(process)


def offspring(
    leader: int, processes: Collection[ProcessInfo], known: Collection[ProcessInfo]
) -> list[ProcessInfo]:
    """Those of ``processes`` that come from the ended process ``leader``, in the order given.

    They are of its group or session, are ``known`` to be its own, or descend from such a process.
    """
    known_ids = {(process.pid, process.started) for process in known}
    # A process with the leader's pid is another one: the number was free, so of the session nobody was left.
    is_reused = any(process.pid == leader for process in processes)
    found = {
        process.pid
        for process in processes
        if (process.pid, process.started) in known_ids
        or (not is_reused and leader in (process.group, process.session))
    }
    while more := {p.pid for p in processes if p.parent in found} - found:
        found |= more
    return [process for process in processes if process.pid in found]
