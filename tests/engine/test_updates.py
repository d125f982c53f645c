"""What the bus hears of beside the beginnings and ends of runs."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM

from attrs import evolve

from runwisp.engine.engine import Engine
from runwisp.engine.reload import Reloading
from runwisp.events import (
    Event,
    RunCreated,
    RunEnded,
    RunStarted,
    RunUpdated,
    ServiceUpdated,
    TasksChanged,
    TaskUpdated,
)
from runwisp.model import ReplicaState, Run, ServiceReport, ServiceState
from runwisp.policy.reload import plan_reload
from tests.engine.slots import exit_slot, supervised, wait
from tests.engine.stage import Stage
from tests.make import config

CONFIG = """
[tasks.t]
cron = "@daily"
run = "true"
[services.s]
autostart = false
run = "true"
"""


class Rig:
    def __init__(self) -> None:
        self.stage = Stage()
        self.engine = Engine(self.stage.resources, config(CONFIG))

    def news(self) -> list[Event]:
        """What the bus has heard since the last time."""
        self.stage.settle()
        news = list(self.stage.events)
        self.stage.events.clear()
        return news

    def trigger(self) -> Run:
        self.engine.trigger("t", None)
        self.stage.settle()
        return self.stage.rows()[-1]


def reports(stage: Stage) -> list[ServiceReport]:
    return [event.report for event in stage.events if isinstance(event, ServiceUpdated)]


def test_a_stop_is_told_once_and_the_run_is_stopping_until_it_has_ended() -> None:
    rig = Rig()
    run = rig.trigger()
    rig.stage.children[0].ignores.update({SIGTERM, SIGKILL})
    rig.news()
    assert not rig.engine.is_stopping(run.id)
    rig.engine.stop_run(run.id)
    rig.engine.stop("t")
    assert rig.news() == [RunUpdated(run, is_stopping=True)]
    assert rig.engine.is_stopping(run.id)
    rig.stage.children[0].exit()
    assert [type(event) for event in rig.news()] == [RunEnded]
    assert not rig.engine.is_stopping(run.id)


def test_a_stop_that_comes_before_the_row_is_told_after_it() -> None:
    rig = Rig()
    commit = rig.stage.database.hold()
    rig.engine.trigger("t", None)
    rig.engine.stop("t")
    assert rig.news() == []
    commit()
    news = rig.news()
    assert [type(event) for event in news] == [RunCreated, RunStarted, RunUpdated, RunEnded]


def test_a_replica_that_is_stopped_alone_is_stopping() -> None:
    rig = Rig()
    rig.engine.supervisors["s"].trigger(None)
    rig.news()
    (run,) = rig.stage.rows()
    rig.stage.children[0].ignores.add(SIGTERM)
    rig.engine.stop_run(run.id)
    assert RunUpdated(run, is_stopping=True) in rig.news()
    assert rig.engine.is_stopping(run.id)
    rig.stage.children[0].exit()
    rig.stage.settle()
    assert not rig.engine.is_stopping(run.id)


def test_all_slots_that_change_in_one_turn_are_told_together_and_after_their_runs() -> None:
    stage = Stage()
    it = supervised(stage, "instances = 3")
    assert [type(event) for event in stage.events] == [RunCreated, RunStarted] * 3 + [ServiceUpdated]
    assert reports(stage) == [it.report()]
    assert (it.report().state, it.report().running) == (ServiceState.RUNNING, 3)


def test_every_change_of_a_slot_is_told() -> None:
    stage = Stage()
    it = supervised(stage)
    exit_slot(stage, 0)
    wait(stage, 1)
    it.stop()
    stage.settle()
    states = [report.replicas[0].state for report in reports(stage)]
    assert states[:3] == [ReplicaState.RUNNING, ReplicaState.RESTARTING, ReplicaState.RUNNING]
    assert states[-1] is ReplicaState.STOPPED
    assert reports(stage)[-1] == it.report()
    told = len(stage.events)
    it.stop()
    stage.settle()
    assert len(stage.events) == told


def test_more_slots_are_told_of_and_a_service_that_is_gone_no_more() -> None:
    stage = Stage()
    it = supervised(stage)
    it.resize(evolve(it.service, instances=2))
    stage.settle()
    assert len(reports(stage)[-1].replicas) == 2
    told = len(reports(stage))
    it.retire()
    stage.settle()
    assert len(reports(stage)) == told


def test_a_pause_and_its_end_are_told_once() -> None:
    rig = Rig()
    rig.engine.pause("t")
    rig.engine.pause("t")
    assert rig.news() == [TaskUpdated("t")]
    rig.engine.resume("t")
    rig.engine.resume("t")
    assert rig.news() == [TaskUpdated("t")]


def test_a_reload_that_changes_something_is_told_after_what_it_writes() -> None:
    rig = Rig()
    new = config('[tasks.new]\nrun = "true"\n[services.s]\nautostart = false\nrun = "false"\n')
    commit = rig.stage.database.hold()
    Reloading(rig.engine, new, plan_reload(rig.engine.config, new)).apply()
    assert rig.news() == []
    commit()
    assert rig.news() == [
        TasksChanged(added=("new",), removed=("t",), changed={"s": ("run",)}, settings=(), warnings=())
    ]
