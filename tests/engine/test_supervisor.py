from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest

from runwisp.engine.ladder import Phase as StopPhase
from runwisp.model import EndReason, RunId, ServiceState, Status, TriggeredBy, TriggerSource
from tests.engine.slots import exit_slot, make_stubborn, run_in, slots, supervised, trigger, wait
from tests.engine.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def end_reasons(stage: Stage) -> list[EndReason | None]:
    return [run.end_reason for run in stage.rows()]


# Replicas live on their own


def test_every_slot_is_filled_lowest_index_first_and_restarts_on_its_own(stage: Stage) -> None:
    it = supervised(stage, "instances = 3")
    assert [run.label for run in stage.rows()] == ["s", "s#1", "s#2"]
    exit_slot(stage, 1)
    assert (it.state, it.active_count, slots(stage)) == ("degraded", 2, [0, 2])
    wait(stage, 1)
    assert (it.state, it.active_count, slots(stage)) == ("running", 3, [0, 1, 2])
    report = it.report()
    assert (report.running, [replica.restarts for replica in report.replicas]) == (3, [0, 1, 0])
    assert [replica.run_id for replica in report.replicas] == [run_in(stage, index).id for index in range(3)]
    assert report.replicas[1].start_at == run_in(stage, 1).start_at


def test_one_fatal_slot_leaves_the_others_alone_and_all_make_the_service_fatal(stage: Stage) -> None:
    it = supervised(stage, "instances = 2\nrestart_attempts = 0")
    exit_slot(stage, 0)
    assert (it.state, it.is_idle) == ("degraded", False)
    exit_slot(stage, 1)
    assert (it.state, it.is_idle) == ("fatal", True)


# Stop, start, restart


def test_a_stop_empties_every_slot_until_a_start(stage: Stage) -> None:
    it = supervised(stage, "instances = 3")
    exit_slot(stage, 1)
    it.stop()
    stage.settle()
    wait(stage, 600)
    assert (it.state, slots(stage)) == (ServiceState.STOPPED, [])
    assert stage.clock.getDelayedCalls() == []
    it.start(TriggeredBy.API, TriggerSource.UI)
    stage.settle()
    assert slots(stage) == [0, 1, 2]
    assert {(run.triggered_by, run.trigger_source) for run in stage.with_status(Status.RUNNING)} == {
        ("api", "ui")
    }
    exit_slot(stage, 0)
    wait(stage, 1)
    assert (run_in(stage, 0).triggered_by, run_in(stage, 0).trigger_source) == ("service", None)


def test_a_start_fills_only_what_is_empty_and_lifts_fatal(stage: Stage) -> None:
    it = supervised(stage, "instances = 3\nrestart_attempts = 1")
    exit_slot(stage, 1)
    wait(stage, 1)
    exit_slot(stage, 1)
    exit_slot(stage, 2)
    before = run_in(stage, 0)
    it.start(TriggeredBy.API)
    stage.settle()
    assert it.state is ServiceState.RUNNING
    assert run_in(stage, 0).id == before.id


def test_a_restart_gives_every_slot_a_new_process_at_once(stage: Stage) -> None:
    it = supervised(stage, 'instances = 3\nrestart = "never"\nrestart_attempts = 0')
    exit_slot(stage, 1, 0)
    exit_slot(stage, 2, 1)
    it.restart(TriggerSource.CLI)
    stage.settle()
    assert slots(stage) == [0, 1, 2]
    assert end_reasons(stage)[:3] == [EndReason.STOPPED, EndReason.SUCCESS, EndReason.START_FAILED]
    assert {run.triggered_by for run in stage.with_status(Status.RUNNING)} == {TriggeredBy.API}


def test_a_restart_starts_a_stopped_service(stage: Stage) -> None:
    it = supervised(stage)
    it.stop()
    stage.settle()
    it.restart()
    stage.settle()
    assert it.state is ServiceState.RUNNING


