from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest

from runwisp.client import resources
from runwisp.client.resources import RemoteRun
from runwisp.client.sse import Event
from runwisp.model import RunId
from runwisp.tui.model import NOTICES, Model, UnitMark, news_of, visible
from runwisp.tui.runlist import RunList, Want
from tests.client import resources as sent
from tests.tui import fakes


def told(model: Model, name: str, data: object) -> None:
    """The model takes up an event."""
    news = news_of(Event(name, json.dumps(data)))
    assert news is not None
    model.apply(news)


def with_units(*units: resources.RemoteUnit) -> Model:
    model = Model()
    model.set_units(units, [])
    return model


def test_a_run_is_live_from_its_begin_to_its_end() -> None:
    model = with_units(fakes.task())
    told(model, "run.created", {"run": sent.live_run(status="pending", start_at=None)})
    assert model.mark(model.units["backup"]) is UnitMark.NONE
    told(model, "run.started", {"run": sent.live_run()})
    assert model.mark(model.units["backup"]) is UnitMark.RUNNING
    assert [run.id for run in model.live_runs("backup")] == [sent.run_id(1)]
    told(model, "run.ended", {"run": sent.failed_run()})
    assert model.live == {}
    assert model.mark(model.units["backup"]) is UnitMark.FAILED


def test_an_older_run_is_not_the_last_one() -> None:
    model = with_units(fakes.task())
    told(model, "run.ended", {"run": sent.run(2)})
    told(model, "run.ended", {"run": sent.failed_run(1)})
    last = model.units["backup"].last_run
    assert last is not None
    assert last.id == sent.run_id(2)


def test_runs_of_units_that_are_gone_do_no_harm() -> None:
    model = with_units()
    told(model, "run.started", {"run": sent.live_run()})
    told(model, "run.deleted", {"run_id": sent.run_id(1), "task_name": "backup"})
    assert model.live == {}


def test_lists_and_views_of_one_run_hear_of_every_event() -> None:
    model, seen, runs = with_units(fakes.task()), [], RunList()
    runs.take(Want.FIRST, resources.run_page(fakes.page(total=0)))
    model.lists.append(runs)

    def see(run: RemoteRun | None) -> None:
        seen.append(run.status if run is not None else None)

    model.watched[RunId(sent.run_id(1))] = see
    told(model, "run.started", {"run": sent.live_run()})
    assert [row.id for row in runs.rows] == [sent.run_id(1)]
    told(model, "run.ended", {"run": sent.run()})
    told(model, "run.deleted", {"run_id": sent.run_id(1), "task_name": "backup"})
    assert seen == ["running", "ended", None]
    assert runs.rows == []


@pytest.mark.parametrize(
    ("unit", "mark"),
    [
        (fakes.task(), UnitMark.NONE),
        (fakes.task(last_run=sent.failed_run(), paused_at="2026-03-02T02:00:00.000Z"), UnitMark.FAILED),
        (fakes.task(paused_at="2026-03-02T02:00:00.000Z"), UnitMark.PAUSED),
        (fakes.service(running=0), UnitMark.STOPPED),
        (fakes.service(running=1), UnitMark.NONE),
    ],
)
def test_the_first_thing_to_be_said_of_a_unit(unit: resources.RemoteUnit, mark: UnitMark) -> None:
    assert with_units(unit).mark(unit) is mark


def test_a_service_follows_its_state() -> None:
    model = with_units(fakes.service(running=0))
    state = sent.service(running=1)["service"]
    told(model, "service.updated", {"task_name": "web", "service": state})
    assert model.units["web"].running == 1
    assert model.units["web"].document["service"] == state
    told(model, "service.updated", {"task_name": "gone", "service": state})
    assert set(model.units) == {"web"}


def test_a_pause_is_seen() -> None:
    model = with_units(fakes.task())
    before = model.revision
    paused = fakes.task(paused_at="2026-03-02T02:00:00.000Z").document
    told(model, "task.updated", {"task": paused})
    assert model.units["backup"].is_paused
    assert model.revision > before


def test_groups_are_sorted_without_case_and_those_without_come_last() -> None:
    model = with_units(
        fakes.task("b", group="zebra"), fakes.task("A", group="Apple"), fakes.task("z"), fakes.task("B")
    )
    assert [(name, [unit.name for unit in units]) for name, units in model.groups()] == [
        ("Apple", ["A"]),
        ("zebra", ["b"]),
        ("Ungrouped", ["B", "z"]),
    ]
    assert model.has_groups
    assert not with_units(fakes.task()).has_groups


def test_names_are_filtered_by_a_part_whatever_its_case() -> None:
    model = with_units(fakes.task("DB-backup"), fakes.task("web"))
    assert [unit.name for unit in visible(model.groups(), "b-BACK")] == ["DB-backup"]


def test_a_repeated_notification_changes_in_its_place() -> None:
    model = Model()
    model.set_notices(resources.notice_page(fakes.notices(fakes.notice(2), fakes.notice(1), unread=2)))
    told(model, "notification.updated", {"notification": fakes.notice(1, count=5), "unread_count": 2})
    assert [(notice.count, notice.id[-1]) for notice in model.notices] == [(1, "2"), (5, "1")]
    told(model, "notification.created", {"notification": fakes.notice(3), "unread_count": 3})
    assert [notice.id[-1] for notice in model.notices] == ["3", "2", "1"]
    assert (model.notices_total, model.unread) == (3, 3)


def test_no_more_notifications_are_kept_than_the_panel_shows() -> None:
    model = Model()
    for number in range(NOTICES + 5):
        told(model, "notification.created", {"notification": fakes.notice(number), "unread_count": number})
    assert (len(model.notices), model.notices_total) == (NOTICES, NOTICES + 5)


def test_small_facts_are_taken_up() -> None:
    model = Model()
    told(model, "config.stale", {"stale": True})
    told(model, "notification.unread_count_changed", {"unread_count": 7})
    told(model, "system", {"sample": fakes.sample(cpu=12.5), "uptime": 1.0, "usage": None})
    assert (model.config_stale, model.unread) == (True, 7)
    assert [sample.cpu_usage for sample in model.samples] == [12.5]


@pytest.mark.parametrize("name", ["ping", "tasks.changed", "an.event.of.tomorrow"])
def test_events_without_news_are_none(name: str) -> None:
    assert news_of(Event(name, "{}")) is None


def test_times_are_in_the_zone_of_the_daemon_and_without_one_in_utc() -> None:
    model = Model()
    assert str(model.zone) == "UTC"
    model.set_daemon(resources.daemon_info(fakes.daemon(resolved_timezone="Europe/Berlin")))
    assert model.zone == ZoneInfo("Europe/Berlin")
    model.set_daemon(resources.daemon_info(fakes.daemon(resolved_timezone="Mars/Olympus")))
    assert str(model.zone) == "UTC"
