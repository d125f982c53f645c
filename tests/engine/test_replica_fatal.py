"""Slots that the supervisor gives up, and those that it does not."""

from __future__ import annotations

import pytest

from runwisp.events import RunEnded, ServiceFatal
from runwisp.model import EndReason, ReplicaState, TriggeredBy, TriggerSource
from runwisp.policy.slot import Phase
from tests.engine.slots import exit_with, started, wait
from tests.engine.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("attempts", [0, 1, 3])
def test_a_slot_is_given_up_when_more_starts_in_a_row_have_failed_than_restart_attempts(
    stage: Stage, attempts: int
) -> None:
    it = started(stage, f"restart_attempts = {attempts}")
    for number in range(attempts):
        exit_with(stage, 1)
        assert it.report().failed_starts == number + 1
        wait(stage, 60)
    exit_with(stage, 7)
    wait(stage, 600)
    assert it.phase is Phase.FATAL
    assert [run.end_reason for run in stage.rows()] == [EndReason.FAILED] * attempts + [
        EndReason.START_FAILED
    ]
    last = stage.rows()[-1]
    assert (last.exit_code, last.is_failure) == (7, True)
    assert last.message is not None
    assert f"{attempts + 1} failed start" in last.message
    report = it.report()
    assert (report.state, report.failed_starts, report.last_exit_code) == (
        ReplicaState.FATAL,
        attempts + 1,
        7,
    )


def test_going_fatal_is_told_after_the_end_of_the_run_and_with_the_same_run(stage: Stage) -> None:
    started(stage, "restart_attempts = 0")
    exit_with(stage, 3)
    ended, fatal = stage.events[-2:]
    assert isinstance(ended, RunEnded)
    assert isinstance(fatal, ServiceFatal)
    assert (fatal.run, fatal.attempts) == (ended.run, 1)
    assert (fatal.run.task_name, fatal.run.replica_index, fatal.run.exit_code) == ("s", 0, 3)


def test_by_default_the_supervisor_never_gives_up(stage: Stage) -> None:
    it = started(stage)
    for _ in range(200):
        exit_with(stage, 1)
        wait(stage, 60)
    assert it.phase is Phase.RUNNING
    assert not any(isinstance(event, ServiceFatal) for event in stage.events)


def test_a_process_that_cannot_be_started_is_a_failed_start(stage: Stage) -> None:
    stage.spawner.refusal = "cannot start it: no such file"
    it = started(stage, 'restart_attempts = 1\nhealthy_after = "0s"')
    wait(stage, 1)
    assert it.phase is Phase.FATAL
    (first, last) = stage.rows()
    assert (first.end_reason, last.end_reason, last.exit_code) == ("failed", "start_failed", -1)
    assert last.message == "gave up after 2 failed starts in a row: cannot start it: no such file"


@pytest.mark.parametrize(("seconds", "phase"), [(59.9, Phase.FATAL), (60, Phase.BACKING_OFF)])
def test_a_run_that_was_up_for_healthy_after_is_no_failed_start(
    stage: Stage, seconds: float, phase: Phase
) -> None:
    it = started(stage, "restart_attempts = 0")
    wait(stage, seconds)
    exit_with(stage, 1)
    assert it.phase is phase
    it.stop()


def test_the_time_up_ends_with_the_exit_and_not_with_the_output(stage: Stage) -> None:
    it = started(stage, "restart_attempts = 0")
    wait(stage, 59)
    stage.children[0].keeps_pipes = True
    exit_with(stage, 1)
    wait(stage, 2)
    assert it.phase is Phase.FATAL


def test_a_healthy_run_or_a_clean_exit_begins_the_count_of_failed_starts_anew(stage: Stage) -> None:
    it = started(stage, "restart_attempts = 1")
    for code, seconds_up in ((1, 0), (0, 0), (1, 0), (1, 60), (1, 0)):
        wait(stage, seconds_up)
        exit_with(stage, code)
        wait(stage, 60)
        assert it.phase is Phase.RUNNING
    exit_with(stage, 1)
    assert it.phase is Phase.FATAL


def test_an_exit_that_counts_as_no_failure_is_no_failed_start(stage: Stage) -> None:
    it = started(stage, 'restart_attempts = 0\nfailures = ["2-255"]')
    exit_with(stage, 1)
    assert it.phase is Phase.BACKING_OFF
    it.stop()


@pytest.mark.parametrize("restart", ["never", "on_failure"])
def test_restart_does_not_save_a_slot_from_being_fatal(stage: Stage, restart: str) -> None:
    it = started(stage, f'restart_attempts = 0\nrestart = "{restart}"')
    exit_with(stage, 1)
    assert it.phase is Phase.FATAL


def test_a_slot_that_is_being_stopped_does_not_go_fatal(stage: Stage) -> None:
    it = started(stage, "restart_attempts = 0")
    stage.children[0].keeps_pipes = True
    exit_with(stage, 1)
    it.stop()
    wait(stage, 2)
    assert it.phase is Phase.STOPPED
    assert [run.end_reason for run in stage.rows()] == [EndReason.FAILED]


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_start_by_hand_lifts_fatal_and_the_counts_begin_anew(stage: Stage, verb: str) -> None:
    it = started(stage, "restart_attempts = 1")
    exit_with(stage, 1)
    wait(stage, 1)
    exit_with(stage, 1)
    assert it.phase is Phase.FATAL
    getattr(it, verb)(TriggeredBy.API, TriggerSource.UI)
    stage.settle()
    assert it.report().state is ReplicaState.RUNNING
    exit_with(stage, 1)
    wait(stage, 0.99)
    assert len(stage.children) == 3
    wait(stage, 0.01)
    exit_with(stage, 1)
    assert it.phase is Phase.FATAL


def test_a_stop_leaves_fatal_as_it_is_and_the_slot_unwanted(stage: Stage) -> None:
    it = started(stage, "restart_attempts = 0")
    exit_with(stage, 1)
    assert it.report().is_wanted
    it.stop()
    assert (it.phase, it.report().is_wanted) == (Phase.FATAL, False)
