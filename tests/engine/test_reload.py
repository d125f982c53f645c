from __future__ import annotations

from collections.abc import Sequence
from signal import SIGTERM

import pytest
from twisted.internet.defer import Deferred

from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.reload import Reloading
from runwisp.engine.scheduler import Gap
from runwisp.errors import Refused
from runwisp.events import TasksChanged
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.policy.catch_up import CatchUpPlan
from runwisp.policy.reload import plan_reload
from runwisp.store import marks
from tests.engine.fakes import FakeChild
from tests.engine.stage import Stage
from tests.make import config


class Rig:
    def __init__(self, text: str) -> None:
        self.stage = Stage()
        known = config(text)
        self.engine = Engine(self.stage.resources, known)
        recovery = Recovery(self.stage.resources, known, lambda run, note: None, lambda orphans: {})
        boot = Boot(self.engine, recovery, self.stage.database, lambda: None)
        self.stage.resources.background.start("boot", boot.bring_up())
        self.stage.settle()

    def reload(self, text: str) -> TasksChanged:
        new = config(text)
        changes = Reloading(self.engine, new, plan_reload(self.engine.config, new)).apply()
        self.stage.settle()
        return changes

    def trigger(self, name: str) -> Run:
        fired: list[Run] = []
        self.engine.trigger(name, None).addCallback(fired.append)
        self.stage.settle()
        return fired[0]

    def alive(self, name: str) -> list[FakeChild]:
        ids = [run.id for run in self.stage.rows() if run.task_name == name]
        return [child for child in self.stage.spawner.alive if child.launch.env["RUNWISP_RUN_ID"] in ids]

    def wait(self, seconds: float) -> None:
        """Let time pass in steps that no scheduler takes for a sleep of the machine."""
        self.stage.clock.pump([30.0] * int(seconds // 30) + [seconds % 30])
        self.stage.settle()


HOURLY = '[tasks.t]\ncron = "0 * * * *"\ntimezone = "UTC"\n'


def test_an_added_task_is_scheduled_and_an_added_service_started() -> None:
    rig = Rig("")
    rig.reload(HOURLY + 'run = "true"\nrun_on_start = true\n[services.s]\nrun = "true"\n')
    assert [run.task_name for run in rig.stage.rows()] == ["s"]
    rig.wait(3600)
    assert [run.task_name for run in rig.stage.rows()] == ["s", "t"]


def test_a_removed_task_fires_no_more_its_run_finishes_and_its_queue_ends() -> None:
    rig = Rig(HOURLY + 'run = "true"\nretry_attempts = 3\n')
    running, queued = rig.trigger("t"), rig.trigger("t")
    rig.reload("")
    assert rig.stage.row(queued).end_reason is EndReason.SKIPPED
    assert rig.stage.row(running).status is Status.RUNNING
    rig.stage.spawner.of(running).exit(1)
    rig.wait(7200)
    assert rig.stage.row(running).end_reason is EndReason.FAILED
    assert rig.stage.row(running).next_retry_at is None
    assert len(rig.stage.rows()) == 2
    assert rig.engine.retired == []
    assert rig.stage.database.now(marks.registrations) == {}


def test_a_changed_task_runs_under_its_new_definition_from_the_next_firing_on() -> None:
    rig = Rig(HOURLY + 'run = "old"\ntimeout = "1h"\n')
    before = rig.trigger("t")
    rig.reload(HOURLY + 'run = "new"\nparallelism = 2\n')
    after = rig.trigger("t")
    assert rig.stage.spawner.of(before).launch.argv[-1] == "old"
    assert rig.stage.spawner.of(after).launch.argv[-1] == "new"
    rig.wait(3600)
    assert rig.stage.row(before).end_reason is EndReason.TIMEOUT


def test_more_parallelism_starts_what_waits() -> None:
    rig = Rig('[tasks.t]\nrun = "true"\n')
    rig.trigger("t")
    queued = rig.trigger("t")
    rig.reload('[tasks.t]\nrun = "true"\nparallelism = 2\n')
    assert rig.stage.row(queued).status is Status.RUNNING


def test_a_task_that_no_longer_queues_ends_what_waited() -> None:
    rig = Rig('[tasks.t]\nrun = "true"\n')
    rig.trigger("t")
    queued = rig.trigger("t")
    rig.reload('[tasks.t]\nrun = "true"\non_overlap = "skip"\n')
    assert rig.stage.row(queued).end_reason is EndReason.SKIPPED


def test_a_retry_waits_as_its_run_was_told_and_runs_as_the_task_is_now() -> None:
    rig = Rig('[tasks.t]\nrun = "old"\nretry_attempts = 1\nretry_delay = "10s"\n')
    run = rig.trigger("t")
    rig.reload('[tasks.t]\nrun = "new"\nretry_attempts = 1\nretry_delay = "1h"\n')
    rig.stage.spawner.of(run).exit(1)
    rig.wait(10)
    assert rig.stage.rows()[-1].retry_of_run_id == run.id
    assert rig.stage.spawner.alive[-1].launch.argv[-1] == "new"


def test_a_moved_schedule_counts_from_the_reload() -> None:
    rig = Rig(HOURLY + 'run = "true"\n')
    rig.wait(600)
    rig.reload('[tasks.t]\ncron = "30 * * * *"\ntimezone = "UTC"\nrun = "true"\n')
    mark = rig.stage.database.now(marks.registrations)["t"].last_tick_at
    assert mark == int(rig.stage.wall() * 1000)
    rig.wait(1200)
    assert len(rig.stage.rows()) == 1


MINUTELY = '[tasks.t]\ncron = "* * * * *"\ntimezone = "UTC"\nrun = "true"\n'


def test_what_was_missed_before_a_reload_was_missed_under_the_old_schedule() -> None:
    rig = Rig(MINUTELY)
    rig.wait(1)
    rig.stage.wall_offset_s += 300
    rig.reload('[tasks.a]\ncron = "* * * * *"\ntimezone = "UTC"\nrun = "true"\n[tasks.t]\nrun = "true"\n')
    assert [run.end_reason for run in rig.stage.rows()] == [EndReason.MISSED, None]


@pytest.mark.parametrize("change", ["pause", "reload"])
def test_a_schedule_that_is_paused_or_moved_while_its_gap_is_counted_owes_nothing(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(MINUTELY)
    counted: Deferred[dict[str, CatchUpPlan]] = Deferred()
    plan = rig.engine.catching_up.plan

    def count_slowly(gaps: Sequence[Gap], now: UnixMs) -> Deferred[dict[str, CatchUpPlan]]:
        return plan(gaps, now).addCallback(lambda plans: counted.addCallback(lambda _: plans))

    monkeypatch.setattr(rig.engine.catching_up, "plan", count_slowly)
    rig.stage.clock.advance(300)
    if change == "pause":
        rig.engine.pause("t")
    else:
        rig.reload(MINUTELY.replace("* * * * *", "0 * * * *"))
    before = rig.stage.database.now(marks.registrations)
    counted.callback({})
    rig.stage.settle()
    assert rig.stage.rows() == []
    assert rig.stage.database.now(marks.registrations) == before


def test_a_pause_survives_unless_it_makes_no_sense_any_more() -> None:
    rig = Rig(HOURLY + 'run = "true"\n')
    rig.engine.pause("t")
    rig.reload(HOURLY + 'run = "false"\n')
    assert set(rig.engine.paused) == {"t"}
    rig.reload(HOURLY + 'run = "false"\napi_trigger = false\n')
    assert rig.engine.paused == {}
    rig.wait(3600)
    assert len(rig.stage.rows()) == 1


def test_a_service_scales_without_touching_the_replicas_that_stay() -> None:
    rig = Rig('[services.s]\nrun = "true"\ninstances = 2\n')
    first, second = rig.alive("s")
    rig.reload('[services.s]\nrun = "true"\ninstances = 3\n')
    assert len(rig.alive("s")) == 3
    rig.reload('[services.s]\nrun = "true"\ninstances = 1\n')
    rig.wait(0)
    assert rig.alive("s") == [first]
    assert second.signals == [SIGTERM]


def test_a_changed_service_is_replaced_under_its_new_definition() -> None:
    rig = Rig('[services.s]\nrun = "old"\n')
    rig.reload('[services.s]\nrun = "new"\n')
    rig.wait(0)
    (child,) = rig.alive("s")
    assert child.launch.argv[-1] == "new"


def test_a_stopped_service_stays_stopped() -> None:
    rig = Rig('[services.s]\nrun = "old"\n')
    rig.engine.stop("s")
    rig.wait(0)
    rig.reload('[services.s]\nrun = "new"\ninstances = 2\n')
    rig.wait(60)
    assert rig.alive("s") == []


def test_a_removed_service_is_stopped_for_good() -> None:
    rig = Rig('[services.s]\nrun = "true"\ninstances = 2\n')
    rig.reload("")
    rig.wait(60)
    assert rig.stage.spawner.alive == []
    assert rig.engine.retired == []


def test_a_service_becomes_a_task_when_its_replicas_are_gone() -> None:
    rig = Rig('[services.t]\nrun = "true"\n')
    (child,) = rig.alive("t")
    child.ignores.add(SIGTERM)
    rig.reload(HOURLY + 'run = "true"\n')
    assert "t" not in rig.engine.keepers
    rig.wait(5)
    assert rig.engine.scheduler.next_run("t") is not None
    assert rig.stage.spawner.alive == []


def stubborn_service(*reloads: str) -> Rig:
    """A service that the first of ``reloads`` makes a task, and whose process takes its time to stop."""
    rig = Rig('[services.t]\nrun = "true"\n')
    rig.alive("t")[0].ignores.add(SIGTERM)
    for text in reloads:
        rig.reload(text)
    return rig


def test_a_task_that_waits_for_the_replicas_of_its_name_may_change_meanwhile() -> None:
    rig = stubborn_service(HOURLY + 'run = "old"\n', HOURLY + 'run = "old"\n', HOURLY + 'run = "new"\n')
    rig.wait(5)
    assert rig.engine.keepers["t"].task.run == "new"
    registration = rig.stage.database.now(marks.registrations)["t"]
    assert registration.first_seen_at == int(rig.stage.wall() * 1000)


@pytest.mark.parametrize("back", ["", '[services.t]\nrun = "true"\n'])
def test_a_task_that_waits_for_the_replicas_of_its_name_may_go_meanwhile(back: str) -> None:
    rig = stubborn_service(HOURLY + 'run = "true"\n', back)
    rig.wait(5)
    assert rig.engine.keepers == {}
    assert rig.engine.retired == []
    assert len(rig.stage.spawner.alive) == len(rig.engine.supervisors)


def test_a_task_that_goes_and_comes_again_still_waits_for_the_replicas_of_its_name() -> None:
    rig = stubborn_service(HOURLY + 'run = "old"\n', "", HOURLY + 'run = "new"\n')
    assert rig.engine.keepers == {}
    rig.wait(5)
    assert rig.engine.keepers["t"].task.run == "new"


@pytest.mark.parametrize("order", ["trigger", "pause", "resume", "stop"])
def test_a_task_that_waits_for_the_replicas_of_its_name_takes_no_orders(order: str) -> None:
    rig = stubborn_service(HOURLY + 'run = "true"\n')
    with pytest.raises(Refused, match="still being stopped"):
        rig.engine.trigger("t", None) if order == "trigger" else getattr(rig.engine, order)("t")
    rig.wait(5)
    assert rig.trigger("t").status is Status.RUNNING


def test_a_restart_fires_the_task_that_has_the_name_when_the_old_one_is_idle() -> None:
    rig = Rig('[tasks.t]\nrun = "old"\n')
    rig.stage.spawner.of(rig.trigger("t")).ignores.add(SIGTERM)
    rig.stage.resources.background.start("restart", rig.engine.restart("t", None))
    rig.reload("")
    rig.reload('[tasks.t]\nrun = "new"\n')
    rig.wait(5)
    (child,) = rig.stage.spawner.alive
    assert child.launch.argv[-1] == "new"
    assert rig.engine.keepers["t"].active_count == 1


def test_a_task_becomes_a_service_while_its_run_finishes() -> None:
    rig = Rig('[tasks.t]\nrun = "true"\n')
    run = rig.trigger("t")
    rig.reload('[services.t]\nrun = "true"\n')
    assert len(rig.alive("t")) == 2
    rig.stage.spawner.of(run).exit(0)
    rig.wait(0)
    assert rig.stage.row(run).end_reason is EndReason.SUCCESS


def test_a_shutdown_also_stops_what_was_removed() -> None:
    rig = Rig('[tasks.t]\nrun = "true"\n')
    run = rig.trigger("t")
    rig.reload("")
    rig.stage.resources.background.start("shutdown", _later(rig))
    rig.wait(0)
    assert rig.stage.row(run).end_reason is EndReason.STOPPED


async def _later(rig: Rig) -> None:
    rig.engine.is_closing = True
    for owner in rig.engine.retired:
        owner.close()


@pytest.mark.parametrize("text", ["", '[tasks.t]\nrun = "true"\n'])
def test_a_reload_without_changes_does_nothing(text: str) -> None:
    rig = Rig(text)
    events = len(rig.stage.events)
    rig.reload(text)
    assert len(rig.stage.events) == events


@pytest.mark.parametrize("back", ['[tasks.t]\nrun = "new"\n', '[services.t]\nrun = "new"\n'])
def test_a_stop_also_reaches_what_ran_under_the_name_before_a_reload(back: str) -> None:
    rig = Rig('[tasks.t]\nrun = "old"\n')
    old = rig.trigger("t")
    rig.reload("")
    rig.reload(back)
    assert rig.engine.active_runs("t") == len(rig.engine.supervisors) + 1
    rig.engine.stop("t")
    rig.wait(0)
    assert rig.stage.row(old).end_reason is EndReason.STOPPED
    assert rig.engine.active_runs("t") == 0


def test_a_reload_says_what_has_changed_and_what_to_look_at() -> None:
    rig = Rig(HOURLY + 'run = "true"\n[services.s]\nrun = "true"\nrestart_attempts = 0\n')
    began = rig.engine.config_loaded_at
    rig.alive("s")[0].exit(1)
    rig.engine.pause("t")
    rig.wait(10)
    changes = rig.reload(
        HOURLY + 'run = "true"\napi_trigger = false\n[services.s]\nrun = "false"\nrestart_attempts = 0\n'
    )
    assert (changes.added, changes.removed, changes.settings) == ((), (), ())
    assert changes.changed == {"s": ("run",), "t": ("api_trigger",)}
    fatal, lifted = changes.warnings
    assert fatal == "s stays fatal over the reload (replicas 0)"
    assert lifted.startswith("the pause of t is lifted: ")
    assert rig.engine.config_loaded_at == began + 10_000
