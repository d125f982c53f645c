"""What a new configuration does to a service that runs (spec: runtime, reload)."""

from __future__ import annotations

from signal import SIGTERM

import pytest
from attrs import evolve

from runwisp.engine.supervisor import Supervisor
from runwisp.events import RunEnded
from runwisp.model import EndReason, Overlap, Seconds, Service, ServiceState, Status, TriggeredBy
from tests.engine.slots import exit_slot, make_stubborn, run_in, slots, supervised, trigger, wait
from tests.engine.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def with_instances(it: Supervisor, instances: int) -> Service:
    return evolve(it.service, instances=instances)


# Only the number of instances


def test_more_instances_are_filled_at_once(stage: Stage) -> None:
    it = supervised(stage)
    before = run_in(stage, 0)
    it.resize(with_instances(it, 3))
    stage.settle()
    assert slots(stage) == [0, 1, 2]
    assert run_in(stage, 0).id == before.id
    assert run_in(stage, 2).triggered_by is TriggeredBy.SERVICE


def test_fewer_instances_stop_the_surplus_highest_index_first(stage: Stage) -> None:
    it = supervised(stage, "instances = 4")
    it.resize(with_instances(it, 2))
    stage.settle()
    wait(stage, 100)
    assert slots(stage) == [0, 1]
    ended = [run for run in stage.rows() if run.status is Status.ENDED]
    assert {(run.replica_index, run.end_reason) for run in ended} == {
        (3, EndReason.STOPPED),
        (2, EndReason.STOPPED),
    }
    assert [event.run.replica_index for event in stage.events if isinstance(event, RunEnded)] == [3, 2]
    assert it.state is ServiceState.RUNNING


