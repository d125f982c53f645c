"""What lies over the screen and wants an answer: questions, texts, help (spec: interfaces, dialogs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import urwid
from attrs import frozen

from runwisp.tui import keys
from runwisp.tui.desk import Desk, Overlay, Question
from runwisp.tui.draw import Line, Segment, canvas, fit, safe, width_of, wrapped

_MARGIN = 2
_PAPER = "raised"
_WIDEST = 60
_NARROWEST = 40


@frozen
class Choice:
    """A button of a dialog; ``key`` chooses it at once."""

    label: str
    key: str
    on_chosen: Callable[[], None]


class Dialog(Overlay):
    """A title, some lines and a row of buttons. Esc chooses the last one."""

    def __init__(self, desk: Desk, question: Question, choices: Sequence[Choice], preselected: int) -> None:
        self._desk = desk
        self._question = question
        self._choices = choices
        self._selected = preselected
        self._buttons: list[tuple[int, int]] = []
        self._height = 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        columns = min(_WIDEST, width - 4)
        return columns, min(height - 2, len(self._lines(columns)))

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        self._height = height
        lines = self._lines(width)
        # The buttons stay when there is no room for all that is to be said.
        return canvas([*lines[: height - 2], *lines[-2:]], width, height, _PAPER)

    def press(self, key: str) -> None:
        if key in {"left", "h", "shift tab", "up"}:
            self._selected = max(0, self._selected - 1)
        elif key in {"right", "l", "down"}:
            self._selected = min(len(self._choices) - 1, self._selected + 1)
        elif key == "tab":
            self._selected = (self._selected + 1) % len(self._choices)
        elif key == "enter":
            self._choose(self._choices[self._selected])
        elif key in {"esc", "ctrl c"}:
            self._choose(self._choices[-1])
        else:
            for choice in self._choices:
                if key == choice.key:
                    self._choose(choice)
                    return

    def click(self, column: int, row: int) -> None:
        if row == self._height - 2:
            for choice, (start, end) in zip(self._choices, self._buttons, strict=True):
                if start <= column < end:
                    self._choose(choice)
                    return

    def _choose(self, choice: Choice) -> None:
        self._desk.close_overlay()
        choice.on_chosen()

    def _lines(self, width: int) -> list[Line]:
        room = width - 2 * _MARGIN
        indent = ("text", " " * _MARGIN)
        lines = [
            Line([("badge primary", fit(f"  {self._question.title}", width))], _PAPER),
            Line(paper=_PAPER),
        ]
        for text in wrapped(self._question.text, room):
            lines.append(Line([indent, ("text", text)], _PAPER))
        for note in self._question.notes:
            lines += [Line([indent, ("muted", text)], _PAPER) for text in wrapped(note, room)]
        return [*lines, Line(paper=_PAPER), Line(self._button_row(), _PAPER), Line(paper=_PAPER)]

    def _button_row(self) -> list[Segment]:
        segments: list[Segment] = [("text", " " * _MARGIN)]
        self._buttons = []
        column = _MARGIN
        for number, choice in enumerate(self._choices):
            text = f" {choice.label} "
            is_selected = number == self._selected
            segments += [("badge primary" if is_selected else "text on button", text), ("text", " ")]
            self._buttons.append((column, column + width_of(text)))
            column += width_of(text) + 1
        return segments


def confirmation(desk: Desk, question: Question, on_yes: Callable[[], None]) -> Dialog:
    """Yes or no; no is preselected."""
    choices = [Choice("Yes (y)", "y", on_yes), Choice("No (n)", "n", lambda: None)]
    return Dialog(desk, question, choices, preselected=1)


def message(desk: Desk, title: str, text: str, notes: Sequence[str] = ()) -> Dialog:
    """Something to be read."""
    return Dialog(desk, Question(title, text, notes), [Choice("Close", "q", lambda: None)], preselected=0)


class Pager(Overlay):
    """Lines that can be scrolled, until a key closes them."""

    _CLOSING = frozenset({"?", "esc", "enter", "q", "ctrl c", "i", "backspace"})

    def __init__(self, desk: Desk, title: str, lines: Sequence[Sequence[Segment]]) -> None:
        self._desk = desk
        self._title = title
        self._lines = lines
        self._top = 0
        self._room = 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        widest = max((sum(width_of(safe(text)) for _, text in line) for line in self._lines), default=0)
        return min(max(_NARROWEST, widest + 4), width - 2), min(height - 2, len(self._lines) + 2)

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        self._room = max(1, height - 2)
        self._scroll(0)
        head = Line([("badge primary", fit(f"  {self._title}", width))], _PAPER)
        seen = range(self._top, min(len(self._lines), self._top + self._room))
        body = [self._row(index, width) for index in seen]
        return canvas([head, Line(paper=_PAPER), *body], width, height, _PAPER)

    def press(self, key: str) -> None:
        if key in self._CLOSING:
            self._desk.close_overlay()
            return
        action = keys.find([keys.Place.LIST], key)
        steps = {
            keys.Action.UP: -1,
            keys.Action.DOWN: 1,
            keys.Action.PAGE_UP: -self._room,
            keys.Action.PAGE_DOWN: self._room,
            keys.Action.TOP: -len(self._lines),
            keys.Action.END: len(self._lines),
        }
        if action in steps:
            self._scroll(steps[action])

    def click(self, column: int, row: int) -> None:
        self._desk.close_overlay()

    def wheel(self, lines: int) -> None:
        self._scroll(lines)

    def _row(self, index: int, width: int) -> Line:
        return Line([("text", "  "), *self._lines[index]], _PAPER)

    def _scroll(self, lines: int) -> None:
        self._top = max(0, min(self._top + lines, len(self._lines) - self._room))


@frozen
class MenuLine:
    """A line of a menu. Without ``on_chosen`` it is only to be read; the cursor begins at the current one."""

    segments: Sequence[Segment] = ()
    on_chosen: Callable[[], None] | None = None
    is_current: bool = False


class Menu(Pager):
    """Lines some of which can be chosen; without any of those it is scrolled like any text."""

    def __init__(self, desk: Desk, title: str, lines: Sequence[MenuLine]) -> None:
        super().__init__(desk, title, [line.segments for line in lines])
        self._menu = lines
        self._stops = [index for index, line in enumerate(lines) if line.on_chosen is not None]
        current = [place for place, index in enumerate(self._stops) if lines[index].is_current]
        self._cursor = current[0] if current else 0

    def press(self, key: str) -> None:
        action = keys.find([keys.Place.LIST], key)
        if self._stops and action in {keys.Action.UP, keys.Action.DOWN}:
            self._move(1 if action is keys.Action.DOWN else -1)
        elif self._stops and key == "enter":
            self._choose(self._stops[self._cursor])
        else:
            super().press(key)

    def click(self, column: int, row: int) -> None:
        index = self._top + row - 2
        if row >= 2 and index in self._stops:
            self._choose(index)
        elif not self._stops:
            super().click(column, row)

    def _move(self, step: int) -> None:
        if not 0 <= self._cursor + step < len(self._stops):
            self._scroll(step)
            return
        self._cursor += step
        # Above the first one there may be something to read.
        index = self._stops[self._cursor] if self._cursor else 0
        self._top = min(self._top, index)
        self._top = max(self._top, self._stops[self._cursor] - self._room + 1)

    def _choose(self, index: int) -> None:
        on_chosen = self._menu[index].on_chosen
        self._desk.close_overlay()
        if on_chosen is not None:
            on_chosen()

    def _row(self, index: int, width: int) -> Line:
        is_at_cursor = bool(self._stops) and index == self._stops[self._cursor]
        return Line([("text", "  "), *self._menu[index].segments], "cursor" if is_at_cursor else _PAPER)


def help_overlay(desk: Desk) -> Pager:
    """All keys, by place."""
    lines: list[list[Segment]] = []
    for place, rows in keys.overview():
        if lines:
            lines.append([])
        lines.append([("primary", place.value)])
        lines += [[("bright", fit(names, 18)), ("text", text)] for names, text in rows]
    return Pager(desk, "Keys", lines)
