"""Small charts of dots (spec: interfaces, info and debug)."""

from __future__ import annotations

from collections.abc import Sequence

#: Columns and rows of a chart; each cell has two columns of four dots.
WIDTH, HEIGHT = 24, 2
#: Samples in a chart.
SAMPLES = 30

#: Bits of the dots of the left and the right column of a cell, from below.
_LEFT, _RIGHT = (0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)
_BLANK = 0x2800


def braille(values: Sequence[float], width: int, height: int) -> list[str]:
    """The last values, 0 to 100, as columns of dots; the newest is at the right edge.

    A value that is not nought has one dot at least.
    """
    shown = list(values)[-min(SAMPLES, width * 2) :]
    shown = [0.0] * (width * 2 - len(shown)) + shown
    dots = [_dots(value, height * 4) for value in shown]
    rows = []
    for row in range(height):
        base = (height - 1 - row) * 4
        cells = [
            _cell(dots[2 * column] - base, _LEFT) | _cell(dots[2 * column + 1] - base, _RIGHT)
            for column in range(width)
        ]
        rows.append("".join(chr(_BLANK | cell) for cell in cells))
    return rows


def _dots(value: float, most: int) -> int:
    share = max(0.0, min(value, 100.0)) / 100
    return max(1, round(share * most)) if share else 0


def _cell(dots: int, bits: Sequence[int]) -> int:
    return sum(bits[: max(0, min(dots, 4))])
