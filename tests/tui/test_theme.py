from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urwid.display.raw import Screen

from runwisp.model import EndReason, Status
from runwisp.tui import theme


@pytest.mark.parametrize("colors", [1, 16, 256, theme.TRUE_COLOUR])
def test_every_depth_of_colour_has_every_attribute(colors: int) -> None:
    screen = Screen()
    screen.register_palette(theme.palette(colors))
    names = {f"{ink} on {paper}" for ink in theme.INKS for paper in theme.PAPERS}
    assert names | {f"badge {badge}" for badge in theme.BADGES} <= set(screen._palette)


@pytest.mark.parametrize("status", [*Status, *EndReason])
def test_every_status_has_a_badge_and_an_ink(status: str) -> None:
    assert theme.badge_of(status).removeprefix("badge ") in theme.BADGES
    assert theme.ink_of(status) in theme.INKS


def test_an_unknown_status_is_neutral() -> None:
    assert theme.badge_of("levitating") == "badge neutral"
    assert theme.ink_of("levitating") == "muted"


def test_without_colours_the_cursor_and_badges_still_stand_out() -> None:
    mono = {name: settings for name, _, _, settings, *_ in theme.palette(1)}
    assert mono["text on cursor"] == "standout"
    assert mono["badge failed"] == "standout"
    assert mono["text on base"] == ""


@given(st.integers(16, 255))
def test_a_colour_of_the_palette_is_nearest_to_itself(number: int) -> None:
    rgb = theme._rgb_of(number)
    assert theme._rgb_of(theme.nearest_256("#{:02x}{:02x}{:02x}".format(*rgb))) == rgb


def _luminance(rgb: str) -> float:
    parts = [int(rgb[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("paper", theme.PAPERS)
@pytest.mark.parametrize("ink", sorted(set(theme.INKS) - {"faint", "divider"}))
def test_text_can_be_read_on_every_paper(ink: str, paper: str) -> None:
    light, dark = _luminance(theme.INKS[ink].rgb), _luminance(theme.PAPERS[paper].rgb)
    least = 4.5 if paper == "base" else 3.0
    assert (max(light, dark) + 0.05) / (min(light, dark) + 0.05) >= least or paper == "marked"
