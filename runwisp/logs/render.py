"""How a line looks after its control characters have had their effect (spec: logs, rendering a line).

Each line stands for itself. Nothing moves up or down: a redraw of several rows shows as successive lines.
"""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter

from runwisp.logs.style import RESET, Style

#: A text longer than this is returned without styles.
TEXT_LIMIT = 131_072
#: The last column that a movement of the cursor reaches, counted from 0.
_LAST_COLUMN = 4095
_TAB_WIDTH = 8

#: Control sequences and control characters other than the tab. A sequence that does not end takes the rest of
#: the line if it carries a string, and what belongs to it otherwise.
_CONTROL = re.compile(
    r"""
    \x1b (?:
        \[ (?P<params> [\x20-\x3f]* ) (?P<final> [\x40-\x7e] )?
      | \] (?: .*? (?: \x07 | \x1b\\ ) | .* )
      | [PX^_] (?: .*? \x1b\\ | .* )
      | [\x20-\x2f]* [\x30-\x7e]?
    )
    | [\x00-\x08\x0a-\x1f\x7f-\x9f]
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN_PARAMS = re.compile(r"[0-9;]*")
_STYLE_PARAMS = re.compile(r"[0-9;:]*")
_HUGE = 1_000_000


def render(line: bytes) -> str:
    """The text of a line, or of a tail, without its newline, with no control sequences but for styles."""
    text = (
        line.removesuffix(b"\n").removesuffix(b"\r" if line.endswith(b"\n") else b"").decode(errors="replace")
    )
    if text.isprintable():
        return text
    simple = _render_simple(text)
    rendered = _render_cells(text) if simple is None else simple
    return rendered if len(rendered) <= TEXT_LIMIT else without_styles(rendered)


def without_styles(text: str) -> str:
    """Rendered text without its styles."""
    return _CONTROL.sub("", text)


def _render_simple(text: str) -> str | None:
    """The text if nothing in it moves the cursor back or erases, else None."""
    parts: list[str] = []
    style = Style()
    done = 0
    for control in _CONTROL.finditer(text):
        parts.append(text[done : control.start()])
        done = control.end()
        sequence = control[0]
        if sequence in ("\r", "\b") or _is_move(control):
            return None
        if _is_style(control):
            parts.append(sequence)
            style.apply(sequence, control["params"])
    parts.append(text[done:])
    if style.text:
        parts.append(RESET)
    return "".join(parts)


def _render_cells(text: str) -> str:
    row, style = _Row(), Style()
    done = 0
    for control in _CONTROL.finditer(text):
        row.print(text[done : control.start()], style.text)
        done = control.end()
        if control[0] == "\r":
            row.column = 0
        elif control[0] == "\b":
            row.move(-1)
        elif _is_style(control):
            style.apply(control[0], control["params"])
        elif _is_move(control):
            _obey(row, control["final"], control["params"])
    row.print(text[done:], style.text)
    return row.text()


def _is_style(control: re.Match[str]) -> bool:
    return control["final"] == "m" and _STYLE_PARAMS.fullmatch(control["params"]) is not None


def _is_move(control: re.Match[str]) -> bool:
    final = control["final"]
    return (
        final is not None and final in "CDEFGHJKf" and _PLAIN_PARAMS.fullmatch(control["params"]) is not None
    )


def _obey(row: _Row, final: str, params: str) -> None:
    """Carry out a movement or an erasure."""
    numbers = [_number(param) for param in params.split(";")]
    if final in "KJ":
        row.erase(numbers[0])
    elif final in "EF":
        row.column = 0
    elif final in "CD":
        steps = max(1, numbers[0])
        row.move(steps if final == "C" else -steps)
    else:
        column = numbers[0] if final == "G" else numbers[1] if len(numbers) > 1 else 1
        row.column = min(max(1, column) - 1, _LAST_COLUMN)


def _number(param: str) -> int:
    return min(int(param[:7] or 0), _HUGE) if len(param) <= 7 else _HUGE


class _Row:
    """Cells of one character and one style, and a cursor."""

    def __init__(self) -> None:
        self.column = 0
        self._characters: list[str] = []
        self._styles: list[str] = []
        # Cells before this column are known to be blank, so that erasing them again costs nothing.
        self._blank_until = 0

    def print(self, text: str, style: str) -> None:
        """Overwrite from the cursor on; tabs only move it."""
        for number, run in enumerate(text.split("\t")):
            if number:
                self.move(_TAB_WIDTH - self.column % _TAB_WIDTH)
            if run:
                self._overwrite(run, style)

    def move(self, steps: int) -> None:
        target = self.column + steps
        self.column = max(0, target) if steps < 0 else max(self.column, min(target, _LAST_COLUMN))

    def erase(self, mode: int) -> None:
        """0 erases from the cursor to the end, 1 from the start to the cursor, 2 and 3 erase everything."""
        if mode == 0:
            del self._characters[self.column :], self._styles[self.column :]
        elif mode == 1:
            end = min(self.column + 1, len(self._characters))
            count = max(0, end - self._blank_until)
            self._characters[end - count : end] = " " * count
            self._styles[end - count : end] = [""] * count
            self._blank_until = max(self._blank_until, end)
        elif mode in (2, 3):
            self._characters.clear()
            self._styles.clear()

    def text(self) -> str:
        end = len(self._characters)
        while end and self._characters[end - 1] == " " and not self._styles[end - 1]:
            end -= 1
        parts: list[str] = []
        cells = zip(self._styles[:end], self._characters, strict=False)
        for style, run in groupby(cells, key=itemgetter(0)):
            characters = "".join(character for _, character in run)
            parts.append(f"{style}{characters}{RESET}" if style else characters)
        return "".join(parts)

    def _overwrite(self, run: str, style: str) -> None:
        start, end = self.column, self.column + len(run)
        gap = max(0, start - len(self._characters))
        self._characters += " " * gap
        self._styles += [""] * gap
        self._characters[start:end] = run
        self._styles[start:end] = [style] * len(run)
        self._blank_until = min(self._blank_until, start)
        self.column = end
