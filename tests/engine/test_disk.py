from __future__ import annotations

from pathlib import Path
from signal import SIGTERM

import pytest
from twisted.internet.task import Clock

from runwisp.engine.disk import DiskGuard
from runwisp.engine.task import TaskKeeper
from runwisp.events import Bus, DiskPressure
from runwisp.logs.space import Shortage
from runwisp.model import Bytes, EndReason, LogOnFull, Run, TriggeredBy
from tests.engine.fakes import FakeChild
from tests.engine.stage import Stage
from tests.make import task

LITTLE = Bytes(1024)
REQUIRED = Bytes(2048)


class Rig:
    """A task, and runs of it that a test lets print something."""

    def __init__(self, lines: str = "") -> None:
        self.stage = Stage()
        self._keeper = TaskKeeper(self.stage.resources, task(lines))

    def fire(self) -> Run:
        found: list[Run] = []
        self._keeper.fire(TriggeredBy.CRON).addCallback(found.append)
        self.stage.settle()
        return found[0]

    def let_disk_run_full(self, run: Run) -> FakeChild:
        """The child of ``run``, which prints something that is not stored."""
        child = self.stage.spawner.of(run)
        self.stage.logs[run.id].is_disk_full = True
        child.say(b"lost\n")
        child.say(b"lost, too\n")
        self.stage.settle()
        return child

    def pressures(self) -> list[DiskPressure]:
        return [event for event in self.stage.events if isinstance(event, DiskPressure)]


def test_a_run_does_not_start_below_the_minimum() -> None:
    rig = Rig()
    rig.stage.min_free_space, rig.stage.free_space = REQUIRED, LITTLE
    run = rig.fire()
    row = rig.stage.row(run)
    reason = "free space is 1 KB, less than the minimum of 2 KB"
    assert (row.end_reason, row.exit_code, row.is_failure) == (EndReason.FAILED, -1, True)
    assert row.message == reason
    assert rig.stage.children == []
    assert rig.stage.logs[run.id].notes == [f"could not start: {reason}"]
    assert rig.stage.logs[run.id].is_closed
    assert rig.pressures() == []


def test_a_run_starts_with_exactly_the_minimum() -> None:
    rig = Rig()
    rig.stage.min_free_space = rig.stage.free_space = REQUIRED
    rig.fire()
    assert len(rig.stage.children) == 1


@pytest.mark.parametrize("policy", [LogOnFull.DROP_OLD, LogOnFull.DROP_NEW])
def test_a_disk_that_runs_full_ends_the_capture_and_not_the_run(policy: LogOnFull) -> None:
    rig = Rig(f'log_on_full = "{policy}"')
    rig.stage.min_free_space, rig.stage.free_space = REQUIRED, Bytes(4096)
    run = rig.fire()
    rig.stage.free_space = LITTLE
    child = rig.let_disk_run_full(run)
    assert rig.pressures() == [
        DiskPressure(run=run, free_bytes=LITTLE, min_free_bytes=REQUIRED, killed_task=False)
    ]
    assert child.is_alive
    child.exit(0)
    rig.stage.settle()
    assert rig.stage.row(run).end_reason is EndReason.SUCCESS
    assert len(rig.pressures()) == 1


def test_under_kill_task_a_disk_that_runs_full_stops_the_run_for_good() -> None:
    rig = Rig('log_on_full = "kill_task"\nretry_attempts = 3')
    run = rig.fire()
    assert not rig.let_disk_run_full(run).is_alive
    row = rig.stage.row(run)
    assert (row.end_reason, row.is_failure, row.next_retry_at) == (EndReason.STOPPED, False, None)
    assert [(event.killed_task, event.min_free_bytes) for event in rig.pressures()] == [(True, 0)]


def test_a_run_that_is_being_stopped_keeps_its_cause_when_the_disk_runs_full() -> None:
    rig = Rig('log_on_full = "kill_task"\ntimeout = "1s"\ngraceful_stop = "5s"')
    run = rig.fire()
    rig.stage.spawner.of(run).ignores.add(SIGTERM)
    rig.stage.clock.advance(1)
    rig.let_disk_run_full(run)
    rig.stage.clock.advance(5)
    rig.stage.settle()
    assert rig.stage.row(run).end_reason is EndReason.TIMEOUT
    assert [event.killed_task for event in rig.pressures()] == [False]


def test_the_limit_may_change_at_any_time(tmp_path: Path) -> None:
    limits: list[Bytes | None] = [None]
    guard = DiskGuard(tmp_path, lambda: limits[-1], Bus(Clock()), measure=lambda _: LITTLE)
    assert guard.shortage() is None
    limits.append(REQUIRED)
    assert guard.shortage() == Shortage(LITTLE, REQUIRED)


def test_space_that_cannot_be_measured_is_enough(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path, lambda: REQUIRED, Bus(Clock()), measure=lambda _: None)
    assert guard.shortage() is None


def test_the_file_system_of_the_logs_is_measured(tmp_path: Path) -> None:
    found = DiskGuard(tmp_path, lambda: Bytes(2**62), Bus(Clock())).shortage()
    assert found is not None
    assert 0 < found.free < 2**62
