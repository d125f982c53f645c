"""Lines with everything in them that rendering and searching have to mind."""

from __future__ import annotations

from hypothesis import strategies as st

from runwisp.logs.render import render, without_styles

_PARTS = [
    *(bytes([letter]) for letter in b"aAbBsSkK1. \t[m"),
    *(letter.encode() for letter in "éÉяЯſ\N{KELVIN SIGN}ß漢°\N{REPLACEMENT CHARACTER}"),
    # Not UTF-8, and characters of the C1 set.
    *(b"\xc3", b"\xa9", b"\xe2\x84", b"\xff", b"\x9b", b"\xc2\x85", b"\xc2\x9b"),
    # Dropped.
    *(b"\x00", b"\x07", b"\x0b", b"\x1c", b"\x7f", b"\x1b", b"\x1b(B", b"\x1b[31m", b"\x1b[0m", b"\x1b[1;3"),
    *(b"\x1b]0;ab\x07", b"\x1b]0;ab\x1b\\", b"\x1b]0;a", b"\x1bPab\x1b\\", b"\x1bX", b"\x1b[?25l", b"\x1b["),
    # Moving the cursor, or erasing.
    *(
        b"\r",
        b"\b",
        b"\x1b[C",
        b"\x1b[3C",
        b"\x1b[2D",
        b"\x1b[G",
        b"\x1b[K",
        b"\x1b[1K",
        b"\x1b[2J",
        b"\x1b[1;2H",
    ),
]

#: The bytes of a line without its newline.
contents = st.lists(st.sampled_from(_PARTS), max_size=8).map(b"".join)
blocks = st.lists(contents, min_size=1, max_size=6).map(
    lambda lines: b"".join(line + b"\n" for line in lines)
)
#: The last line may lack its newline.
torn_blocks = st.builds(lambda block, rest: block + rest, blocks, contents)


def split(block: bytes) -> list[bytes]:
    """The lines of a block, with their newlines."""
    *lines, rest = block.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


def shown(line: bytes) -> str:
    """What a search looks at."""
    return without_styles(render(line))
