"""From the styles in a line of output to colours of the screen (spec: interfaces, run view).

The daemon has rendered the line: of all control sequences only those that set styles are left in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import urwid
from attrs import define, field, frozen

from runwisp.tui.draw import Ink, Segment, safe, width_of
from runwisp.tui.theme import INKS, PAPERS, TRUE_COLOUR, nearest_256, rgb_of

_SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m")
_TAB_WIDTH = 8
#: So much of a line is looked at once; what is right of the screen is not.
_PIECE = 512

#: The first sixteen colours: for terminals with more, and as urwid calls those of the terminal.
_SIXTEEN = (
    ("#393a41", "black"),
    ("#d0799c", "dark red"),
    ("#4bae87", "dark green"),
    ("#ffa500", "brown"),
    ("#7d8df9", "dark blue"),
    ("#be7ace", "dark magenta"),
    ("#00b791", "dark cyan"),
    ("#cfd0d9", "light gray"),
    ("#707179", "dark gray"),
    ("#e4a1ba", "light red"),
    ("#7ecaa9", "light green"),
    ("#ffbd3e", "yellow"),
    ("#a8afff", "light blue"),
    ("#d4a3df", "light magenta"),
    ("#24d4b4", "light cyan"),
    ("#f8f8fc", "white"),
)
_FAINT_RGB = "#7f88b0"

#: Codes that switch settings on, and what each of the codes from 22 on switches off.
_ON = {1: "bold", 3: "italics", 4: "underline", 5: "blink", 6: "blink", 7: "standout", 9: "strikethrough"}
_OFF = {22: "bold", 23: "italics", 24: "underline", 25: "blink", 27: "standout", 29: "strikethrough"}
_FAINT, _HIDDEN = "faint", "hidden"

#: How many colours a terminal has.
Depth: TypeAlias = Literal[1, 16, 88, 256, 16777216]
#: A number of the palette of 256 colours, or ``#rrggbb``.
Colour: TypeAlias = "int | str"


@frozen
class _Style:
    """What is in force; None is the colour of the screen."""

    fore: Colour | None = None
    back: Colour | None = None
    settings: frozenset[str] = frozenset()


@define
class _Pen:
    """Takes in sequences one after the other."""

    style: _Style = field(factory=_Style)

    def take(self, params: str) -> None:
        fields = iter(params.split(";"))
        for text in fields:
            code, _, detail = text.partition(":")
            self._apply(int(code or 0) if len(code) <= 3 else -1, detail, fields)

    def _apply(self, code: int, detail: str, fields: Iterator[str]) -> None:
        fore, back, settings = self.style.fore, self.style.back, self.style.settings
        if code == 0:
            fore = back = None
            settings = frozenset()
        elif code == 4 and detail == "0":
            settings -= {"underline"}
        elif code in _ON:
            settings |= {_ON[code]}
        elif code in {2, 8}:
            settings |= {_FAINT if code == 2 else _HIDDEN}
        elif code == 21:
            settings |= {"underline"}
        elif code in _OFF:
            settings -= {_OFF[code], *([_FAINT] if code == 22 else [])}
        elif code == 28:
            settings -= {_HIDDEN}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            fore = code - 30 if code < 90 else code - 82
        elif 40 <= code <= 47 or 100 <= code <= 107:
            back = code - 40 if code < 100 else code - 92
        elif code == 38:
            fore = _colour(detail, fields) or fore
        elif code == 48:
            back = _colour(detail, fields) or back
        elif code == 58:
            _colour(detail, fields)
        elif code == 39:
            fore = None
        elif code == 49:
            back = None
        self.style = _Style(fore, back, settings)


def visible(text: str, left: int, width: int, colors: Depth, ink: str = "text") -> list[Segment]:
    """The part of a line in ``width`` columns from column ``left`` on; ``ink`` is where it has no style.

    :param colors: how many colours the terminal has
    """
    kept: list[Segment] = []
    column = 0
    for style, piece in _pieces(text):
        plain = safe(_untabbed(piece, column))
        end = column + width_of(plain)
        if end > left:
            shown = _columns(plain, left - column, left + width - column)
            if _HIDDEN in style.settings:
                shown = " " * width_of(shown)
            kept.append((_ink(style, colors, ink), shown))
        column = end
        if column >= left + width:
            break
    return kept


def columns_of(text: str) -> int:
    """At least how many columns the line takes; never less."""
    length = len(text) if text.isascii() else 2 * len(text)
    return length + (_TAB_WIDTH - 1) * text.count("\t")


def _pieces(text: str) -> Iterator[tuple[_Style, str]]:
    pen = _Pen()
    done = 0
    for sequence in _SEQUENCE.finditer(text):
        yield from _cut(pen.style, text, done, sequence.start())
        pen.take(sequence[1])
        done = sequence.end()
    yield from _cut(pen.style, text, done, len(text))


def _cut(style: _Style, text: str, start: int, end: int) -> Iterator[tuple[_Style, str]]:
    for place in range(start, end, _PIECE):
        yield style, text[place : min(end, place + _PIECE)]


def _untabbed(text: str, column: int) -> str:
    """The text, which begins in that column, with blanks for its tabs."""
    if "\t" not in text:
        return text
    parts = []
    for part in text.split("\t"):
        column += width_of(safe(part))
        blanks = _TAB_WIDTH - column % _TAB_WIDTH
        parts.append(part + " " * blanks)
        column += blanks
    return "".join(parts)[:-blanks]


def _columns(text: str, start: int, end: int) -> str:
    """The columns of the text from ``start`` to ``end``, with blanks for halves of wide characters."""
    if text.isascii():
        return text[max(0, start) : end]
    first, at = urwid.calc_text_pos(text, 0, len(text), max(0, start))
    blank = ""
    if at < start:
        # A wide character begins left of the edge.
        first += 1
        blank = " "
    last, _ = urwid.calc_text_pos(text, first, len(text), end - max(0, start) - len(blank))
    return blank + text[first:last]


def _colour(detail: str, fields: Iterator[str]) -> Colour | None:
    """The colour that follows a code, in its own field after colons or in the fields after it."""
    if detail:
        kind, *numbers = detail.split(":")
        numbers = numbers[-3:] if kind == "2" else numbers
    else:
        kind = next(fields, "")
        numbers = [next(fields, "") for _ in range({"5": 1, "2": 3}.get(kind, 0))]
    values = [int(number or 0) if len(number) <= 3 else 256 for number in numbers]
    if not values or max(values) > 255:
        return None
    if kind == "2" and len(values) == 3:
        return "#{:02x}{:02x}{:02x}".format(*values)
    return values[0] if kind == "5" else None


@lru_cache(maxsize=512)
def _ink(style: _Style, colors: Depth, plain: str) -> Ink:
    if style == _Style():
        return plain
    settings = sorted(style.settings - {_FAINT, _HIDDEN})
    fore = style.fore
    if fore is None and _FAINT in style.settings:
        # Of the sixteen there is none that can be read everywhere.
        text = "default" if colors == 16 else _named(_FAINT_RGB, colors)
    elif fore is None and colors > 16:
        text = _named(INKS[plain].rgb, colors)
    else:
        text = _named(fore, colors)
    back = _named(style.back if style.back is not None or colors <= 16 else PAPERS["base"].rgb, colors)
    return urwid.AttrSpec(",".join([text, *settings]), back, colors)


def _named(colour: Colour | None, colors: Depth) -> str:
    """What urwid calls the colour on a terminal with so many."""
    if colour is None or colors == 1:
        return "default"
    rgb = colour if isinstance(colour, str) else _SIXTEEN[colour][0] if colour < 16 else rgb_of(colour)
    if colors == TRUE_COLOUR:
        return rgb
    if colors > 16:
        return f"h{colour}" if isinstance(colour, int) and colour >= 16 else f"h{nearest_256(rgb)}"
    return _SIXTEEN[colour][1] if isinstance(colour, int) and colour < 16 else _nearest_16(rgb)


@lru_cache(maxsize=256)
def _nearest_16(rgb: str) -> str:
    def distance(entry: tuple[str, str]) -> int:
        return sum((a - b) ** 2 for a, b in zip(_levels(rgb), _levels(entry[0]), strict=True))

    return min(_SIXTEEN, key=distance)[1]


def _levels(rgb: str) -> Sequence[int]:
    return [int(rgb[place : place + 2], 16) for place in (1, 3, 5)]
