"""Finds the processes that outlived their daemon (spec: runtime, orphans)."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from runwisp.engine import procfs
from runwisp.engine.environment import RUN_ID
from runwisp.engine.procfs import ProcessInfo
from runwisp.model import Run, RunId


def find_leftovers(orphans: Sequence[Run]) -> Mapping[RunId, Sequence[ProcessInfo]]:
    """The living processes of each orphan that has any. Blocks: it looks at every process of the machine."""
    if not orphans:
        return {}
    processes = [process for process in procfs.all_processes() if not process.is_zombie]
    own = set(_line_of(os.getpid(), {process.pid: process for process in processes}))
    strangers = [process for process in processes if process.pid not in own]
    return assign(orphans, strangers, lambda process: procfs.environment_value(process.pid, RUN_ID))


def assign(
    orphans: Sequence[Run],
    processes: Collection[ProcessInfo],
    run_id_of: Callable[[ProcessInfo], str | None],
) -> Mapping[RunId, Sequence[ProcessInfo]]:
    """Which of ``processes`` come from which run.

    A process belongs to a run if it is in its group or session and not older than the leader was, or if it
    was executed with the run's id in its environment. The first is enough for those who have cleaned theirs;
    the second finds those who left the group, and the leader if the daemon died before it noted its pid.
    """
    by_group = {run.process_group: run for run in orphans if run.process_started is not None}
    by_id = {str(run.id): run for run in orphans}
    found: dict[RunId, list[ProcessInfo]] = {}
    for process in processes:
        run = by_group.get(process.group) or by_group.get(process.session)
        if run is None or run.process_started is None or process.started < run.process_started:
            run = by_id.get(run_id_of(process) or "")
        if run is not None:
            found.setdefault(run.id, []).append(process)
    return found


def _line_of(pid: int, processes: Mapping[int, ProcessInfo]) -> Iterator[int]:
    """``pid`` and its ancestors: a task may have started this very daemon."""
    while pid in processes:
        yield pid
        pid = processes[pid].parent
