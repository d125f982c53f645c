"""Which SGR sequences are in force at a place of a text (ECMA-48, and what terminals have added)."""

from __future__ import annotations

from collections.abc import Iterator

RESET = "\x1b[0m"
#: More than this is not held: then only the newest sequence counts.
STYLE_LIMIT = 256

#: Code that switches something on -> code that switches it off.
_ENDED_BY = {
    **dict.fromkeys((1, 2), 22),
    **dict.fromkeys((3, 20), 23),
    **dict.fromkeys((4, 21), 24),
    **dict.fromkeys((5, 6), 25),
    7: 27,
    8: 28,
    9: 29,
    **dict.fromkeys(range(11, 20), 10),
    **dict.fromkeys((*range(30, 39), *range(90, 98)), 39),
    **dict.fromkeys((*range(40, 49), *range(100, 108)), 49),
    **dict.fromkeys((51, 52), 54),
    53: 55,
    58: 59,
    **dict.fromkeys((73, 74), 75),
}
#: Codes followed by a colour, and how many parameters its kinds have.
_COLOURS = (38, 48, 58)
_COLOUR_PARAMS = {"5": 1, "2": 3}


class Style:
    """The sequences that make the current style, in ``text``; empty when everything is off again."""

    def __init__(self) -> None:
        self.text = ""
        self._on: set[int] = set()

    def apply(self, sequence: str, params: str) -> None:
        """Take in one SGR sequence with these parameters."""
        was_reset = False
        for code in _codes(params):
            if code == 0:
                self._on.clear()
                was_reset = True
            elif code in _ENDED_BY:
                self._on.add(_ENDED_BY[code])
            else:
                self._on.discard(code)
        if not self._on:
            self.text = ""
        elif was_reset or len(self.text) + len(sequence) > STYLE_LIMIT:
            self.text = sequence if len(sequence) <= STYLE_LIMIT else ""
        else:
            self.text += sequence


def _codes(params: str) -> Iterator[int]:
    """The codes among the parameters, without those that describe a colour."""
    fields = iter(params.split(";"))
    for field in fields:
        name = field.partition(":")[0]
        code = int(name or 0) if len(name) <= 3 else -1
        yield code
        if code in _COLOURS and ":" not in field:
            for _ in range(_COLOUR_PARAMS.get(next(fields, ""), 0)):
                next(fields, None)
