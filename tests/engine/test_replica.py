from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest
from attrs import evolve

from runwisp.engine.births import new_run
from runwisp.events import ServiceFatal
from runwisp.model import EndReason, ReplicaState, Run, Seconds, Status, TriggeredBy, TriggerSource
from runwisp.policy.slot import Phase
from tests.engine.slots import Alone, exit_with, replica, started, wait
from tests.engine.stage import Stage
from tests.make import service


@pytest.fixture
def stage() -> Stage:
    return Stage()


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


# Restart, and the stop of a single run


@pytest.mark.parametrize("restart", ["always", "on_failure", "never"])
def test_a_restart_by_hand_has_no_delay_whatever_restart_says(stage: Stage, restart: str) -> None:
    it = started(stage, f'restart = "{restart}"')
    it.restart(TriggeredBy.API, TriggerSource.CLI)
    stage.settle()
    old, new = stage.rows()
    assert (old.end_reason, new.status) == (EndReason.STOPPED, Status.RUNNING)
    assert (new.triggered_by, new.trigger_source) == ("api", "cli")
    assert (it.report().restarts, len(stage.spawner.alive)) == (1, 1)


def test_a_restart_waits_for_the_old_process_to_be_gone(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].ignores.add(SIGTERM)
    it.restart(TriggeredBy.API)
    it.restart(TriggeredBy.API)
    assert it.report().state is ReplicaState.RESTARTING
    wait(stage, 4.9)
    assert len(stage.children) == 1
    wait(stage, 0.1)
    assert len(stage.children) == 2
    assert it.phase is Phase.RUNNING


def test_a_restart_ends_the_wait_and_starts_a_stopped_slot(stage: Stage) -> None:
    it = started(stage)
    exit_with(stage, 1)
    it.restart(TriggeredBy.API)
    stage.settle()
    assert len(stage.children) == 2
    it.stop()
    stage.settle()
    it.restart(TriggeredBy.API)
    stage.settle()
    assert len(stage.spawner.alive) == 1


def test_a_stop_takes_back_a_restart_that_is_under_way(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].ignores.add(SIGTERM)
    it.restart(TriggeredBy.API)
    it.stop()
    wait(stage, 100)
    assert it.phase is Phase.STOPPED
    assert len(stage.children) == 1


@pytest.mark.parametrize("restart", ["always", "on_failure", "never"])
def test_the_slot_of_a_single_stopped_run_is_filled_again_after_the_delay(stage: Stage, restart: str) -> None:
    it = started(stage, f'restart = "{restart}"')
    it.end_run()
    stage.settle()
    assert [run.end_reason for run in stage.rows()] == [EndReason.STOPPED]
    report = it.report()
    assert report.state is ReplicaState.RESTARTING
    assert report.next_start_at == int(stage.wall() * 1000) + 1000
    wait(stage, 1)
    assert stage.rows()[-1].triggered_by is TriggeredBy.SERVICE
    assert (it.phase, it.report().next_start_at) == (Phase.RUNNING, None)


def test_a_single_stop_that_comes_after_the_exit_changes_nothing(stage: Stage) -> None:
    it = started(stage, 'restart = "never"')
    stage.children[0].keeps_pipes = True
    exit_with(stage, 1)
    it.end_run()
    wait(stage, 2)
    assert [run.end_reason for run in stage.rows()] == [EndReason.FAILED]
    assert it.phase is Phase.STOPPED


def test_a_slot_that_restart_leaves_empty_is_no_longer_wanted(stage: Stage) -> None:
    it = started(stage, 'restart = "never"')
    exit_with(stage, 0)
    report = it.report()
    assert (report.state, report.is_wanted, report.last_exit_code) == (ReplicaState.STOPPED, False, 0)


# A queued run that takes the slot


def queue(stage: Stage, owner: Alone) -> Run:
    run = new_run(stage.resources, service(), TriggeredBy.API)
    stage.resources.ledger.record(run)
    owner.queue.append(run)
    return run


def test_a_queued_run_takes_the_slot_before_the_supervisors_own_restart(stage: Stage) -> None:
    owner = Alone()
    started(stage, 'restart_delay = "0s"', 2, owner)
    queued = queue(stage, owner)
    exit_with(stage, 1)
    row = stage.row(queued)
    assert (row.status, row.replica_index, row.triggered_by) == (Status.RUNNING, 2, "api")
    assert len(stage.children) == 2


