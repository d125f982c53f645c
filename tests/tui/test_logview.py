from __future__ import annotations

import pytest

from runwisp.client.errors import NotFound
from runwisp.model import RunId
from runwisp.tui.keys import Action
from runwisp.tui.logview import REOPEN_S, LogPane
from runwisp.tui.model import Link
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, Tap, inks_of, live_run, rows_of, run, unreachable
from tests.tui.lines import sent_lines, sent_page

RUN_ID = RunId(sent.run_id(1))
PAGE_OF_LOG = f"GET /api/runs/{RUN_ID}/log"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def open_log(desk: FakeDesk, first: int = 1, last: int = 0) -> LogPane:
    """The log of a live run with these lines."""
    pane = LogPane(desk, RUN_ID)
    pane.run = live_run(1)
    pane.opened()
    tap(desk).feed("ping", {})
    if last:
        tap(desk).feed("lines", {"items": sent_lines(first, last)})
    return pane


def tap(desk: FakeDesk) -> Tap:
    return desk.wire.taps[-1]


def serve(desk: FakeDesk, total: int, first_available: int = 1) -> None:
    """Answer for pages of a log of so many lines."""
    desk.wire.on(PAGE_OF_LOG, lambda query: sent_page(query, total, first_available))


def seen(pane: LogPane, height: int = 4) -> list[str]:
    return rows_of(pane, 40, height)


def test_the_end_is_shown_and_what_comes(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 9)
    assert seen(pane) == ["   6  line 6", "   7  line 7", "   8  line 8", "   9  line 9"]
    tap(desk).feed("partial", {"stream": "stdout", "text": "50 %"})
    assert seen(pane)[-2:] == ["   9  line 9", "      50 %"]
    tap(desk).feed("lines", {"items": sent_lines(10, 10, "stderr")})
    assert seen(pane)[-2:] == ["  10 ▏line 10", "      50 %"]
    tap(desk).feed("lines", {"items": sent_lines(11, 11)})
    assert seen(pane)[-2:] == ["  10 ▏line 10", "  11  line 11"]


def test_upward_scroll_ends_following_and_the_end_begins_it_again(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 9)
    seen(pane)
    assert pane.act(Action.UP)
    assert not pane.is_following
    tap(desk).feed("lines", {"items": sent_lines(10, 20)})
    assert seen(pane)[-1] == "   8  line 8"
    pane.act(Action.END)
    assert seen(pane)[-1] == "  20  line 20"
    pane.wheel(-3)
    assert seen(pane)[-1] == "  17  line 17"
    pane.act(Action.PAGE_DOWN)
    assert pane.is_following


def test_up_leads_out_of_a_log_that_is_at_its_top(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 2)
    seen(pane)
    assert not pane.act(Action.UP)
    assert pane.is_following


def test_left_leads_out_of_a_log_that_is_not_panned(desk: FakeDesk) -> None:
    pane = open_log(desk)
    tap(desk).feed("lines", {"items": [{**sent_lines(1, 1)[0], "text": "0123456789" * 9}]})
    assert seen(pane, 1) == ["   1  0123456789012345678901234567890123"]
    assert pane.act(Action.RIGHT)
    assert seen(pane, 1) == ["   1  8901234567890123456789012345678901"]
    assert pane.act(Action.LEFT)
    assert not pane.act(Action.LEFT)


def test_older_lines_are_fetched_near_the_top(desk: FakeDesk) -> None:
    serve(desk, 2000)
    pane = open_log(desk, 1001, 2000)
    assert seen(pane)[-1] == "2000  line 2000"
    assert PAGE_OF_LOG not in desk.wire.asked
    pane.wheel(-800)
    before = seen(pane)
    assert PAGE_OF_LOG in desk.wire.asked
    assert seen(pane) == before
    pane.wheel(-800)
    assert seen(pane)[-1] == " 400  line 400"


def test_the_top_of_a_long_log_is_fetched_without_what_is_between(desk: FakeDesk) -> None:
    serve(desk, 1_000_000)
    pane = open_log(desk, 999_001, 1_000_000)
    seen(pane)
    pane.act(Action.TOP)
    assert tap(desk).is_stopped
    assert seen(pane)[0] == "   1  line 1"
    pane.wheel(900)
    assert seen(pane)[0] == " 901  line 901"
    assert seen(pane)[0] == " 901  line 901"
    pane.wheel(900)
    assert seen(pane)[0] == "1801  line 1801"
    assert desk.wire.asked.count(PAGE_OF_LOG) <= 4


def test_a_log_that_was_left_is_followed_again_from_its_end(desk: FakeDesk) -> None:
    serve(desk, 1_000_000)
    pane = open_log(desk, 999_001, 1_000_000)
    seen(pane)
    pane.act(Action.TOP)
    pane.act(Action.END)
    tap(desk).feed("lines", {"items": sent_lines(999_501, 1_000_500)})
    assert seen(pane)[-1] == "1000500  line 1000500"


def test_reading_on_to_the_end_follows_without_a_gap(desk: FakeDesk) -> None:
    serve(desk, 1500)
    pane = LogPane(desk, RUN_ID, 700)
    pane.opened()
    assert "   700  line 700" in ["  " + row for row in seen(pane, 9)]
    assert not desk.wire.taps
    pane.wheel(400)
    seen(pane)
    assert len(desk.wire.taps) == 1
    tap(desk).feed("lines", {"items": sent_lines(1501, 1502)})
    pane.act(Action.END)
    assert seen(pane)[-1] == "1502  line 1502"


