"""From lines of coloured text to canvases of urwid, and text cut to the width of the screen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias
from unicodedata import category

import urwid
from attrs import frozen

#: A name of :mod:`runwisp.tui.theme`, or colours that the output of a run has chosen.
Ink: TypeAlias = "str | urwid.AttrSpec"
Segment: TypeAlias = tuple[Ink, str]

ELLIPSIS = "…"

_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "�") | {0x09: " ", 0x0A: " "}


#: Categories of Unicode: joiners and directions, halves of pairs, separators of lines.
_INVISIBLE = frozenset({"Cf", "Cs", "Zl", "Zp"})


@frozen
class Line:
    """A row of the screen: segments from left to right, on ``paper`` up to the right edge."""

    segments: Sequence[Segment] = ()
    paper: str = "base"


def safe(text: str) -> str:
    """``text`` without what commands a terminal, or changes the width of its neighbours."""
    if text.isprintable():
        return text
    return "".join(char for char in text.translate(_CONTROLS) if category(char) not in _INVISIBLE)


def width_of(text: str) -> int:
    """How many columns ``text`` takes."""
    return len(text) if text.isascii() else urwid.calc_width(text, 0, len(text))


def clip(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, with an ellipsis where something was cut off."""
    if width_of(text) <= width:
        return text
    return _cut(text, width - 1) + ELLIPSIS if width > 0 else ""


def fit(text: str, width: int, *, is_right: bool = False) -> str:
    """``text`` in exactly ``width`` columns."""
    text = clip(safe(text), width)
    blanks = " " * (width - width_of(text))
    return blanks + text if is_right else text + blanks


def between(left: Sequence[Segment], right: Sequence[Segment], width: int) -> list[Segment]:
    """``left`` and ``right`` at the two ends of a row; of too long a left one its end is cut off."""
    room = width - sum(width_of(safe(text)) for _, text in right)
    cut = trim(left, room)
    used = sum(width_of(text) for _, text in cut)
    return [*cut, ("text", " " * (room - used)), *right]


def trim(segments: Iterable[Segment], width: int) -> list[Segment]:
    """The segments, made safe, in at most ``width`` columns."""
    kept: list[Segment] = []
    for ink, text in segments:
        text = safe(text)
        size = width_of(text)
        if size > width:
            kept.append((ink, clip(text, width)))
            break
        kept.append((ink, text))
        width -= size
    return kept


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, broken at blanks where that is possible."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in safe(paragraph).split(" "):
            longer = f"{line} {word}" if line else word
            if width_of(longer) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            while width_of(word) > width > 1:
                head = _cut(word, width)
                lines.append(head)
                word = word[len(head) :]
            line = word
        lines.append(line)
    return lines


def canvas(lines: Sequence[Line], width: int, height: int, paper: str = "base") -> urwid.TextCanvas:
    """The first ``height`` lines; ``paper`` is below those that are missing."""
    encoding = urwid.util.get_encoding()
    texts: list[bytes] = []
    attributes: list[list[tuple[Hashable, int]]] = []
    for line in [*lines[:height], *[Line(paper=paper)] * (height - len(lines))]:
        pieces: list[bytes] = []
        runs: list[tuple[Hashable, int]] = []
        segments = trim(line.segments, width)
        blank = width - sum(width_of(text) for _, text in segments)
        for ink, text in [*segments, ("text", " " * blank)]:
            piece = _encoded(text, encoding)
            if piece:
                pieces.append(piece)
                runs.append((_attribute(ink, line.paper), len(piece)))
        texts.append(b"".join(pieces))
        attributes.append(runs)
    return urwid.TextCanvas(texts, attributes, maxcol=width, check_width=False)


def _attribute(ink: Ink, paper: str) -> Ink:
    if not isinstance(ink, str) or ink.startswith("badge ") or " on " in ink:
        return ink
    return f"{ink} on {paper}"


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        # What stands in for a wide character has to be as wide.
        return b"".join(char.encode(encoding, "replace") * max(1, width_of(char)) for char in text)


def _cut(text: str, width: int) -> str:
    """The beginning of ``text`` that fits; half of a wide character does not."""
    position, _ = urwid.calc_text_pos(text, 0, len(text), width)
    return text[:position]