def test_a_slot_that_goes_fatal_says_so_and_is_then_taken_by_a_queued_run(stage: Stage) -> None:
    owner = Alone()
    it = started(stage, "restart_attempts = 0", owner=owner)
    queued = queue(stage, owner)
    exit_with(stage, 1)
    assert any(isinstance(event, ServiceFatal) for event in stage.events)
    assert stage.rows()[0].end_reason is EndReason.START_FAILED
    assert stage.row(queued).status is Status.RUNNING
    assert it.report().failed_starts == 0


def test_a_queued_run_that_takes_a_stopped_slot_makes_it_wanted(stage: Stage) -> None:
    owner = Alone()
    it = started(stage, owner=owner)
    stage.children[0].ignores.add(SIGTERM)
    it.stop()
    queue(stage, owner)
    wait(stage, 5)
    assert it.report().state is ReplicaState.RUNNING
    exit_with(stage, 1)
    assert it.phase is Phase.BACKING_OFF
    it.stop()


# Healthy


def test_a_replica_is_healthy_while_its_process_has_been_there_for_long_enough(stage: Stage) -> None:
    it = started(stage, 'healthy_after = "10s"')
    assert not it.is_healthy
    wait(stage, 10)
    assert it.is_healthy
    exit_with(stage, 1)
    assert not it.is_healthy
    wait(stage, 1)
    assert not it.is_healthy


def test_a_replica_that_has_no_process_yet_or_is_being_stopped_is_not_healthy(stage: Stage) -> None:
    it = replica(stage, 'healthy_after = "0s"')
    commit = stage.database.hold()
    it.start(TriggeredBy.SERVICE)
    stage.settle()
    assert not it.is_healthy
    commit()
    stage.settle()
    assert it.is_healthy
    stage.children[0].ignores.add(SIGTERM)
    it.end_run()
    assert not it.is_healthy
    it.stop()
    wait(stage, 5)


# Another definition, and the end


@pytest.mark.parametrize("is_backing_off", [False, True])
def test_a_new_definition_is_started_at_once_and_with_fresh_counts(
    stage: Stage, is_backing_off: bool
) -> None:
    it = started(stage, "restart_attempts = 1")
    exit_with(stage, 1)
    if not is_backing_off:
        wait(stage, 1)
    it.service = evolve(it.service, run="another", restart_delay=Seconds(9))
    it.replace()
    stage.settle()
    (child,) = stage.spawner.alive
    assert child.launch.argv[-1] == "another"
    assert stage.rows()[-1].triggered_by is TriggeredBy.SERVICE
    exit_with(stage, 1)
    assert it.phase is Phase.BACKING_OFF
    wait(stage, 8.9)
    assert it.phase is Phase.BACKING_OFF
    it.stop()


def test_a_new_definition_leaves_a_stopped_and_a_fatal_slot_alone(stage: Stage) -> None:
    stopped, fatal = replica(stage), started(stage, "restart_attempts = 0")
    exit_with(stage, 1)
    for it in (stopped, fatal):
        it.replace()
    wait(stage, 100)
    assert (stopped.phase, fatal.phase) == (Phase.STOPPED, Phase.FATAL)
    assert len(stage.children) == 1


def test_what_is_held_runs_on_but_does_not_come_again(stage: Stage) -> None:
    owner = Alone()
    it = started(stage, owner=owner)
    it.hold()
    assert stage.children[0].is_alive
    exit_with(stage, 1)
    wait(stage, 100)
    assert (it.phase, owner.rests) == (Phase.STOPPED, 1)


def test_holding_ends_the_wait_for_a_restart(stage: Stage) -> None:
    it = started(stage)
    exit_with(stage, 1)
    it.hold()
    assert it.phase is Phase.STOPPED
    assert stage.clock.getDelayedCalls() == []


def test_at_the_end_of_the_shutdown_time_a_replica_is_killed(stage: Stage) -> None:
    it = started(stage)
    stage.children[0].ignores.add(SIGTERM)
    it.stop()
    it.cut_short()
    stage.settle()
    assert stage.children[0].signals == [SIGTERM, SIGKILL]
    assert [run.end_reason for run in stage.rows()] == [EndReason.DAEMON_STOPPED]
    assert it.phase is Phase.STOPPED
