"""The bell and the routes of a whole daemon in memory: a real engine with fake processes."""

from __future__ import annotations

from functools import partial

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from runwisp.events import DiskPressure, NotificationChanged, RunEnded
from runwisp.model import Bytes, EndReason, Severity, Status, UnixMs
from runwisp.notify.router import MOST_WAITING
from runwisp.notify.seams import IOutbound
from runwisp.policy.coalescing import Due
from runwisp.store import notices
from tests import make
from tests.notify.events import ended_run
from tests.notify.house import House
from tests.notify.outlet import FakeOutbound

TASK = '[tasks.backup]\nrun = "true"\n'
OPS = '[[notifier]]\nid = "ops"\ntype = "slack"\nwebhook_url = "https://hooks.example.net/1"\n'
TO_OPS = f'[notify]\ndefault_notifiers = ["ops"]\n{OPS}{TASK}'


def test_the_stand_in_can_do_what_outbound_delivery_can() -> None:
    verifyObject(IOutbound, FakeOutbound())


def test_a_failing_task_makes_one_row_and_its_repeat_makes_that_unread_again() -> None:
    house = House(TASK)
    house.finish("backup")
    (row,) = house.rows()
    assert house.told() == [NotificationChanged(notification=row, is_new=True, unread_count=1)]
    assert (row.kind, row.severity, row.title, row.count) == (
        "run.failed",
        Severity.ERROR,
        "backup failed",
        1,
    )
    run = house.stage.rows()[-1]
    assert (row.run_id, row.task_name) == (run.id, "backup")
    assert row.body == f"failed, exit code 1, 0 s · run {run.id}"

    read_at = UnixMs(row.created_at + 1)
    house.stage.database.now(partial(notices.set_read, notification_id=row.id, read_at=read_at))
    house.wait(60)
    house.finish("backup", 9)
    (again,) = house.rows()
    assert house.told() == [NotificationChanged(notification=again, is_new=False, unread_count=1)]
    assert (again.id, again.count, again.read_at, again.created_at) == (row.id, 2, None, row.created_at)
    assert again.run_id == house.stage.rows()[-1].id
    assert again.occurrence_ring == (row.created_at + 60_000, row.created_at)
    assert house.outbound.asked == ["start"]


def test_a_success_lights_the_bell_only_for_those_who_ask() -> None:
    house = House(TASK)
    house.finish("backup", 0)
    assert house.rows() == []
    house = House(f'{OPS}{TASK}notify_on_success = ["ops"]')
    house.finish("backup", 0)
    assert [row.title for row in house.rows()] == ["backup succeeded"]
    assert house.sent() == [("ops", "run.succeeded", None)]


def test_a_skipped_run_raises_nothing_unless_its_unit_calls_it_a_failure() -> None:
    for lines, title in (("", []), ('failures = ["+skipped"]\n', ["backup failed"])):
        house = House(f'{TASK}on_overlap = "skip"\n{lines}')
        child = house.begin("backup")
        house.engine.trigger("backup", None)
        house.stage.settle()
        assert [row.title for row in house.rows()] == title
        child.exit(0)
        house.stage.settle()


def test_a_log_that_overflows_is_a_failed_run() -> None:
    house = House(f'{TASK}log_on_full = "kill_task"')
    house.stage.log_limit = 3
    house.begin("backup").say(b"too much\n")
    house.wait(1)
    (row,) = house.rows()
    assert (row.kind, row.severity) == ("run.failed", "error")
    assert row.body.startswith("log_overflow")


def test_a_stopped_run_is_told_only_through_a_route() -> None:
    route = '[[notification_route]]\nmatch = { kind = "run.stopped" }\nnotify = ["ops", "inapp"]\n'
    for toml_text, titles, sent in (
        (TASK, [], []),
        (OPS + route + TASK, ["backup was stopped"], [("ops", "run.stopped", None)]),
    ):
        house = House(toml_text)
        house.begin("backup")
        house.engine.stop("backup")
        house.stage.settle()
        assert [row.title for row in house.rows()] == titles
        assert house.sent() == sent


