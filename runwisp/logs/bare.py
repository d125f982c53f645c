"""Many lines at once as they look without styles, for those who search them.

The rule is :func:`runwisp.logs.render.render`. Most lines never move the cursor back. Of these it drops bytes
and changes nothing else, which takes a fraction of the time when it is done to thousands of lines together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Every byte below the space but tab and newline, and DEL.
_CONTROLS = (*range(9), *range(11, 32), 127)
#: What rendering drops: the control sequences of :mod:`runwisp.logs.render`, here in UTF-8 and within lines.
_DROPPED = re.compile(
    rb"""
    \x1b (?:
        \[ [\x20-\x3f]* [\x40-\x7e]?
      | \] (?: [^\n]*? (?: \x07 | \x1b\\ ) | [^\n]* )
      | [PX^_] (?: [^\n]*? \x1b\\ | [^\n]* )
      | [\x20-\x2f]* [\x30-\x7e]?
    )
    | [\x00-\x08\x0b-\x1f\x7f]
    | \xc2 [\x80-\x9f]
    """,
    re.VERBOSE,
)
#: What moves the cursor or erases, and also what only looks like that inside of a string.
_MOVE = re.compile(rb"[\r\x08] | \x1b\[ [\x20-\x3f]* [C-HJKf]", re.VERBOSE)
_STYLE = re.compile(rb"\x1b\[[0-9;]*m")
#: With more different ones it is faster to look for all kinds at once.
_MOST_STYLES = 16
_C1 = re.compile(rb"\xc2[\x80-\x9f]")


class Bare(NamedTuple):
    """``text`` has the same lines as what it was made of.

    The lines in ``odd``, counted from 0, do not look like that: they have to be rendered one by one.
    """

    text: bytes
    odd: tuple[int, ...]


def bare(block: bytes) -> Bare:
    """Whole lines without control sequences.

    In lines that are not UTF-8, those bytes that are stay what they are.
    """
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    if _has_controls(block):
        plain = _without_styles(block)
        if _has_controls(plain):
            return Bare(_DROPPED.sub(b"", plain), tuple(_odd_lines(plain)))
        block = plain
    return Bare(block, ())


def as_utf8(block: bytes) -> bytes:
    """The block with U+FFFD in place of what is not UTF-8."""
    return block if block.isascii() else block.decode(errors="replace").encode()


def _has_controls(block: bytes) -> bool:
    # Each of these looks runs at the speed of memory; one look for all of them would take longer.
    for control in _CONTROLS:
        if control in block:
            return True
    return b"\xc2" in block and _C1.search(block) is not None


def _without_styles(block: bytes) -> bytes:
    """The block without its control sequences if all of them are styles, and few different ones."""
    styles = set[bytes]()
    rest, count = block, 0
    while len(styles) < _MOST_STYLES:
        start = rest.find(b"\x1b")
        if start < 0:
            break
        style = _STYLE.match(rest, start)
        if style is None or style[0] in styles:
            return block
        styles.add(style[0])
        count += block.count(style[0])
        rest = rest.replace(style[0], b"")
    # A sequence may have come about only when another one within it was taken out.
    return rest if count == block.count(b"\x1b") else block


def _odd_lines(block: bytes) -> Iterator[int]:
    number = counted = 0
    move = _MOVE.search(block)
    while move is not None:
        number += block.count(b"\n", counted, move.start())
        counted = move.start()
        yield number
        end = block.find(b"\n", move.end())
        move = _MOVE.search(block, end) if end >= 0 else None
