"""Services on a stage, and a single slot without the other slots of its service."""

from __future__ import annotations

from signal import SIGTERM

from runwisp.engine.replica import Replica
from runwisp.engine.supervisor import Supervisor
from runwisp.model import Run, Status, TriggeredBy, TriggerSource
from tests.engine.stage import Stage
from tests.make import service


class Alone:
    """An owner without other slots; ``queue`` are the runs that wait for this one."""

    def __init__(self) -> None:
        self.queue: list[Run] = []
        self.rests = 0

    def claim(self, replica: Replica) -> Run | None:
        return self.queue.pop(0) if self.queue else None

    def came_to_rest(self) -> None:
        self.rests += 1

    def changed(self) -> None: ...


def replica(stage: Stage, lines: str = "", index: int = 0, owner: Alone | None = None) -> Replica:
    return Replica(stage.resources, service(lines), index, owner or Alone())


def started(stage: Stage, lines: str = "", index: int = 0, owner: Alone | None = None) -> Replica:
    it = replica(stage, lines, index, owner)
    it.start(TriggeredBy.SERVICE)
    stage.settle()
    return it


def exit_with(stage: Stage, code: int) -> None:
    """The last process exits."""
    stage.children[-1].exit(code)
    stage.settle()


def wait(stage: Stage, seconds: float) -> None:
    stage.clock.advance(seconds)
    stage.settle()


def supervised(stage: Stage, lines: str = "") -> Supervisor:
    it = Supervisor(stage.resources, service(lines))
    it.start(TriggeredBy.SERVICE)
    stage.settle()
    return it


def trigger(stage: Stage, it: Supervisor) -> Run:
    found: list[Run] = []
    it.trigger(TriggerSource.CLI).addCallback(found.append)
    stage.settle()
    (run,) = found
    return run


def run_in(stage: Stage, index: int) -> Run:
    """The run in a slot."""
    (run,) = [run for run in stage.with_status(Status.RUNNING) if run.replica_index == index]
    return run


def exit_slot(stage: Stage, index: int, code: int = 1) -> None:
    stage.spawner.of(run_in(stage, index)).exit(code)
    stage.settle()


def make_stubborn(stage: Stage) -> None:
    for child in stage.spawner.alive:
        child.ignores.add(SIGTERM)


def slots(stage: Stage) -> list[int]:
    """The indices of the runs in flight."""
    return sorted(run.replica_index for run in stage.with_status(Status.RUNNING))