def test_without_default_notifiers_a_failure_leaves_no_row() -> None:
    house = House(f"[notify]\ndefault_notifiers = []\n{TASK}")
    house.finish("backup")
    assert house.rows() == []
    assert house.told() == []
    assert house.sent() == []


def test_what_crashed_with_an_earlier_daemon_is_told_at_the_boot() -> None:
    orphans = [
        make.run("backup", status=Status.RUNNING, start_at=UnixMs(1_700_000_000_000)),
        make.run("gone", status=Status.RUNNING, start_at=UnixMs(1_700_000_000_000)),
    ]
    house = House(TASK, *orphans)
    assert sorted(row.title for row in house.rows()) == ["backup crashed", "gone crashed"]
    assert {row.run_id for row in house.rows()} == {run.id for run in orphans}


def test_a_gap_is_told_once_with_its_count_and_its_beginning() -> None:
    house = House('[tasks.backup]\nrun = "true"\ncron = "0 * * * *"\n')
    house.stage.wall_offset_s += 3 * 3600
    house.wait(30)
    (row,) = house.rows()
    assert (row.kind, row.title, row.count) == ("run.missed", "backup missed its schedule", 1)
    assert row.body.startswith("3 slots missed since 2026-11-24 13:00")


def test_a_gap_is_not_told_if_the_unit_does_not_count_it() -> None:
    house = House('[tasks.backup]\nrun = "true"\ncron = "0 * * * *"\nfailures = ["-missed"]\n')
    house.stage.wall_offset_s += 3 * 3600
    house.wait(30)
    assert house.rows() == []
    assert "missed" in {run.end_reason for run in house.stage.rows()}


def test_a_replica_that_gives_up_makes_one_row_beside_those_of_its_failures() -> None:
    house = House('[services.web]\nrun = "false"\nrestart_attempts = 1\nrestart_delay = "1s"\n')
    for _ in range(2):
        house.stage.children[-1].exit(1)
        house.wait(1)
    assert [(row.kind, row.title) for row in house.rows()] == [
        ("service.fatal", "web gave up"),
        ("run.failed", "web failed"),
    ]
    assert house.rows()[0].body.startswith("gave up after 2 failed starts")


def test_a_full_disk_lights_the_bell() -> None:
    house = House(TASK)
    run = make.run("backup", status=Status.RUNNING)
    house.stage.bus.publish(
        DiskPressure(run=run, free_bytes=Bytes(10), min_free_bytes=Bytes(20), killed_task=False)
    )
    house.stage.settle()
    (row,) = house.rows()
    assert (row.kind, row.run_id) == ("log.disk_pressure", run.id)


def test_repeats_are_held_back_from_outbound_but_counted_in_the_bell() -> None:
    house = House(TO_OPS.replace('["ops"]', '["ops", "inapp"]'))
    for _ in range(25):
        house.finish("backup")
    house.wait(3600)
    assert house.sent() == [
        ("ops", "run.failed", None),
        ("ops", "run.failed", 10),
        ("ops", "run.failed", 10),
        ("ops", "run.failed", 4),
    ]
    assert [row.count for row in house.rows()] == [25]


def test_every_token_has_a_coalescing_of_its_own() -> None:
    house = House(f'{OPS}{TASK}notify_on_failure = ["ops", "ops:#a"]')
    house.finish("backup")
    house.finish("backup")
    assert sorted(house.sent()) == [("ops", "run.failed", None), ("ops:#a", "run.failed", None)]


def test_a_reload_sends_what_is_held_and_then_obeys_the_new_configuration() -> None:
    house = House(TO_OPS)
    house.finish("backup")
    house.finish("backup")
    house.reload(TO_OPS.replace("ops", "pager"))
    assert house.outbound.asked[2:] == [("ops", house.outbound.sent[1][1]), "change"]
    assert house.sent()[1] == ("ops", "run.failed", 1)
    house.finish("backup")
    assert house.sent()[2:] == [("pager", "run.failed", None)]


