"""Colours of the terminal: inks for text and papers below it, for any depth of colour.

An attribute of the screen is ``"INK on PAPER"``, or a name that has both, such as ``"badge failed"``
(spec: interfaces, status words and colours; visual design, colours).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from attrs import frozen

#: What urwid registers: name, foreground, background, monochrome, foreground and background in high colour.
Entry: TypeAlias = tuple[str, str, str, str, str, str]

TRUE_COLOUR = 16_777_216


@frozen
class Ink:
    """A colour of text: 24 bits, one of the sixteen, and settings such as ``bold`` at any depth."""

    rgb: str
    basic: str
    settings: str = ""
    mono: str = ""


@frozen
class Paper:
    """A colour below text; ``mono`` is how it shows on a terminal without colours."""

    rgb: str
    basic: str = "default"
    mono: str = ""


#: Of the sixteen, dark grey is left out: many a terminal draws it as black on black.
INKS = {
    "text": Ink("#c0caf5", "default"),
    "muted": Ink("#7f88b0", "light gray"),
    "faint": Ink("#565f89", "dark cyan"),
    "dim": Ink("#a8b2d8", "default"),
    "bright": Ink("#e0e6ff", "white", "bold", "bold"),
    "italic": Ink("#7f88b0", "light gray", "italics", "italics"),
    "primary": Ink("#6b85f0", "light blue", "bold", "bold"),
    "secondary": Ink("#00b791", "dark cyan"),
    "success": Ink("#9ece6a", "dark green"),
    "error": Ink("#f7768e", "light red", "", "bold"),
    "warning": Ink("#e0af68", "yellow", "", "bold"),
    "running": Ink("#7aa2f7", "light blue", "", "bold"),
    "pending": Ink("#bb9af7", "light magenta"),
    "divider": Ink("#2a2d48", "dark cyan"),
}

PAPERS = {
    "base": Paper("#1a1b26"),
    "raised": Paper("#24253a"),
    "chart": Paper("#1f2030"),
    "sidebar": Paper("#1e2140"),
    "cursor": Paper("#2a3060", "dark blue", "standout"),
    "resting": Paper("#262b50", "default", "underline"),
    "hover": Paper("#262b50", "default", "underline"),
    "button": Paper("#2a2d48", "default", "standout"),
    "marked": Paper("#3d54b5", "dark blue", "standout"),
}

#: Words with a background of their own: colour of the paper, and the nearest of the sixteen.
BADGES = {
    "pending": ("#bb9af7", "dark magenta"),
    "running": ("#7aa2f7", "dark cyan"),
    "success": ("#9ece6a", "dark green"),
    "failed": ("#f7768e", "dark red"),
    "warning": ("#e0af68", "brown"),
    "neutral": ("#565f89", "light gray"),
    "primary": ("#526ee3", "dark cyan"),
}
_BADGE_INK = "#1a1b26"
#: The grey of neutral badges is too dark for dark text on it.
_BADGE_INKS = {"neutral": "#e0e6ff", "primary": "#e0e6ff"}


def palette(colors: int) -> Iterator[Entry]:
    """Every attribute that views use, for a terminal with so many colours."""
    for paper_name, paper in PAPERS.items():
        for ink_name, ink in INKS.items():
            yield (
                f"{ink_name} on {paper_name}",
                _joined(ink.basic, ink.settings),
                paper.basic,
                _joined(ink.mono, paper.mono),
                _joined(_high(ink.rgb, colors), ink.settings),
                _high(paper.rgb, colors),
            )
    for name, (rgb, basic) in BADGES.items():
        ink_rgb = _high(_BADGE_INKS.get(name, _BADGE_INK), colors)
        yield f"badge {name}", "black", basic, "standout", _joined(ink_rgb, "bold"), _high(rgb, colors)


def badge_of(status: str) -> str:
    """The badge for a display status; one that is unknown is neutral."""
    return "badge " + _STATUS_BADGES.get(status, "neutral")


def ink_of(status: str) -> str:
    """The ink for a display status; one that is unknown is muted."""
    return _STATUS_INKS[_STATUS_BADGES.get(status, "neutral")]


_STATUS_BADGES = {
    "pending": "pending",
    "running": "running",
    "success": "success",
    "failed": "failed",
    "crashed": "failed",
    "log_overflow": "failed",
    "missed": "failed",
    "start_failed": "failed",
    "unhealthy": "failed",
    "timeout": "warning",
    "stopped": "warning",
    "daemon_stopped": "warning",
    "queue_full": "warning",
}
_STATUS_INKS = {
    "pending": "pending",
    "running": "running",
    "success": "success",
    "failed": "error",
    "warning": "warning",
    "neutral": "muted",
}


def _joined(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def _high(rgb: str, colors: int) -> str:
    return rgb if colors == TRUE_COLOUR else f"h{nearest_256(rgb)}"


@lru_cache(maxsize=256)
def nearest_256(rgb: str) -> int:
    """The number in the palette of 256 colours that is nearest to ``#rrggbb``.

    The first sixteen are left out, because every terminal has its own for them.
    """
    red, green, blue = (int(rgb[place : place + 2], 16) for place in (1, 3, 5))

    def distance(number: int) -> float:
        other = _rgb_of(number)
        # The eye sees green best and blue least.
        return 3 * (red - other[0]) ** 2 + 4 * (green - other[1]) ** 2 + 2 * (blue - other[2]) ** 2

    return min(range(16, 256), key=distance)


def rgb_of(number: int) -> str:
    """``#rrggbb`` of a number from 16 on in the palette of 256 colours."""
    return "#{:02x}{:02x}{:02x}".format(*_rgb_of(number))


def _rgb_of(number: int) -> tuple[int, int, int]:
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    steps = (0, 95, 135, 175, 215, 255)
    cube = number - 16
    return steps[cube // 36], steps[cube // 6 % 6], steps[cube % 6]
