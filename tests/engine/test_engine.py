from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest
from twisted.internet.defer import Deferred

from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.ladder import Phase
from runwisp.engine.recovery import Recovery
from runwisp.errors import Refused, StorageError, UnknownUnit
from runwisp.model import EndReason, Run, TriggerSource
from tests.engine.stage import Stage
from tests.make import config

CONFIG = """
[tasks.every-five]
cron = "*/5 * * * * *"
run = "true"
[tasks.by-hand]
run = "true"
[tasks.locked]
api_trigger = false
cron = "0 0 1 1 *"
run = "true"
[services.web]
instances = 2
run = "true"
"""


class Rig:
    def __init__(self) -> None:
        self.stage = Stage()
        known = config(CONFIG)
        self.engine = Engine(self.stage.resources, known)
        recovery = Recovery(self.stage.resources, known, lambda run, note: None, lambda orphans: {})
        self._boot = Boot(self.engine, recovery, self.stage.database, lambda: None)

    def boot(self) -> None:
        self.stage.resources.background.start("boot", self._boot.bring_up())
        self.stage.settle()

    def shut_down(self, timeout_s: float = 10.0) -> Deferred[None]:
        done = Deferred.fromCoroutine(self.engine.shut_down(timeout_s))
        self.stage.settle()
        return done


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_starting_arms_the_schedules_and_fills_the_services(rig: Rig) -> None:
    rig.boot()
    assert [run.label for run in rig.stage.rows()] == ["web", "web#1"]
    assert rig.engine.active_count == 2
    assert rig.engine.summary() == "3 tasks, 1 services, 2 active runs"
    rig.stage.clock.advance(5)
    rig.stage.settle()
    assert rig.stage.rows()[-1].task_name == "every-five"
    assert rig.shut_down().called


def test_a_trigger_fires_a_task_and_names_its_source(rig: Rig) -> None:
    fired: list[Run] = []
    rig.engine.trigger("by-hand", TriggerSource.CLI).addCallback(fired.append)
    rig.stage.settle()
    assert (fired[0].triggered_by, fired[0].trigger_source) == ("api", "cli")
    assert not rig.engine.is_idle
    rig.stage.children[0].exit(0)
    rig.stage.settle()
    assert rig.engine.is_idle


def test_a_trigger_that_must_not_be_is_refused(rig: Rig) -> None:
    with pytest.raises(UnknownUnit):
        rig.engine.trigger("by-hnad", None)
    with pytest.raises(Refused, match="locked"):
        rig.engine.trigger("locked", None)
    assert rig.stage.rows() == []


def test_a_shutdown_stops_everything_and_refuses_what_comes(rig: Rig) -> None:
    rig.boot()
    rig.engine.trigger("by-hand", None)
    rig.stage.settle()
    assert rig.shut_down().called
    assert [run.end_reason for run in rig.stage.rows()] == [EndReason.STOPPED] * 3
    with pytest.raises(Refused, match="shutting down"):
        rig.engine.trigger("by-hand", None)
    rig.stage.clock.advance(60)
    assert len(rig.stage.rows()) == 3
    assert rig.stage.clock.getDelayedCalls() == []


def test_a_shutdown_waits_for_the_last_row(rig: Rig) -> None:
    rig.boot()
    commit = rig.stage.database.hold()
    done = rig.shut_down()
    assert (rig.stage.spawner.alive, done.called) == ([], False)
    commit()
    rig.stage.settle()
    assert done.called
    assert [run.end_reason for run in rig.stage.rows()] == [EndReason.STOPPED] * 2


def test_at_the_end_of_the_shutdown_timeout_the_rest_is_killed(rig: Rig) -> None:
    rig.boot()
    stubborn = rig.stage.children[1]
    stubborn.ignores.add(SIGTERM)
    done = rig.shut_down(3.0)
    assert not done.called
    (waited_for,) = rig.engine.waiting_for().items()
    assert waited_for == (rig.stage.rows()[1].id, Phase.ASKED)
    rig.stage.clock.advance(3)
    rig.stage.settle()
    assert done.called
    assert stubborn.signals == [SIGTERM, SIGKILL]
    assert {run.label: run.end_reason for run in rig.stage.rows()} == {
        "web": EndReason.STOPPED,
        "web#1": EndReason.DAEMON_STOPPED,
    }


def test_a_run_whose_row_is_lost_at_the_end_of_the_shutdown_gets_no_process(rig: Rig) -> None:
    rig.boot()
    for child in rig.stage.children:
        child.ignores.add(SIGTERM)
    rig.stage.database.refusal = StorageError("the disk is full")
    rig.engine.trigger("by-hand", None)
    done = rig.shut_down(3.0)
    rig.stage.clock.advance(3)
    rig.stage.settle()
    assert done.called
    assert len(rig.stage.children) == 2
    assert rig.stage.clock.getDelayedCalls() == []