def test_a_reload_that_is_about_other_things_leaves_the_held_alone() -> None:
    house = House(TO_OPS)
    house.finish("backup")
    house.reload(f'{TO_OPS}notify_on_failure = ["inapp"]\n[tasks.new]\nrun = "true"')
    house.finish("backup")
    house.finish("new")
    assert house.sent() == [("ops", "run.failed", None), ("ops", "run.failed", None)]
    assert [due.event.task_name for _, due in house.outbound.sent] == ["backup", "new"]
    assert [row.count for row in house.rows()] == [1]
    assert house.outbound.asked[0] == "start"
    assert "change" not in house.outbound.asked


def test_a_shutdown_tells_what_it_stopped_sends_what_is_held_and_then_waits() -> None:
    route = '[[notification_route]]\nmatch = { kind = "run.stopped" }\nnotify = ["inapp"]\n'
    house = House(TO_OPS + route)
    house.finish("backup")
    house.finish("backup")
    house.begin("backup")
    done = house.shut_down(within_s=4.0)
    assert done.called
    assert [row.title for row in house.rows()] == ["backup was stopped"]
    assert house.sent()[1] == ("ops", "run.failed", 1)
    assert house.outbound.asked[-1] == "stop within 4"
    assert house.stage.clock.getDelayedCalls() == []


def test_a_shutdown_that_is_cut_short_gives_up_sending() -> None:
    house = House(TASK)
    house.outbound.is_slow = True
    done = house.shut_down()
    assert not done.called
    house.notifiers.cut_short()
    assert done.called
    assert house.stage.clock.getDelayedCalls() == []
    house = House(TASK)
    house.notifiers.cut_short()
    house.shut_down()
    assert house.outbound.asked[-1] == "stop within 0"


def test_a_stop_without_a_start_does_nothing() -> None:
    house = House(TASK)
    house.shut_down()
    asked = len(house.outbound.asked)
    never_started = house.make_notifiers()
    assert Deferred.fromCoroutine(never_started.stop(1.0)).called
    assert len(house.outbound.asked) == asked


def test_a_burst_beyond_the_queue_loses_its_end_and_says_so() -> None:
    house = House(TASK)
    release = house.stage.database.hold()
    for _ in range(MOST_WAITING + 5):
        house.stage.bus.publish(RunEnded(ended_run()))
    house.stage.settle()
    with capturedLogs() as logs:
        release()
        house.stage.settle()
    assert [log["count"] for log in logs if log["log_level"] is LogLevel.warn] == [4]
    # One was on its way to the database already.
    assert [row.count for row in house.rows()] == [MOST_WAITING + 1]
    house.stage.bus.publish(RunEnded(ended_run()))
    house.stage.settle()
    assert [row.count for row in house.rows()] == [MOST_WAITING + 2]


def test_an_error_of_one_notifier_reaches_no_other(
    monkeypatch: pytest.MonkeyPatch, logged_failures: list[Failure]
) -> None:
    house = House(f'{TO_OPS}notify_on_failure = ["inapp"]\n')

    def refuse(token: str, due: Due) -> None:
        raise ValueError(token)

    monkeypatch.setattr(house.outbound, "send", refuse)
    house.finish("backup")
    assert [row.title for row in house.rows()] == ["backup failed"]
    assert [failure.type for failure in logged_failures] == [ValueError]
    logged_failures.clear()


@pytest.mark.parametrize("reason", [EndReason.SKIPPED, EndReason.DST_SKIPPED, EndReason.START_FAILED])
def test_ends_that_raise_nothing_stay_silent_with_a_route_for_everything(reason: EndReason) -> None:
    house = House(f'[[notification_route]]\nnotify = ["inapp"]\n{TASK}')
    house.stage.bus.publish(RunEnded(ended_run(reason)))
    house.stage.settle()
    assert house.rows() == []
