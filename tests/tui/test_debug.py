from __future__ import annotations

import pytest

from runwisp.tui.debug import KEPT, Debug, Messages
from runwisp.tui.keys import Action
from tests.tui.fakes import FakeDesk, inks_of, rows_of


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def view(desk: FakeDesk) -> Debug:
    messages = Messages(lambda: "12:00:00")
    messages.add("connected")
    made = Debug(desk, messages)
    made.opened()
    return made


def log(desk: FakeDesk, *lines: str) -> None:
    """The daemon logs these lines."""
    desk.wire.taps[-1].feed("lines", {"items": lines})


def test_both_logs_are_shown(desk: FakeDesk, view: Debug) -> None:
    desk.wire.taps[0].feed("ping", {})
    log(desk, "12:00:01 [INFO] ready", "12:00:02 [ERROR] lost")
    assert rows_of(view, 60, 6) == [
        " Debug                                             ● FOLLOW",
        "",
        " 12:00:00 [tui] connected",
        " 12:00:01 [INFO] ready",
        " 12:00:02 [ERROR] lost",
        "",
    ]
    assert inks_of(view, "lost", 60, 6, has_focus=False) == {"error on base"}


def test_the_end_is_followed_until_one_scrolls_up(desk: FakeDesk, view: Debug) -> None:
    log(desk, *map(str, range(50)))
    assert rows_of(view, 40, 6)[-1] == " 49"
    view.act(Action.UP)
    log(desk, "50")
    rows = rows_of(view, 40, 6)
    assert rows[-1] == " 49"
    assert "FOLLOW" not in rows[0]
    view.act(Action.END)
    log(desk, "51")
    assert rows_of(view, 40, 6)[-1] == " 51"


def test_the_wheel_turns_following_off_and_on(desk: FakeDesk, view: Debug) -> None:
    log(desk, *map(str, range(50)))
    rows_of(view, 40, 6)
    view.wheel(-3)
    log(desk, "50")
    assert rows_of(view, 40, 6)[-1] == " 46"
    view.wheel(100)
    log(desk, "51")
    assert rows_of(view, 40, 6)[-1] == " 51"


def test_only_the_last_lines_are_kept_and_what_is_read_stays_in_its_place(
    desk: FakeDesk, view: Debug
) -> None:
    log(desk, *map(str, range(KEPT)))
    rows_of(view, 40, 6)
    view.wheel(-30)
    before = rows_of(view, 40, 6)
    log(desk, *(f"new {number}" for number in range(20)))
    assert rows_of(view, 40, 6) == before


def test_long_lines_can_be_moved(desk: FakeDesk, view: Debug) -> None:
    log(desk, "0123456789" * 10)
    assert not view.act(Action.LEFT)
    view.act(Action.RIGHT)
    assert rows_of(view, 20, 4)[-1] == " 890123456789012345…"
    assert view.act(Action.LEFT)
    assert not view.act(Action.LEFT)


def test_a_log_that_breaks_off_is_opened_again_when_the_daemon_is_back(desk: FakeDesk, view: Debug) -> None:
    log(desk, "old")
    view.refetch()
    assert len(desk.wire.taps) == 1
    desk.wire.taps[0].end()
    view.refetch()
    log(desk, "new")
    assert rows_of(view, 40, 5)[2:4] == [" 12:00:00 [tui] connected", " new"]


def test_a_closed_page_reads_no_more(desk: FakeDesk, view: Debug) -> None:
    view.closed()
    assert desk.wire.taps[0].is_stopped
