from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.tui.keys import Action
from runwisp.tui.model import Link
from runwisp.tui.runlist import Filter, RunList
from runwisp.tui.runtable import RETRY_S, RunTable, widths
from tests.client import resources as sent
from tests.tui.fakes import (
    FakeDesk,
    failed_run,
    inks_of,
    live_run,
    page,
    rows_of,
    unreachable,
)


def table(desk: FakeDesk, *runs: sent.Document, has_task: bool = True) -> RunTable:
    """A table that has fetched these runs."""
    desk.wire.on("GET /api/runs", page(*runs, total=len(runs)))
    made = RunTable(desk, RunList(), has_task=has_task)
    made.opened()
    rows_of(made)
    return made


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@given(st.integers(32, 120), st.booleans())
def test_columns_never_take_more_than_there_is(room: int, has_task: bool) -> None:
    columns = widths(room, has_task=has_task)
    used = [columns.task, columns.status, columns.started, columns.duration, columns.trigger]
    assert 1 + sum(width + 1 for width in used if width) + 5 <= room


def test_too_narrow_a_table_drops_the_trigger_and_then_the_duration() -> None:
    assert [bool(widths(room, has_task=True).trigger) for room in (60, 59)] == [True, False]
    assert [bool(widths(room, has_task=True).duration) for room in (52, 51)] == [True, False]


def test_what_is_left_over_goes_to_the_name() -> None:
    columns = widths(110, has_task=True)
    assert (columns.status, columns.started, columns.duration, columns.trigger) == (16, 14, 10, 9)
    assert columns.task > 30


def test_a_run_has_a_row(desk: FakeDesk) -> None:
    rows = rows_of(table(desk, sent.live_run(2, replica_index=1), sent.failed_run(1)), 82, 3)
    assert rows == [
        " backup#1                running         59s ago        59.6s      API · CLI #R002",
        " backup                  failed          59s ago        41.6s      API · CLI #R001",
        "",
    ]


def test_a_retry_that_waits_is_told_instead_of_the_duration(desk: FakeDesk) -> None:
    waiting = sent.failed_run(1, next_retry_at="2026-03-02T02:01:12.000Z")
    assert "retry in 12s" in rows_of(table(desk, waiting), 82)[0]
    assert "↻ 12s" in rows_of(table(desk, waiting), 52)[0]


def test_a_run_that_never_started_has_dashes(desk: FakeDesk) -> None:
    pending = sent.live_run(1, status="pending", start_at=None)
    assert rows_of(table(desk, pending), 52)[0] == " backup          pending     —        —        #R001"


def test_the_table_says_why_it_is_empty(desk: FakeDesk) -> None:
    assert rows_of(table(desk))[0] == " no runs"
    desk.wire.waiting = []
    made = RunTable(desk, RunList(), has_task=True)
    assert rows_of(made)[0] == " loading…"
    desk.wire.answer()
    assert rows_of(made)[0] == " no runs"


def test_the_cursor_stays_on_its_run_when_others_come(desk: FakeDesk) -> None:
    made = table(desk, *(sent.run(number) for number in range(9, 0, -1)))
    made.act(Action.DOWN)
    rows_of(made, 60, 4)
    desk.model.put_run(live_run(10, created_at="2026-03-02T02:00:50.000Z"))
    rows = rows_of(made, 60, 4)
    assert made.current is not None
    assert made.current.id == sent.run_id(8)
    assert [row[-4:] for row in rows] == ["R009", "R008", "R007", "R006"]


def test_the_cursor_at_the_top_stays_at_the_top(desk: FakeDesk) -> None:
    made = table(desk, sent.run(1))
    desk.model.put_run(live_run(2, created_at="2026-03-02T02:00:50.000Z"))
    rows_of(made)
    assert made.current is not None
    assert made.current.id == sent.run_id(2)


def test_enter_opens_the_run(desk: FakeDesk) -> None:
    made = table(desk, sent.run(2), sent.run(1))
    made.act(Action.DOWN)
    made.act(Action.OPEN)
    assert desk.told == [f"show run {sent.run_id(1)}"]


def test_without_a_connection_rows_are_dim_and_nothing_is_asked(desk: FakeDesk) -> None:
    made = table(desk, sent.run(1))
    asked = len(desk.wire.asked)
    desk.model.link = Link.LOST
    made.runs.reload()
    assert inks_of(made, "backup") == {"faint on cursor"}
    assert len(desk.wire.asked) == asked


def test_after_an_error_the_page_is_asked_for_again_a_little_later(desk: FakeDesk) -> None:
    desk.wire.on("GET /api/runs", unreachable())
    made = RunTable(desk, RunList(), has_task=True)
    rows_of(made)
    rows_of(made)
    assert desk.wire.asked == ["GET /api/runs"]
    desk.clock.advance(RETRY_S)
    desk.wire.on("GET /api/runs", page(sent.run(1), total=1))
    rows_of(made)
    assert made.count() == 1


def test_an_answer_to_an_old_filter_is_thrown_away(desk: FakeDesk) -> None:
    made = table(desk, sent.run(1))
    desk.wire.waiting = []
    made.runs.reload()
    rows_of(made)
    made.set_filter(lambda runs: setattr(runs, "filter", Filter("other")))
    desk.wire.answer()
    assert made.count() == 0
    assert not made.runs.is_loaded


def test_a_closed_table_hears_of_nothing(desk: FakeDesk) -> None:
    made = table(desk)
    made.closed()
    desk.model.put_run(failed_run())
    assert made.count() == 0


def test_seconds_tick_only_while_they_are_shown(desk: FakeDesk) -> None:
    old = {"start_at": "2026-03-01T02:00:00.000Z"}
    assert table(desk).tick_s() is None
    assert table(desk, sent.run(1, **old)).tick_s() == 15.0
    assert table(desk, sent.live_run(1, **old)).tick_s() == 1.0
    assert table(desk, sent.run(1)).tick_s() == 1.0


def test_the_keys_for_both_ends_go_to_the_very_first_and_last_run(desk: FakeDesk) -> None:
    newest = [sent.run(number) for number in range(200, 100, -1)]
    oldest = [sent.run(number) for number in range(1, 101)]

    def answer(query: Mapping[str, str]) -> sent.Document:
        return page(*(oldest if query.get("order") == "asc" else newest), next_cursor="more", total=9999)

    made = table(desk)
    desk.wire.on("GET /api/runs", answer)
    made.runs.reload()
    rows_of(made)
    made.act(Action.END)
    assert rows_of(made)[-1].endswith("R001")
    made.act(Action.TOP)
    assert rows_of(made)[0].endswith("R200")
