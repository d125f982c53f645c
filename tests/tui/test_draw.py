from __future__ import annotations

import pytest
import urwid
from hypothesis import given
from hypothesis import strategies as st

from runwisp.tui.draw import Line, Segment, between, canvas, clip, fit, safe, trim, width_of, wrapped
from tests.tui.fakes import text_of

CHARACTERS = st.characters(codec="utf-8") | st.sampled_from("a\u200d\ufe0f\u0301\u202e👩💻🇩🇪日❤1\u20e3")
TEXTS = st.text(CHARACTERS, max_size=40)


def test_text_that_fits_is_not_cut() -> None:
    assert clip("backup", 6) == "backup"


def test_text_that_does_not_fit_ends_in_an_ellipsis() -> None:
    assert clip("nightly-backup", 8) == "nightly…"
    assert clip("backup", 0) == ""


def test_half_of_a_wide_character_is_not_drawn() -> None:
    assert fit("日本語", 4) == "日… "


@given(TEXTS, st.integers(0, 30))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert width_of(fit(text, width)) == width


def test_text_can_be_at_the_right() -> None:
    assert fit("7", 3, is_right=True) == "  7"


@given(TEXTS)
def test_nothing_that_commands_a_terminal_is_left(text: str) -> None:
    assert not {char for char in safe(text) if ord(char) < 32 or 127 <= ord(char) < 160}


def test_nothing_turns_the_direction_of_text_round() -> None:
    assert safe("abc\u202edef") == "abcdef"


def test_escape_sequences_are_shown_as_what_they_are() -> None:
    assert safe("a\x1b[31mb\tc") == "a�[31mb c"


def test_the_right_part_of_a_row_wins() -> None:
    row = between([("text", "a long title")], [("muted", "now")], 10)
    assert "".join(text for _, text in row) == "a long…now"


@given(st.lists(st.tuples(st.just("text"), TEXTS)), st.integers(0, 30))
def test_trimmed_segments_are_never_too_wide(segments: list[Segment], width: int) -> None:
    assert sum(width_of(text) for _, text in trim(segments, width)) <= width


@given(TEXTS, st.integers(2, 20))
def test_wrapped_lines_are_never_too_wide(text: str, width: int) -> None:
    assert all(width_of(line) <= width for line in wrapped(text, width))


def test_text_is_wrapped_at_blanks() -> None:
    assert wrapped("keep it down\nfor good", 8) == ["keep it", "down", "for good"]


def test_a_word_without_blanks_is_broken() -> None:
    assert wrapped("a 0123456789", 4) == ["a", "0123", "4567", "89"]


def test_a_canvas_has_the_size_that_was_asked_for() -> None:
    drawn = canvas([Line([("bright", "one")]), Line([("text", "two")], "cursor")], 6, 3)
    assert text_of(drawn) == ["one", "two", ""]
    assert (drawn.cols(), drawn.rows()) == (6, 3)
    assert [attribute for attribute, _, _ in list(drawn.content())[1]] == ["text on cursor"]


@given(
    st.lists(st.lists(st.tuples(st.just("text"), TEXTS)), max_size=4), st.integers(1, 20), st.integers(1, 4)
)
def test_whatever_is_drawn_fits(lines: list[list[Segment]], width: int, height: int) -> None:
    drawn = canvas([Line(segments) for segments in lines], width, height)
    for row in drawn.content():
        assert sum(urwid.calc_width(text, 0, len(text)) for _, _, text in row) == width


def test_badges_and_colours_of_output_keep_their_own_paper() -> None:
    red = urwid.AttrSpec("dark red", "default")
    drawn = canvas([Line([("badge failed", "a"), (red, "b"), ("text on button", "c")])], 3, 1)
    assert [attribute for attribute, _, _ in next(iter(drawn.content()))] == [
        "badge failed",
        red,
        "text on button",
    ]


def test_a_terminal_without_utf_8_gets_as_many_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urwid.util, "get_encoding", lambda: "ascii")
    drawn = canvas([Line([("text", "日✗ok")])], 6, 1)
    assert drawn.text == [b"???ok "]
