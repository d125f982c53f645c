from __future__ import annotations

import pytest
import urwid
from hypothesis import given
from hypothesis import strategies as st

from runwisp.tui.desk import Overlay
from runwisp.tui.draw import Line, canvas
from runwisp.tui.frame import WHEEL_LINES, WIDEST_VIEW, Frame, Rect, Scene, layout
from runwisp.tui.pane import Pane
from tests.tui.fakes import text_of


class Block(Pane):
    """Fills itself with a letter, and notes what the mouse does."""

    def __init__(self, letter: str, happened: list[str]) -> None:
        self.letter = letter
        self.happened = happened

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        letter = self.letter.upper() if has_focus else self.letter
        return canvas([Line([("text", letter * width)])] * height, width, height)

    def click(self, column: int, row: int) -> None:
        self.happened.append(f"{self.letter} click {column} {row}")

    def wheel(self, lines: int) -> None:
        self.happened.append(f"{self.letter} wheel {lines}")

    def hover(self, column: int, row: int) -> None:
        self.happened.append(f"{self.letter} hover {column} {row}")

    def leave(self) -> None:
        self.happened.append(f"{self.letter} leave")


class Card(Block, Overlay):
    def size(self, width: int, height: int) -> tuple[int, int]:
        return 20, 4


@pytest.fixture
def happened() -> list[str]:
    return []


@pytest.fixture
def scene(happened: list[str]) -> Scene:
    return Scene(*(Block(letter, happened) for letter in "svfb"))


@pytest.fixture
def frame(scene: Scene, happened: list[str]) -> Frame:
    return Frame(scene, lambda key: happened.append(f"key {key}"))


def seen(frame: Frame, columns: int = 80, rows: int = 24) -> list[str]:
    return text_of(frame.render((columns, rows), focus=True))


def mouse(frame: Frame, event: str, button: int, column: int, row: int) -> None:
    frame.mouse_event((80, 24), f"mouse {event}", button, column, row, focus=True)


def test_everything_has_its_place(frame: Frame) -> None:
    rows = seen(frame)
    assert rows[:22] == ["s" * 28 + "V" * 52] * 22
    assert rows[22:] == ["f" * 80, "b" * 80]


def test_the_view_is_at_the_left_of_a_wide_screen(frame: Frame) -> None:
    assert seen(frame, 200, 50)[0] == "s" * 28 + "V" * WIDEST_VIEW


def test_the_panel_of_notifications_takes_ten_rows(frame: Frame, scene: Scene) -> None:
    scene.footer_rows = 10
    assert [row[0] for row in seen(frame)] == ["s"] * 13 + ["f"] * 10 + ["b"]


def test_on_the_full_screen_the_view_is_alone(frame: Frame, scene: Scene) -> None:
    scene.is_full = True
    assert seen(frame) == ["V" * 80] * 24


@pytest.mark.parametrize(("columns", "rows"), [(59, 24), (80, 14), (10, 2), (1, 1)])
def test_too_small_a_window_says_so(frame: Frame, columns: int, rows: int) -> None:
    seen_rows = seen(frame, columns, rows)
    assert len(seen_rows) == rows
    assert "".join(seen_rows).strip()[:3] in {"the", "th…", "…"} or columns < 4
    mouse(frame, "press", 1, 0, 0)


def test_an_overlay_is_in_the_middle_and_has_the_focus(
    frame: Frame, scene: Scene, happened: list[str]
) -> None:
    scene.overlay = Card("o", happened)
    rows = seen(frame)
    assert rows[10] == "s" * 28 + "vv" + "O" * 20 + "v" * 30
    assert sum("O" in row for row in rows) == 4
    mouse(frame, "press", 1, 5, 5)
    mouse(frame, "press", 1, 31, 11)
    assert happened == ["o click 1 1"]


def test_a_click_goes_to_the_pane_under_it_and_gives_it_the_focus(
    frame: Frame, scene: Scene, happened: list[str]
) -> None:
    seen(frame)
    mouse(frame, "press", 1, 3, 4)
    assert scene.focused is scene.sidebar
    mouse(frame, "press", 1, 30, 2)
    assert scene.focused is scene.view
    mouse(frame, "press", 1, 9, 23)
    assert scene.focused is scene.view
    mouse(frame, "press", 3, 30, 2)
    mouse(frame, "release", 0, 30, 2)
    assert happened == ["s click 3 4", "v click 2 2", "b click 9 0"]


def test_the_wheel_scrolls_what_is_under_the_pointer(frame: Frame, scene: Scene, happened: list[str]) -> None:
    seen(frame)
    mouse(frame, "press", 5, 3, 4)
    mouse(frame, "press", 4, 40, 4)
    assert happened == [f"s wheel {WHEEL_LINES}", f"v wheel {-WHEEL_LINES}"]
    assert scene.focused is scene.view


def test_the_pane_that_the_pointer_leaves_is_told(frame: Frame, happened: list[str]) -> None:
    seen(frame)
    mouse(frame, "drag", 4, 3, 4)
    mouse(frame, "drag", 4, 4, 4)
    mouse(frame, "drag", 4, 40, 4)
    assert happened == ["s hover 3 4", "s hover 4 4", "s leave", "v hover 12 4"]


def test_keys_are_handed_on(frame: Frame, happened: list[str]) -> None:
    frame.keypress((80, 24), "j")
    assert happened == ["key j"]


@given(st.integers(60, 250), st.integers(15, 80), st.sampled_from([1, 10]))
def test_nothing_overlaps_and_nothing_is_outside(columns: int, rows: int, footer_rows: int) -> None:
    places = layout(columns, rows, footer_rows, is_full=False)
    rects = [rect for rect in (places.sidebar, places.view, places.footer, places.bar) if rect is not None]
    assert len(rects) == 4
    for rect in rects:
        assert rect.left + rect.width <= columns
        assert rect.top + rect.height <= rows
        assert rect.width > 0
        assert rect.height > 0
    assert not any(_overlap(one, other) for one in rects for other in rects if one is not other)


def _overlap(one: Rect, other: Rect) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )
