from __future__ import annotations

from collections.abc import Mapping

import pytest

from runwisp.tui.draw import Segment
from runwisp.tui.keys import Action, Place
from runwisp.tui.runlist import Bucket, Filter, RunList
from runwisp.tui.runpicker import RunPicker
from tests.client import resources as sent
from tests.client.resources import Document
from tests.tui.fakes import FakeDesk, page, rows_of, task


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.model.set_units([task("backup", group="Nightly"), task("sync")], [])

    def answer(query: Mapping[str, str]) -> Document:
        failed = sent.failed_run(2)
        return page(failed) if query.get("status") == "failure" else page(sent.run(1), failed, sent.run(3))

    desk.wire.on("GET /api/runs", answer)
    return desk


def open_list(desk: FakeDesk, task_name: str | None = None) -> RunPicker:
    table = RunPicker(desk, RunList(Filter(task_name)), has_task=True)
    table.opened()
    rows_of(table)
    return table


def banner(table: RunPicker) -> list[str]:
    def joined(segments: list[Segment]) -> str:
        return "".join(text for _, text in segments)

    return [joined(list(line)) for line in table.banner()]


def press(desk: FakeDesk, *keys: str) -> None:
    for key in keys:
        assert desk.overlay is not None
        desk.overlay.press(key)


def test_a_status_is_chosen_from_a_menu(desk: FakeDesk) -> None:
    table = open_list(desk)
    assert banner(table) == []
    table.act(Action.FILTER)
    press(desk, "down", "down", "down", "enter")
    assert table.runs.filter.bucket is Bucket.FAILED
    rows_of(table)
    assert [row[-5:] for row in rows_of(table, 80, 2)] == ["#R002", ""]
    assert banner(table) == [" Only  failed   f change  Esc clear"]


def test_the_menu_offers_groups_where_there_are_all_units(desk: FakeDesk) -> None:
    table = open_list(desk)
    table.act(Action.FILTER)
    assert desk.overlay is not None
    assert [row.strip() for row in rows_of(desk.overlay, 40, 16)] == [
        "Filter",
        "",
        "Status",
        "● all",
        "running",
        "succeeded",
        "failed",
        "skipped",
        "stopped",
        "",
        "Group",
        "● all",
        "Nightly",
        "Ungrouped",
        "",
        "",
    ]
    press(desk, *["down"] * 8, "enter")
    assert table.runs.filter.group == ""
    assert banner(table) == [" Only  group Ungrouped   f change  Esc clear"]


def test_the_menu_of_one_unit_has_no_groups(desk: FakeDesk) -> None:
    table = open_list(desk, "backup")
    table.act(Action.FILTER)
    assert desk.overlay is not None
    assert "Group" not in "".join(rows_of(desk.overlay))


def test_back_clears_the_selection_then_the_filter_then_leads_away(desk: FakeDesk) -> None:
    table = open_list(desk, "backup")
    table.act(Action.FILTER)
    press(desk, "down", "enter")
    rows_of(table)
    table.act(Action.MARK_ALL)
    assert len(banner(table)) == 2
    assert table.act(Action.BACK)
    assert len(banner(table)) == 1
    assert table.act(Action.BACK)
    assert table.runs.filter == Filter("backup")
    assert not table.act(Action.BACK)


def test_marking_goes_down_the_list(desk: FakeDesk) -> None:
    table = open_list(desk)
    table.act(Action.MARK)
    table.act(Action.MARK)
    assert [row[:2] for row in rows_of(table, 80, 3)] == ["✓b", "✓b", " b"]
    assert table.places()[0] is Place.MARKED
    assert banner(table) == [" Selected  2 runs   Esc clear"]


def test_what_is_selected_is_deleted_after_a_question(desk: FakeDesk) -> None:
    skipped = [{"id": sent.run_id(2), "reason": "active"}]
    desk.wire.on("POST /api/runs/bulk/delete", {"affected": 1, "skipped": skipped, "created": []})
    table = open_list(desk)
    table.act(Action.MARK)
    table.act(Action.MARK)
    table.act(Action.DELETE_MARKED)
    assert desk.told == [
        "ask Delete 2 runs: Delete 2 runs? Their logs too. Runs that have not ended stay.",
        "flash success: 1 deleted, 1 skipped (active)",
    ]
    assert desk.wire.transport.bodies == [{"match_all": False, "ids": [sent.run_id(1), sent.run_id(2)]}]
    assert not table.marked


def test_all_that_match_are_stopped_or_run_again(desk: FakeDesk) -> None:
    for verb in ("stop", "rerun"):
        desk.wire.on(f"POST /api/runs/bulk/{verb}", {"affected": 2, "skipped": [], "created": []})
    table = open_list(desk)
    for action in (Action.STOP_MARKED, Action.RERUN_MARKED):
        table.act(Action.MARK_ALL)
        table.act(action)
    assert [entry for entry in desk.told if entry.startswith("flash")] == [
        "flash success: 2 stopped",
        "flash success: 2 triggered",
    ]
    assert [body["match_all"] for body in desk.wire.transport.bodies] == [True, True]


def test_a_refusal_keeps_the_selection(desk: FakeDesk) -> None:
    table = open_list(desk)
    table.act(Action.MARK)
    table.act(Action.DELETE_MARKED)
    assert desk.told[-1].startswith("error: ")
    assert table.marked