def test_a_line_that_was_looked_for_is_marked(desk: FakeDesk) -> None:
    serve(desk, 1500)
    pane = LogPane(desk, RUN_ID, 700)
    pane.opened()
    assert inks_of(pane, "line 700", 40, 9) == {"text on marked"}
    assert inks_of(pane, "line 701", 40, 9) == {"text on base"}
    assert not pane.is_following


def test_a_line_that_is_lost_gives_way_to_the_nearest(desk: FakeDesk) -> None:
    serve(desk, 1500, first_available=900)
    pane = LogPane(desk, RUN_ID, 100)
    pane.opened()
    assert seen(pane, 3) == ["      899 lines are lost to rotation", " 900  line 900", " 901  line 901"]


def test_lost_lines_are_one_row_with_their_number(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 2)
    tap(desk).feed("rotated", {"first_available": 4})
    tap(desk).feed("lines", {"items": sent_lines(4, 4)})
    assert seen(pane)[1:] == ["   2  line 2", "      1 line is lost to rotation", "   4  line 4"]
    assert inks_of(pane, "lost", 40, 4) == {"warning on base"}


def test_a_stream_that_breaks_off_goes_on_after_the_last_line(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 5)
    tap(desk).end()
    assert len(desk.wire.taps) == 1
    desk.clock.advance(REOPEN_S)
    assert len(desk.wire.taps) == 2
    tap(desk).feed("lines", {"items": sent_lines(5, 6)})
    assert seen(pane, 3) == ["   4  line 4", "   5  line 5", "   6  line 6"]


def test_nothing_is_opened_again_after_the_end_of_the_log(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 1)
    tap(desk).feed("partial", {"stream": "stdout", "text": "rest"})
    tap(desk).feed("done", {"total_lines": 1, "run": sent.run(1)})
    tap(desk).end()
    assert not desk.clock.getDelayedCalls()
    assert seen(pane, 2) == ["   1  line 1", ""]


def test_nothing_is_opened_again_when_the_view_is_closed(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 1)
    tap(desk).end(unreachable())
    pane.closed()
    assert not desk.clock.getDelayedCalls()


def test_a_log_that_is_deleted_is_not_looked_for_again(desk: FakeDesk) -> None:
    open_log(desk)
    tap(desk).end(NotFound("there is no such run"))
    assert not desk.clock.getDelayedCalls()


def test_a_log_without_lines_says_so(desk: FakeDesk) -> None:
    pane = LogPane(desk, RUN_ID)
    pane.opened()
    assert seen(pane, 1) == [" loading…"]
    tap(desk).feed("ping", {})
    pane.run = live_run(1)
    assert seen(pane, 1) == [" no output yet"]
    pane.run = run(1)
    assert seen(pane, 1) == [" no output"]
    pane.run = run(1, end_reason="skipped", message="already running")
    assert seen(pane, 1) == [" no output: already running"]


def test_the_full_screen_has_no_numbers(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 2)
    pane.is_full = True
    assert seen(pane, 2) == ["line 1", "line 2"]


def test_text_is_faint_while_there_is_no_connection(desk: FakeDesk) -> None:
    pane = open_log(desk, 1, 1)
    desk.model.link = Link.LOST
    assert inks_of(pane, "line 1", 40, 2) == {"faint on base"}


def test_a_flood_that_nobody_follows_is_left_to_the_daemon(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(desk, 5000)
    pane = open_log(desk, 1, 5)
    monkeypatch.setattr(pane._lines, "kept", 2000)
    seen(pane)
    pane.act(Action.UP)
    tap(desk).feed("lines", {"items": sent_lines(6, 3000)})
    assert tap(desk).is_stopped
    assert seen(pane)[0] == "   1  line 1"
    pane.wheel(1900)
    seen(pane)
    pane.wheel(900)
    assert "line 2801" in seen(pane)[0]


def test_a_page_that_cannot_be_had_is_asked_for_later(desk: FakeDesk) -> None:
    desk.wire.on(PAGE_OF_LOG, unreachable())
    pane = open_log(desk, 1001, 1010)
    seen(pane)
    seen(pane)
    assert desk.wire.asked.count(PAGE_OF_LOG) == 1
    serve(desk, 1010)
    desk.clock.advance(5)
    seen(pane)
    pane.wheel(-900)
    assert "line 107" in seen(pane)[0]


def test_a_log_that_is_shown_again_is_where_it_was(desk: FakeDesk) -> None:
    serve(desk, 5000)
    pane = open_log(desk, 4001, 5000)
    seen(pane)
    pane.act(Action.TOP)
    pane.closed()
    pane.opened()
    assert len(desk.wire.taps) == 1
    assert seen(pane)[0] == "   1  line 1"
    pane.act(Action.END)
    tap(desk).feed("lines", {"items": sent_lines(4501, 5000)})
    seen(pane)
    pane.closed()
    pane.opened()
    tap(desk).feed("lines", {"items": sent_lines(5001, 5001)})
    assert seen(pane)[-2:] == ["5000  line 5000", "5001  line 5001"]


def test_a_jump_that_fails_leaves_the_log_where_it_is(desk: FakeDesk) -> None:
    desk.wire.on(PAGE_OF_LOG, unreachable())
    pane = open_log(desk, 4001, 5000)
    seen(pane)
    pane.act(Action.TOP)
    assert not tap(desk).is_stopped
    tap(desk).feed("lines", {"items": sent_lines(5001, 5001)})
    pane.act(Action.END)
    assert seen(pane)[-1] == "5001  line 5001"