def test_whom_a_stop_waits_for_can_be_asked_until_it_is_over(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    slow = run_in(stage, 1)
    stage.spawner.of(slow).ignores.update({SIGTERM, SIGKILL})
    assert it.waiting_for() == {}
    idle = it.when_idle()
    it.stop()
    stage.settle()
    assert it.waiting_for() == {slow.id: StopPhase.ASKED}
    wait(stage, 5)
    assert it.waiting_for() == {slow.id: StopPhase.KILLED}
    assert not idle.called
    stage.spawner.of(slow).die(SIGKILL)
    stage.settle()
    assert it.waiting_for() == {}
    assert idle.called
    assert it.when_idle().called


def test_a_service_whose_last_wait_for_a_restart_is_stopped_is_idle(stage: Stage) -> None:
    it = supervised(stage)
    exit_slot(stage, 0)
    idle = it.when_idle()
    assert not idle.called
    it.stop()
    assert idle.called


# Single runs


def test_a_single_run_is_stopped_and_its_slot_filled_again(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\nrestart = "on_failure"')
    stopped = run_in(stage, 1)
    assert it.stop_run(stopped.id)
    stage.settle()
    assert (stage.row(stopped).end_reason, slots(stage)) == (EndReason.STOPPED, [0])
    wait(stage, 1)
    assert slots(stage) == [0, 1]


def test_a_run_of_nobody_is_not_stopped(stage: Stage) -> None:
    it = supervised(stage)
    gone = run_in(stage, 0)
    exit_slot(stage, 0)
    assert not it.stop_run(gone.id)
    assert not it.stop_run(RunId("01JD0000000000000000000000"))
    it.stop()


# Triggers


def test_a_trigger_takes_the_lowest_free_slot_also_from_a_wait_for_a_restart(stage: Stage) -> None:
    it = supervised(stage, 'instances = 3\nrestart_delay = "30s"')
    exit_slot(stage, 2)
    exit_slot(stage, 1)
    run = trigger(stage, it)
    assert (run.status, run.replica_index, run.triggered_by) == (Status.RUNNING, 1, TriggeredBy.API)
    assert (run.trigger_source, stage.row(run)) == (TriggerSource.CLI, run_in(stage, 1))
    wait(stage, 29)
    assert slots(stage) == [0, 1]
    wait(stage, 1)
    assert slots(stage) == [0, 1, 2]


def test_a_trigger_makes_only_its_slot_wanted_again(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    it.stop()
    stage.settle()
    trigger(stage, it)
    wait(stage, 100)
    assert (it.state, slots(stage)) == (ServiceState.RUNNING, [0])
    exit_slot(stage, 0)
    wait(stage, 1)
    assert slots(stage) == [0]


def test_a_trigger_that_takes_a_fatal_slot_clears_it(stage: Stage) -> None:
    it = supervised(stage, "restart_attempts = 0")
    exit_slot(stage, 0)
    trigger(stage, it)
    assert it.state is ServiceState.RUNNING
    assert it.report().replicas[0].failed_starts == 0


def test_with_every_slot_taken_a_trigger_is_skipped_by_default(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    run = trigger(stage, it)
    assert stage.row(run) == run
    assert (run.status, run.end_reason, run.exit_code) == (Status.ENDED, EndReason.SKIPPED, -1)
    assert run.message == "every replica was up"
    assert (run.is_failure, len(stage.children)) == (False, 2)


def test_a_queued_trigger_takes_the_next_slot_that_falls_free_before_its_own_restart(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "queue"\nrestart_delay = "0s"')
    first, second = trigger(stage, it), trigger(stage, it)
    assert (first.status, it.queued_count) == (Status.PENDING, 2)
    exit_slot(stage, 1)
    assert (run_in(stage, 1).id, it.queued_count) == (first.id, 1)
    exit_slot(stage, 0)
    assert (run_in(stage, 0).id, it.queued_count) == (second.id, 0)
    assert len(stage.children) == 4
    exit_slot(stage, 0)
    wait(stage, 0)
    assert run_in(stage, 0).triggered_by is TriggeredBy.SERVICE


def test_at_most_a_hundred_triggers_wait(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "queue"')
    waiting = [trigger(stage, it) for _ in range(100)]
    assert {run.status for run in waiting} == {Status.PENDING}
    refused = trigger(stage, it)
    assert (refused.end_reason, refused.exit_code) == (EndReason.QUEUE_FULL, -1)
    assert it.queued_count == 100


def test_queued_triggers_are_stopped_alone_or_with_the_service(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "queue"')
    first, second = trigger(stage, it), trigger(stage, it)
    assert it.stop_run(first.id)
    it.stop()
    stage.settle()
    for run in (first, second):
        row = stage.row(run)
        assert (row.end_reason, row.exit_code, row.start_at) == (EndReason.STOPPED, -1, None)
    assert it.is_idle


def test_a_queued_trigger_goes_before_a_restart_by_hand(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "queue"')
    queued = trigger(stage, it)
    it.restart()
    stage.settle()
    assert run_in(stage, 0).id == queued.id
    assert len(stage.spawner.alive) == 1


def test_terminate_stops_the_oldest_replica_and_takes_its_slot(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "terminate"\ngraceful_stop = "2s"')
    exit_slot(stage, 0)
    wait(stage, 1)
    oldest = run_in(stage, 1)
    make_stubborn(stage)
    new = trigger(stage, it)
    assert (stage.row(new).status, len(stage.spawner.alive)) == (Status.PENDING, 2)
    wait(stage, 2)
    assert stage.spawner.of(oldest).signals == [SIGTERM, SIGKILL]
    assert stage.row(oldest).end_reason is EndReason.STOPPED
    assert run_in(stage, 1).id == new.id
    assert len(stage.spawner.alive) == 2


def test_terminate_with_more_triggers_than_replicas_keeps_the_newest(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "terminate"')
    make_stubborn(stage)
    older, newest = trigger(stage, it), trigger(stage, it)
    assert (stage.row(older).end_reason, stage.row(older).exit_code) == (EndReason.STOPPED, -1)
    wait(stage, 5)
    assert run_in(stage, 0).id == newest.id


def test_a_trigger_while_the_service_stops_waits_for_a_slot_and_fills_it(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "terminate"')
    make_stubborn(stage)
    it.stop()
    new = trigger(stage, it)
    wait(stage, 5)
    assert [run.id for run in stage.with_status(Status.RUNNING)] == [new.id]
    wait(stage, 100)
    assert len(stage.spawner.alive) == 1


# Shutdown


def test_a_shutdown_stops_what_runs_and_leaves_queued_runs_in_the_database(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "queue"')
    queued = trigger(stage, it)
    it.close()
    stage.settle()
    wait(stage, 100)
    assert it.is_idle
    assert stage.row(queued).status is Status.PENDING
    assert stage.spawner.alive == []
    assert end_reasons(stage) == [EndReason.STOPPED, EndReason.STOPPED, None]


def test_what_is_held_starts_nothing_but_lets_processes_run(stage: Stage) -> None:
    it = supervised(stage, 'instances = 3\non_overlap = "queue"')
    exit_slot(stage, 2)
    it.hold()
    exit_slot(stage, 1)
    wait(stage, 100)
    assert slots(stage) == [0]
    it.close()
    stage.settle()
    assert it.is_idle


def test_a_shutdown_cut_short_kills_and_starts_no_queued_run(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "queue"')
    queued = trigger(stage, it)
    make_stubborn(stage)
    it.cut_short()
    stage.settle()
    assert stage.spawner.alive == []
    assert end_reasons(stage)[:2] == [EndReason.DAEMON_STOPPED] * 2
    assert stage.row(queued).status is Status.PENDING
    assert it.is_idle


def test_a_service_is_settled_while_no_slot_is_on_its_way(stage: Stage) -> None:
    it = supervised(stage, "instances = 2\nrestart_attempts = 1")
    assert (it.is_all_up, it.is_settled) == (True, True)
    exit_slot(stage, 1)
    assert (it.is_all_up, it.is_settled) == (False, False)
    wait(stage, 1)
    assert (it.is_all_up, it.is_settled) == (True, True)
    exit_slot(stage, 1)
    assert (it.is_all_up, it.is_settled) == (False, True)
    make_stubborn(stage)
    it.stop()
    assert (it.is_all_up, it.is_settled) == (False, False)
    wait(stage, 5)
    assert (it.is_all_up, it.is_settled) == (False, True)


def test_a_slot_without_its_process_is_not_up(stage: Stage) -> None:
    commit = stage.database.hold()
    it = supervised(stage)
    assert (it.state, it.is_all_up, it.is_settled) == ("running", False, False)
    commit()
    stage.settle()
    assert (it.is_all_up, it.is_settled) == (True, True)
