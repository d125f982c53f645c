from __future__ import annotations

from collections.abc import Sequence

from runwisp.tui.draw import Line
from runwisp.tui.header import Header, Part, Spot, Stack, button, title
from runwisp.tui.keys import Action
from runwisp.tui.rows import Look, Rows
from tests.tui.fakes import inks_of, rows_of


class Links(Header):
    """Two lines with spots below a title."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.parts: list[list[Part]] = [
            [*title("Title", [("badge failed", " failed ")], 20)],
            [self.spot("one"), ("text", " "), self.spot("two")],
            [button("Go", lambda: self.opened.append("go"), "button")],
            [("muted", "id "), self.spot("three")],
        ]

    def spot(self, text: str) -> Spot:
        return Spot(text, lambda: self.opened.append(text))

    def lines(self, width: int) -> Sequence[Sequence[Part]]:
        return self.parts


class Body(Rows):
    def count(self) -> int:
        return 5

    def line(self, index: int, width: int, look: Look) -> Line:
        return Line([("text", f"{'>' if look.is_cursor and look.is_focused else ' '}{index}")])


def open_now(header: Header) -> None:
    header.act(Action.OPEN)


def test_a_title_has_its_right_part_at_the_edge() -> None:
    assert rows_of(Links(), 20, 4)[0] == " Title       failed"


def test_the_arrows_go_from_spot_to_spot_and_pass_over_buttons() -> None:
    header = Links()
    rows_of(header, 20, 4)
    open_now(header)
    assert header.act(Action.RIGHT)
    open_now(header)
    assert not header.act(Action.RIGHT)
    assert header.act(Action.DOWN)
    open_now(header)
    assert not header.act(Action.DOWN)
    assert header.act(Action.UP)
    open_now(header)
    assert header.opened == ["one", "two", "three", "one"]


def test_spots_and_buttons_can_be_clicked() -> None:
    header = Links()
    rows_of(header, 20, 4)
    header.click(5, 1)
    header.click(1, 2)
    header.click(3, 1)
    header.click(19, 0)
    assert header.opened == ["two", "go"]


def test_the_spot_under_the_pointer_stands_out() -> None:
    header = Links()
    rows_of(header, 20, 4)
    header.hover(4, 1)
    assert inks_of(header, "two", 20, 4) == {"text on hover"}
    header.leave()
    assert inks_of(header, "two", 20, 4) == {"text on base"}


def test_the_cursor_finds_another_spot_when_its_own_goes() -> None:
    header = Links()
    rows_of(header, 20, 4)
    header.act(Action.DOWN)
    del header.parts[3]
    rows_of(header, 20, 3)
    open_now(header)
    assert header.opened == ["one"]


def test_up_from_the_first_row_leads_to_the_header_and_down_leads_back() -> None:
    header = Links()
    stack = Stack(header, Body(lambda: 0.0))
    assert rows_of(stack, 20, 8)[4:] == [">0", " 1", " 2", " 3"]
    assert stack.act(Action.UP)
    assert rows_of(stack, 20, 8)[4] == " 0"
    assert inks_of(stack, "three", 20, 8) == {"bright on cursor"}
    stack.act(Action.OPEN)
    assert stack.act(Action.DOWN)
    assert rows_of(stack, 20, 8)[4] == ">0"
    assert header.opened == ["three"]


def test_a_header_without_spots_is_not_entered() -> None:
    header = Links()
    header.parts = [[("text", "nothing to choose")]]
    stack = Stack(header, Body(lambda: 0.0))
    rows_of(stack, 20, 8)
    assert not stack.act(Action.UP)
    assert not stack.is_in_header


def test_clicks_go_to_the_part_that_they_are_on() -> None:
    header, body = Links(), Body(lambda: 0.0)
    stack = Stack(header, body)
    rows_of(stack, 20, 8)
    stack.click(0, 6)
    assert body.cursor == 2
    stack.click(0, 1)
    assert header.opened == ["one"]
    stack.wheel(3)
    assert body.top == 1
    stack.hover(0, 1)
    assert inks_of(stack, "one", 20, 8) == {"text on hover"}
    stack.leave()
    assert inks_of(stack, "one", 20, 8) == {"text on base"}
