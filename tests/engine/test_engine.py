from __future__ import annotations

from collections.abc import Coroutine
from signal import SIGKILL, SIGTERM

import pytest
from twisted.internet.defer import Deferred

from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.ladder import Phase
from runwisp.engine.recovery import Recovery
from runwisp.errors import Refused, ShuttingDown, StorageError, UnknownUnit
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


def begin(rig: Rig, work: Coroutine[Deferred[object], object, Run | None]) -> list[Run | None]:
    """Start ``work``; its result is added to the list when it is there."""
    results: list[Run | None] = []
    Deferred.fromCoroutine(work).addCallback(results.append)
    rig.stage.settle()
    return results


def stubborn_run(rig: Rig) -> None:
    rig.engine.trigger("by-hand", None)
    rig.stage.settle()
    rig.stage.children[-1].ignores.add(SIGTERM)


def pass_time(rig: Rig, seconds: float) -> None:
    rig.stage.clock.advance(seconds)
    rig.stage.settle()


def test_a_restart_fires_once_the_task_is_idle(rig: Rig) -> None:
    stubborn_run(rig)
    restarted = begin(rig, rig.engine.restart("by-hand", TriggerSource.UI))
    assert (restarted, len(rig.stage.rows())) == ([], 1)
    pass_time(rig, 5)
    assert [run.end_reason for run in rig.stage.rows()] == [EndReason.STOPPED, None]
    assert restarted == [rig.stage.rows()[1]]


def test_a_stop_calls_off_a_restart_that_waits(rig: Rig) -> None:
    stubborn_run(rig)
    restarted = begin(rig, rig.engine.restart("by-hand", None))
    rig.engine.stop("by-hand")
    pass_time(rig, 5)
    assert restarted == [None]
    assert [run.end_reason for run in rig.stage.rows()] == [EndReason.STOPPED]


def test_restarts_that_come_while_one_waits_lead_to_one_run(rig: Rig) -> None:
    stubborn_run(rig)
    first = begin(rig, rig.engine.restart("by-hand", None))
    second = begin(rig, rig.engine.restart("by-hand", None))
    pass_time(rig, 5)
    assert (first, second) == ([None], [rig.stage.rows()[1]])
    assert len(rig.stage.rows()) == 2


def test_what_runs_and_waits_is_counted_for_each_unit_and_in_all(rig: Rig) -> None:
    rig.boot()
    for _ in range(3):
        rig.engine.trigger("by-hand", None)
    rig.stage.settle()
    assert (rig.engine.active_runs("by-hand"), rig.engine.queued_runs("by-hand")) == (1, 2)
    assert (rig.engine.active_runs("web"), rig.engine.queued_runs("web")) == (2, 0)
    assert (rig.engine.active_count, rig.engine.queued_count) == (3, 2)
    assert (rig.engine.active_runs("nobody"), rig.engine.queued_runs("nobody")) == (0, 0)


@pytest.mark.parametrize("order", ["stop", "pause", "resume"])
def test_a_daemon_that_shuts_down_takes_no_orders(rig: Rig, order: str) -> None:
    rig.boot()
    rig.shut_down()
    with pytest.raises(ShuttingDown):
        getattr(rig.engine, order)("every-five")
    with pytest.raises(UnknownUnit):
        getattr(rig.engine, order)("nobody")


def test_a_paused_task_knows_since_when(rig: Rig) -> None:
    rig.boot()
    rig.engine.pause("every-five")
    since = int(rig.stage.wall() * 1000)
    pass_time(rig, 60)
    rig.engine.pause("every-five")
    assert rig.engine.paused == {"every-five": since}