def test_fewer_instances_end_the_waits_of_the_surplus_for_a_restart(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    exit_slot(stage, 1)
    it.resize(with_instances(it, 1))
    wait(stage, 100)
    assert len(stage.children) == 2
    assert [replica.replica_index for replica in it.report().replicas] == [0]


def test_a_surplus_process_is_counted_and_waited_for_until_it_is_gone(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    make_stubborn(stage)
    surplus = run_in(stage, 1)
    it.resize(with_instances(it, 1))
    assert (it.active_count, [*it.waiting_for()]) == (2, [surplus.id])
    wait(stage, 5)
    assert (it.active_count, it.waiting_for()) == (1, {})


def test_a_slot_that_comes_back_while_its_process_is_being_stopped_is_filled_when_it_is_gone(
    stage: Stage,
) -> None:
    it = supervised(stage, "instances = 3")
    make_stubborn(stage)
    it.resize(with_instances(it, 1))
    it.resize(with_instances(it, 2))
    assert len(stage.children) == 3
    wait(stage, 5)
    assert slots(stage) == [0, 1]
    assert len(stage.spawner.alive) == 2
    assert it.state is ServiceState.RUNNING


def test_a_free_slot_is_triggered_while_surplus_processes_are_still_there(stage: Stage) -> None:
    it = supervised(stage, "instances = 3")
    make_stubborn(stage)
    it.resize(with_instances(it, 1))
    stage.spawner.of(run_in(stage, 0)).exit(1)
    stage.settle()
    assert trigger(stage, it).status is Status.RUNNING
    wait(stage, 5)
    assert slots(stage) == [0]


def test_a_queued_run_takes_no_slot_of_the_surplus(stage: Stage) -> None:
    it = supervised(stage, 'instances = 2\non_overlap = "queue"')
    queued = trigger(stage, it)
    it.resize(with_instances(it, 1))
    stage.settle()
    assert stage.row(queued).status is Status.PENDING
    exit_slot(stage, 0)
    assert run_in(stage, 0).id == queued.id


def test_queued_runs_take_new_slots_before_the_supervisor_does(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "queue"')
    queued = trigger(stage, it)
    it.resize(with_instances(it, 3))
    stage.settle()
    assert run_in(stage, 1).id == queued.id
    assert run_in(stage, 2).triggered_by is TriggeredBy.SERVICE
    assert it.queued_count == 0


def test_more_instances_leave_a_stopped_service_stopped(stage: Stage) -> None:
    it = supervised(stage)
    it.stop()
    it.resize(with_instances(it, 3))
    wait(stage, 100)
    assert it.state is ServiceState.STOPPED
    it.start(TriggeredBy.API)
    stage.settle()
    assert slots(stage) == [0, 1, 2]


def test_a_fatal_slot_that_is_taken_away_comes_back_fresh(stage: Stage) -> None:
    it = supervised(stage, "instances = 2\nrestart_attempts = 0")
    exit_slot(stage, 1)
    it.resize(with_instances(it, 1))
    it.resize(with_instances(it, 2))
    stage.settle()
    assert it.state is ServiceState.RUNNING


# Anything else


def test_a_new_definition_is_respawned_in_every_slot(stage: Stage) -> None:
    it = supervised(stage, "instances = 3")
    exit_slot(stage, 2)
    it.replace(evolve(it.service, run="another", instances=4))
    stage.settle()
    assert slots(stage) == [0, 1, 2, 3]
    assert {child.launch.argv[-1] for child in stage.spawner.alive} == {"another"}
    assert {run.triggered_by for run in stage.rows()} == {TriggeredBy.SERVICE}


def test_a_new_definition_waits_for_the_old_processes_with_their_own_grace(stage: Stage) -> None:
    it = supervised(stage, 'graceful_stop = "3s"')
    make_stubborn(stage)
    it.replace(evolve(it.service, run="another", graceful_stop=Seconds(60)))
    wait(stage, 2.9)
    assert len(stage.children) == 1
    wait(stage, 0.1)
    assert stage.spawner.alive[0].launch.argv[-1] == "another"


def test_a_stop_survives_a_new_definition(stage: Stage) -> None:
    it = supervised(stage, "instances = 2")
    make_stubborn(stage)
    it.stop()
    it.replace(evolve(it.service, run="another", instances=3))
    wait(stage, 100)
    assert it.state is ServiceState.STOPPED
    assert len(stage.children) == 2


def test_fatal_survives_a_new_definition(stage: Stage) -> None:
    it = supervised(stage, "instances = 2\nrestart_attempts = 0")
    exit_slot(stage, 0)
    it.replace(evolve(it.service, run="another"))
    wait(stage, 100)
    assert (it.state, slots(stage)) == (ServiceState.DEGRADED, [1])
    assert it.report().replicas[0].failed_starts == 1


def test_a_restart_that_is_under_way_brings_up_the_new_definition(stage: Stage) -> None:
    it = supervised(stage)
    make_stubborn(stage)
    it.restart()
    it.replace(evolve(it.service, run="another"))
    wait(stage, 5)
    (child,) = stage.spawner.alive
    assert child.launch.argv[-1] == "another"
    assert run_in(stage, 0).triggered_by is TriggeredBy.API


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("queue", "skip", EndReason.SKIPPED),
        ("queue", "terminate", EndReason.SKIPPED),
        ("queue", "queue", None),
        ("terminate", "terminate", None),
        ("terminate", "queue", None),
        ("terminate", "skip", EndReason.SKIPPED),
    ],
)
def test_queued_runs_end_when_the_service_queues_no_longer(
    stage: Stage, before: str, after: str, reason: EndReason | None
) -> None:
    it = supervised(stage, f'on_overlap = "{before}"')
    make_stubborn(stage)
    queued = trigger(stage, it)
    it.replace(evolve(it.service, on_overlap=Overlap(after), run="another"))
    stage.settle()
    assert stage.row(queued).end_reason is reason
    wait(stage, 5)
    assert (run_in(stage, 0).id == queued.id) is (reason is None)
    assert len(stage.spawner.alive) == 1


def test_a_service_that_is_gone_from_the_configuration_ends_with_its_queue(stage: Stage) -> None:
    it = supervised(stage, 'on_overlap = "queue"')
    queued = trigger(stage, it)
    it.retire()
    stage.settle()
    assert it.is_idle
    row = stage.row(queued)
    assert (row.end_reason, row.exit_code) == (EndReason.SKIPPED, -1)
    assert [child.signals for child in stage.children] == [[SIGTERM]]
