from __future__ import annotations

import unicodedata

import urwid
from hypothesis import given
from hypothesis import strategies as st

from runwisp.tui.ansi import Depth, columns_of, visible
from runwisp.tui.draw import width_of

_DEPTHS: tuple[Depth, ...] = (1, 16, 256, 16_777_216)


def look(text: str, colors: Depth = 16_777_216) -> list[tuple[str, str, str]]:
    """Foreground, background and text of each piece; plain text has neither."""
    return [
        (ink.foreground, ink.background, piece) if isinstance(ink, urwid.AttrSpec) else ("", "", piece)
        for ink, piece in visible(text, 0, 200, colors)
    ]


def test_text_without_styles_has_the_ink_of_its_place() -> None:
    assert visible("plain", 0, 80, 256, "faint") == [("faint", "plain")]


def test_colours_end_where_they_are_switched_off() -> None:
    assert look("a\x1b[31mred\x1b[39mb") == [("", "", "a"), ("#d0799c", "#1a1b26", "red"), ("", "", "b")]


def test_of_sixteen_colours_the_terminal_has_its_own() -> None:
    assert look("\x1b[31;44mx\x1b[0m", 16) == [("dark red", "dark blue", "x")]
    assert look("\x1b[94;103mx\x1b[0m", 16) == [("light blue", "yellow", "x")]


def test_without_colours_only_settings_are_left() -> None:
    assert look("\x1b[1;4;31mx\x1b[0m", 1) == [("default,bold,underline", "default", "x")]


def test_colours_of_24_bits_are_kept_or_made_the_nearest() -> None:
    assert look("\x1b[38;2;255;0;0mx") == [("#ff0000", "#1a1b26", "x")]
    assert look("\x1b[38;2;255;0;0mx", 256)[0][0] == "#f00"
    assert look("\x1b[38:2::0:0:0mx", 16)[0][0] == "black"


def test_numbers_of_the_palette_may_follow_colons_or_semicolons() -> None:
    assert look("\x1b[48;5;16mx") == look("\x1b[48:5:16mx")
    assert look("\x1b[38;5;200mx")[0][0] == "#ff00d7"


def test_a_setting_ends_by_its_own_code() -> None:
    assert look("\x1b[1;3;7;9ma\x1b[22;23;27;29mb") == [
        ("#c0caf5,bold,italics,standout,strikethrough", "#1a1b26", "a"),
        ("", "", "b"),
    ]


def test_hidden_text_takes_its_room() -> None:
    assert [piece for _, piece in visible("\x1b[8msecret\x1b[28m!", 0, 80, 256)] == ["      ", "!"]


def test_faint_text_is_muted() -> None:
    assert look("\x1b[2mx") == [("#7f88b0", "#1a1b26", "x")]
    assert look("\x1b[2mx\x1b[22my")[1] == ("", "", "y")


def test_nonsense_changes_nothing() -> None:
    assert look("\x1b[38mx") == look("\x1b[38;9mx") == look("\x1b[38;5;999mx") == [("", "", "x")]
    assert look("\x1b[12345mx") == [("", "", "x")]


def test_tabs_lead_to_columns_counted_from_the_begin_of_the_line() -> None:
    assert visible("ab\tc\td", 0, 80, 256) == [("text", "ab      c       d")]
    assert visible("ab\tc", 6, 80, 256) == [("text", "  c")]
    assert visible("\x1b[31mab\x1b[0m\tc", 8, 80, 256) == [("text", "c")]


def test_only_what_is_on_the_screen_is_made() -> None:
    text = "".join(map(str, range(10_000)))
    assert "".join(piece for _, piece in visible(text, 1000, 50, 256)) == text[1000:1050]


def test_half_of_a_wide_character_is_a_blank() -> None:
    assert visible("日本語", 1, 4, 256) == [("text", " 本")]


def test_other_control_characters_never_reach_the_terminal() -> None:
    ((_, piece),) = visible("a\x1b]0;title\x07b\x9b2J", 0, 80, 256)
    assert piece.isprintable()


@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.lists(st.integers(0, 300), max_size=6).map(lambda codes: f"\x1b[{';'.join(map(str, codes))}m"),
        ),
        max_size=8,
    ),
    st.integers(0, 30),
    st.integers(0, 40),
    st.sampled_from(_DEPTHS),
)
def test_no_line_is_wider_than_its_room(parts: list[str], left: int, width: int, colors: Depth) -> None:
    text = "".join(parts)
    segments = visible(text, left, width, colors)
    assert sum(width_of(piece) for _, piece in segments) <= width
    assert not any(unicodedata.category(character) == "Cc" for _, piece in segments for character in piece)
    assert sum(width_of(piece) for _, piece in visible(text, 0, 10_000, colors)) <= columns_of(text)
