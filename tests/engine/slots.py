"""A single slot on a stage, without the other slots of its service."""

from __future__ import annotations

from runwisp.engine.replica import Replica
from runwisp.model import Run, TriggeredBy
from tests.engine.stage import Stage
from tests.make import service


class Alone:
    """An owner without other slots; ``queue`` are the runs that wait for this one."""

    def __init__(self) -> None:
        self.queue: list[Run] = []
        self.rests = 0

    def claim(self, replica: Replica) -> Run | None:
        return self.queue.pop(0) if self.queue else None

    def came_to_rest(self, replica: Replica) -> None:
        self.rests += 1


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
