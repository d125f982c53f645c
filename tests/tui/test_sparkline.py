from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwisp.tui.sparkline import SAMPLES, braille


def test_no_values_draw_no_dots() -> None:
    assert braille([], 3, 2) == ["⠀⠀⠀", "⠀⠀⠀"]


def test_the_newest_value_is_at_the_right_edge() -> None:
    assert braille([100.0], 2, 1) == ["⠀⢸"]
    assert braille([50.0, 100.0], 2, 1) == ["⠀⣼"]


def test_a_chart_grows_from_below() -> None:
    assert braille([25.0, 100.0], 1, 2) == ["⢸", "⣼"]


def test_a_little_is_not_nothing() -> None:
    assert braille([0.0, 0.5], 1, 1) == ["⢀"]


@given(st.lists(st.floats(-10, 200), max_size=2 * SAMPLES), st.integers(1, 30), st.integers(1, 4))
def test_a_chart_has_its_size(values: list[float], width: int, height: int) -> None:
    rows = braille(values, width, height)
    assert [len(row) for row in rows] == [width] * height
    assert all(0x2800 <= ord(cell) <= 0x28FF for row in rows for cell in row)
