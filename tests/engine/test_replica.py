from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest

from runwisp.engine.replica import Replica
from runwisp.model import EndReason, Run, TriggeredBy
from runwisp.policy.slot import Phase
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


@pytest.fixture
def stage() -> Stage:
    return Stage()


def replica(stage: Stage, lines: str = "", index: int = 0) -> Replica:
    return Replica(stage.resources, service(lines), index, Alone())


def started(stage: Stage, lines: str = "") -> Replica:
    it = replica(stage, lines)
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


def test_an_exited_process_is_started_again_after_its_delay(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].exit(0)
    stage.settle()
    assert it.phase is Phase.BACKING_OFF
    stage.clock.advance(0.999)
    assert len(stage.children) == 1
    stage.clock.advance(0.001)
    stage.settle()
    assert len(stage.children) == 2
    first, second = stage.rows()
    assert (first.end_reason, first.triggered_by) == ("success", "service")
    assert (second.status, second.retry_attempt, second.retry_of_run_id) == ("running", 0, None)
    assert it.report().restarts == 1


def test_the_delay_doubles_up_to_sixty_seconds_and_a_healthy_life_resets_it(stage: Stage) -> None:
    started(stage)
    for delay_s in (1, 2, 4, 8, 16, 32, 60, 60):
        count = len(stage.children)
        stage.children[-1].exit(1)
        stage.settle()
        stage.clock.advance(delay_s - 0.01)
        assert len(stage.children) == count
        stage.clock.advance(0.01)
        stage.settle()
        assert len(stage.children) == count + 1
    stage.clock.advance(60)
    stage.children[-1].exit(1)
    stage.settle()
    stage.clock.advance(1)
    stage.settle()
    assert stage.children[-1].is_alive


@pytest.mark.parametrize(
    ("lines", "code", "phase"),
    [
        ('restart = "never"', 1, Phase.STOPPED),
        ('restart = "on_failure"', 0, Phase.STOPPED),
        ('restart = "on_failure"', 1, Phase.BACKING_OFF),
        ('restart = "always"', 0, Phase.BACKING_OFF),
    ],
)
def test_restart_decides_what_follows_an_exit(stage: Stage, lines: str, code: int, phase: Phase) -> None:
    it = started(stage, lines)
    stage.children[0].exit(code)
    stage.settle()
    assert it.phase is phase
    it.stop()


def test_a_stop_ends_the_process_for_good(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].ignores.add(SIGTERM)
    it.stop()
    it.stop()
    assert it.phase is Phase.STOPPING
    stage.clock.advance(5)
    stage.settle()
    assert stage.children[0].signals == [SIGTERM, SIGKILL]
    assert [run.end_reason for run in stage.rows()] == [EndReason.STOPPED]
    stage.clock.advance(100)
    assert len(stage.children) == 1


def test_a_stop_ends_the_wait_for_a_restart(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].exit(1)
    stage.settle()
    it.stop()
    assert it.phase is Phase.STOPPED
    assert stage.clock.getDelayedCalls() == []


def test_a_start_cuts_the_wait_for_a_restart_short(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].exit(1)
    stage.settle()
    it.start(TriggeredBy.API)
    stage.settle()
    assert [run.triggered_by for run in stage.rows()] == ["service", "api"]
    assert it.phase is Phase.RUNNING


def test_a_start_while_stopping_is_followed_by_a_new_process_at_once(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].ignores.add(SIGTERM)
    it.stop()
    it.start(TriggeredBy.API)
    assert len(stage.spawner.alive) == 1
    stage.clock.advance(5)
    stage.settle()
    assert it.phase is Phase.RUNNING
    assert len(stage.children) == 2


def test_a_stop_before_the_row_is_written_prevents_the_start(stage: Stage) -> None:
    it = replica(stage)
    commit = stage.database.hold()
    it.start(TriggeredBy.SERVICE)
    it.stop()
    commit()
    stage.settle()
    assert stage.children == []
    assert it.phase is Phase.STOPPED
    assert [run.end_reason for run in stage.rows()] == [EndReason.STOPPED]
