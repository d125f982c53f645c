from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.task import Clock

from runwisp.tui.draw import Line
from runwisp.tui.keys import Action
from runwisp.tui.rows import DOUBLE_CLICK_S, Look, Rows
from tests.tui.fakes import rows_of


class Words(Rows):
    """One word a row; the cursor passes over those in capitals."""

    def __init__(self, clock: Clock, words: Sequence[str]) -> None:
        super().__init__(clock.seconds)
        self.words = words
        self.opened: list[str] = []

    def count(self) -> int:
        return len(self.words)

    def can_stop_at(self, index: int) -> bool:
        return not self.words[index].isupper()

    def line(self, index: int, width: int, look: Look) -> Line:
        sign = ">" if look.is_cursor else "~" if look.is_hovered else " "
        return Line([("text", sign + self.words[index])])

    def open(self, index: int) -> None:
        self.opened.append(self.words[index])

    def empty_lines(self, width: int) -> list[Line]:
        return [Line([("muted", "nothing")])]


def seen(rows: Rows, height: int = 3) -> list[str]:
    return rows_of(rows, 10, height)


def numbers(count: int) -> Words:
    return Words(Clock(), [str(number) for number in range(count)])


def test_no_more_than_the_rows_on_the_screen_are_made() -> None:
    rows = numbers(1_000_000)
    rows.line = _counting(rows)  # type: ignore[method-assign, assignment]  # to see how often it is called
    assert seen(rows) == [">0", " 1", " 2"]
    assert rows.opened == ["line"] * 3


def _counting(rows: Words) -> Callable[[int, int, Look], Line]:
    def line(index: int, width: int, look: Look) -> Line:
        rows.opened.append("line")
        return Words.line(rows, index, width, look)

    return line


def test_the_list_scrolls_when_the_cursor_leaves_it() -> None:
    rows = numbers(6)
    seen(rows)
    for _ in range(3):
        assert rows.act(Action.DOWN)
    assert seen(rows) == [" 1", " 2", ">3"]
    rows.act(Action.UP)
    assert seen(rows) == [" 1", ">2", " 3"]


def test_pages_and_ends() -> None:
    rows = numbers(10)
    seen(rows)
    rows.act(Action.PAGE_DOWN)
    assert seen(rows) == [" 1", " 2", ">3"]
    rows.act(Action.END)
    assert seen(rows) == [" 7", " 8", ">9"]
    rows.act(Action.PAGE_UP)
    assert seen(rows) == [">6", " 7", " 8"]
    rows.act(Action.TOP)
    assert seen(rows) == [">0", " 1", " 2"]


def test_up_from_the_first_row_is_left_to_what_is_around() -> None:
    rows = numbers(3)
    seen(rows)
    assert not rows.act(Action.UP)
    assert rows.act(Action.DOWN)
    assert rows.act(Action.UP)


def test_the_cursor_passes_over_headings_and_shows_the_first_one() -> None:
    rows = Words(Clock(), ["HEAD", "a", "GROUP", "b", "END"])
    rows.move_to(0)
    assert seen(rows) == [" HEAD", ">a", " GROUP"]
    rows.act(Action.DOWN)
    assert seen(rows) == [" a", " GROUP", ">b"]
    rows.act(Action.END)
    assert seen(rows)[-1] == ">b"
    rows.act(Action.UP)
    assert seen(rows) == [" HEAD", ">a", " GROUP"]


def test_enter_opens_the_row_under_the_cursor() -> None:
    rows = numbers(3)
    rows.act(Action.DOWN)
    rows.act(Action.OPEN)
    assert rows.opened == ["1"]


def test_a_click_moves_the_cursor_and_a_double_click_opens() -> None:
    clock = Clock()
    rows = Words(clock, ["a", "b", "c"])
    seen(rows)
    rows.click(0, 1)
    assert (rows.cursor, rows.opened) == (1, [])
    clock.advance(DOUBLE_CLICK_S / 2)
    rows.click(0, 1)
    assert rows.opened == ["b"]


def test_two_slow_clicks_or_clicks_on_two_rows_are_no_double_click() -> None:
    clock = Clock()
    rows = Words(clock, ["a", "b", "c"])
    seen(rows)
    rows.click(0, 1)
    clock.advance(DOUBLE_CLICK_S * 1.1)
    rows.click(0, 1)
    rows.click(0, 2)
    assert rows.opened == []


def test_clicks_on_headings_and_below_the_last_row_do_nothing() -> None:
    rows = Words(Clock(), ["HEAD", "a"])
    rows.opens_at_click = True
    rows.move_to(0)
    seen(rows)
    rows.click(0, 0)
    rows.click(0, 2)
    assert (rows.cursor, rows.opened) == (1, [])
    rows.click(0, 1)
    assert rows.opened == ["a"]


def test_the_wheel_scrolls_and_takes_the_cursor_along_only_at_the_edge() -> None:
    rows = numbers(10)
    seen(rows)
    rows.wheel(3)
    assert seen(rows) == [">3", " 4", " 5"]
    rows.act(Action.DOWN)
    rows.wheel(-1)
    assert seen(rows) == [" 2", " 3", ">4"]
    rows.wheel(-100)
    assert seen(rows) == [" 0", " 1", ">2"]


def test_the_row_under_the_pointer_stands_out() -> None:
    rows = numbers(3)
    rows.hover(4, 1)
    assert seen(rows) == [">0", "~1", " 2"]
    rows.leave()
    assert seen(rows) == [">0", " 1", " 2"]


def test_a_list_that_became_shorter_keeps_its_cursor_inside() -> None:
    rows = numbers(9)
    seen(rows)
    rows.act(Action.END)
    rows.words = ["a", "b"]
    assert seen(rows) == [" a", ">b", ""]


def test_an_empty_list_says_so_and_takes_no_harm_from_keys() -> None:
    rows = numbers(0)
    for action in (Action.DOWN, Action.END, Action.OPEN, Action.PAGE_UP):
        rows.act(action)
    rows.wheel(3)
    rows.click(0, 0)
    assert seen(rows) == ["nothing", "", ""]


def test_a_window_that_became_smaller_still_shows_the_cursor() -> None:
    rows = numbers(20)
    seen(rows, 10)
    for _ in range(8):
        rows.act(Action.DOWN)
    assert ">8" in seen(rows, 10)
    assert seen(rows, 4) == [" 5", " 6", " 7", ">8"]
    assert ">8" in seen(rows, 10)
