from __future__ import annotations

import pytest

from runwisp.client.resources import RemoteUnit
from runwisp.tui.keys import Action
from runwisp.tui.unit import UnitView
from runwisp.units import parse_time
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, inks_of, live_run, page, rows_of, service, task


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.wire.on("GET /api/runs", page(sent.run(1), total=1))
    return desk


def open_unit(desk: FakeDesk, unit: RemoteUnit) -> UnitView:
    desk.model.set_units([unit], [])
    view = UnitView(desk, unit.name)
    view.opened()
    rows_of(view, 60, 12)
    return view


def test_a_task_tells_when_it_runs_and_what_can_be_done(desk: FakeDesk) -> None:
    unit = task(description="Copy everything", next_run_at="2026-03-02T02:05:30.000Z")
    assert rows_of(open_unit(desk, unit), 60, 10) == [
        " backup",
        " Copy everything",
        " Schedule: 0 2 * * *",
        " Next:     02:05:30 (in 4m)",
        "",
        "  ▶ Run Now (r)   Pause (p)",
        "",
        " STATUS           STARTED        DURATION   TRIGGER   ID",
        "  success         59s ago        41.6s      API · CLI #R001",
        "",
    ]


def test_a_task_that_runs_can_be_stopped(desk: FakeDesk) -> None:
    view = open_unit(desk, task(cron=None, next_run_at=None))
    assert "  ▶ Run Now (r)" in rows_of(view)
    desk.model.put_run(live_run(2))
    assert "  ▶ Run Now (r)   ■ Stop (s)" in rows_of(view)


def test_a_paused_task_can_be_resumed(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/backup/resume", sent.task())
    view = open_unit(desk, task(paused_at="2026-03-02T02:00:00.000Z", next_run_at=None))
    assert " Next:     paused" in rows_of(view)
    assert "  ▶ Run Now (r)   Resume (p)" in rows_of(view)
    view.act(Action.PAUSE)
    assert desk.told == ["flash success: backup is scheduled again"]


def test_a_task_that_only_its_schedule_runs_says_so(desk: FakeDesk) -> None:
    view = open_unit(desk, task(api_trigger=False))
    assert inks_of(view, "Run Now") == {"faint on button"}
    assert " backup runs on its schedule only: api_trigger = false" in rows_of(view)


def test_a_service_tells_how_many_replicas_are_up(desk: FakeDesk) -> None:
    view = open_unit(desk, service("web", 2, 3))
    assert rows_of(view)[1:3] == [" Schedule: service ×3", " State:    degraded, 2 of 3 up"]
    assert "  ↻ Restart (r)   ■ Stop (s)" in rows_of(view)


def test_a_service_that_is_down_can_be_started(desk: FakeDesk) -> None:
    view = open_unit(desk, service("web", 0, 3))
    assert "  ▶ Start (r)" in rows_of(view)


def test_a_long_description_is_cut(desk: FakeDesk) -> None:
    rows = rows_of(open_unit(desk, task(description="word " * 100)), 60, 12)
    assert rows[2].endswith("word…")
    assert rows[3].startswith(" Schedule")


def test_a_unit_that_leaves_the_configuration_keeps_its_runs(desk: FakeDesk) -> None:
    view = open_unit(desk, task())
    desk.model.set_units([], [])
    assert " not configured any more" in rows_of(view)
    assert any("#R001" in row for row in rows_of(view))
    assert view.act(Action.RUN)
    assert desk.told == []


def test_the_next_run_is_asked_for_when_one_has_come(desk: FakeDesk) -> None:
    desk.wire.on("GET /api/tasks/backup", sent.task(next_run_at="2026-03-04T02:00:00.000Z", description=None))
    view = open_unit(desk, task(next_run_at="2026-03-02T02:01:30.000Z"))
    assert view.tick_s() == 1.0
    assert "GET /api/tasks/backup" not in desk.wire.asked
    desk.time = parse_time("2026-03-02T02:01:30.000Z")
    view.tick_s()
    view.tick_s()
    assert desk.wire.asked.count("GET /api/tasks/backup") == 1
    assert " Next:     02:00:00 (in 1d23h)" in rows_of(view)


def test_a_unit_without_a_schedule_does_not_tick_for_it(desk: FakeDesk) -> None:
    view = open_unit(desk, task(cron=None, next_run_at=None))
    assert view.tick_s() == view.table.tick_s()


def test_the_keys_of_a_task_work_above_its_list_too(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/backup/trigger", sent.live_run(2))
    open_unit(desk, task()).act(Action.RUN)
    assert desk.told[-1] == "flash success: backup was triggered"


def test_runs_of_several_replicas_are_named(desk: FakeDesk) -> None:
    desk.wire.on("GET /api/runs", page(sent.live_run(2, task_name="web", replica_index=1), total=1))
    assert "web#1" in rows_of(open_unit(desk, service("web", 2, 2)))[7]
    assert "TASK" not in "".join(rows_of(open_unit(desk, service("api", 1, 1))))
