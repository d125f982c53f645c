"""The upper part of a view: lines with spots in them that can be chosen, and a view that has such a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import urwid
from attrs import frozen

from runwisp.tui.desk import View
from runwisp.tui.draw import Line, Segment, canvas, fit, safe, trim, width_of
from runwisp.tui.keys import Action, Place
from runwisp.tui.pane import Pane


@frozen
class Spot:
    """Text that Enter or a click acts on. Only a spot that the arrows reach can have the cursor."""

    text: str
    on_open: Callable[[], None]
    ink: str = "text"
    paper: str | None = None
    is_reachable: bool = True


Part: TypeAlias = "Segment | Spot"


class Header(Pane):
    """Lines of parts; :meth:`lines` says which, each time that they are drawn."""

    def __init__(self) -> None:
        #: Line and place in the line of the spot that has the cursor.
        self.cursor = (0, 0)
        self._hovered: tuple[int, int] | None = None
        self._drawn: list[list[tuple[int, int, Spot]]] = []

    def lines(self, width: int) -> Sequence[Sequence[Part]]:
        """What there is to see now."""
        raise NotImplementedError

    def has_spots(self) -> bool:
        """Something can be reached by the arrows, as it was drawn last."""
        return any(self._reachable(row) for row in range(len(self._drawn)))

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        contents = self.lines(width)[:height]
        self._drawn = [_placed(parts, width) for parts in contents]
        self._settle()
        rows = [self._line(parts, row, width, has_focus) for row, parts in enumerate(contents)]
        return canvas(rows, width, height)

    def act(self, action: Action) -> bool:
        spots = self._reachable(self.cursor[0])
        if action is Action.OPEN:
            if self.cursor[1] < len(spots):
                spots[self.cursor[1]].on_open()
            return True
        if action in {Action.LEFT, Action.RIGHT}:
            place = self.cursor[1] + (1 if action is Action.RIGHT else -1)
            if not 0 <= place < len(spots):
                return False
            self.cursor = (self.cursor[0], place)
            return True
        if action in {Action.UP, Action.DOWN}:
            step = 1 if action is Action.DOWN else -1
            row = self.cursor[0] + step
            while 0 <= row < len(self._drawn):
                if self._reachable(row):
                    self.cursor = (row, 0)
                    return True
                row += step
        return False

    def click(self, column: int, row: int) -> None:
        spot = self._spot_at(column, row)
        if spot is not None:
            spot.on_open()

    def hover(self, column: int, row: int) -> None:
        self._hovered = (column, row)

    def leave(self) -> None:
        self._hovered = None

    def enter(self, *, from_below: bool) -> None:
        """Take the focus, at the spot that is nearest to where it comes from."""
        rows = [row for row in range(len(self._drawn)) if self._reachable(row)]
        if rows:
            self.cursor = (rows[-1] if from_below else rows[0], 0)

    def _reachable(self, row: int) -> list[Spot]:
        spots = self._drawn[row] if row < len(self._drawn) else []
        return [spot for _, _, spot in spots if spot.is_reachable]

    def _settle(self) -> None:
        """Keep the cursor on a spot when the lines have changed."""
        if not self._reachable(self.cursor[0]):
            self.enter(from_below=False)
        self.cursor = (self.cursor[0], min(self.cursor[1], max(0, len(self._reachable(self.cursor[0])) - 1)))

    def _spot_at(self, column: int, row: int) -> Spot | None:
        spots = self._drawn[row] if row < len(self._drawn) else []
        return next((spot for start, end, spot in spots if start <= column < end), None)

    def _line(self, parts: Sequence[Part], row: int, width: int, has_focus: bool) -> Line:
        current = self._reachable(row)[self.cursor[1] : self.cursor[1] + 1] if row == self.cursor[0] else []
        hovered = self._spot_at(*self._hovered) if self._hovered is not None else None
        segments: list[Segment] = []
        for part in parts:
            if not isinstance(part, Spot):
                segments.append(part)
            elif has_focus and current and part is current[0]:
                segments.append(("bright on cursor", part.text))
            else:
                segments.append((_spot_ink(part, is_hovered=part is hovered), part.text))
        return Line(trim(segments, width))


def _spot_ink(spot: Spot, *, is_hovered: bool) -> str:
    if is_hovered:
        has_paper = spot.ink.startswith("badge ") or " on " in spot.ink
        return f"{'bright' if has_paper else spot.ink} on hover"
    return f"{spot.ink} on {spot.paper}" if spot.paper else spot.ink


def _placed(parts: Sequence[Part], width: int) -> list[tuple[int, int, Spot]]:
    """The spots of a line, with the columns where they begin and end."""
    column, spots = 0, []
    for part in parts:
        text = part.text if isinstance(part, Spot) else part[1]
        end = column + width_of(safe(text))
        if isinstance(part, Spot) and column < width:
            spots.append((column, end, part))
        column = end
    return spots


def button(label: str, on_open: Callable[[], None], ink: str) -> Spot:
    """A button that keys do as well, and which the arrows therefore pass over."""
    return Spot(f" {label} ", on_open, ink, is_reachable=False)


def title(text: str, right: Sequence[Segment], width: int) -> list[Segment]:
    """The first line of a view."""
    room = width - 1 - sum(width_of(safe(part)) for _, part in right)
    return [("bright", " " + fit(text, room)), *right]


class Stack(View):
    """A view with a header above its body; the arrows lead from one to the other."""

    def __init__(self, header: Header, body: Pane) -> None:
        self.header = header
        self.body = body
        self.is_in_header = False
        self._header_height = 0

    def places(self) -> tuple[Place, ...]:
        return self.body.places()

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        self._header_height = min(height - 1, len(self.header.lines(width)))
        in_header = self.is_in_header and has_focus
        upper = self.header.paint(width, self._header_height, in_header)
        lower = self.body.paint(width, height - self._header_height, has_focus and not self.is_in_header)
        return urwid.CanvasCombine([(upper, None, False), (lower, None, True)])

    def act(self, action: Action) -> bool:
        if self.is_in_header:
            if self.header.act(action):
                return True
            if action in {Action.DOWN, Action.END, Action.PAGE_DOWN}:
                self.is_in_header = False
                return True
            if action in {Action.UP, Action.TOP, Action.PAGE_UP}:
                return True
            return action not in {Action.LEFT, Action.RIGHT} and self.body.act(action)
        if self.body.act(action):
            return True
        if action is Action.UP and self.header.has_spots():
            self.is_in_header = True
            self.header.enter(from_below=True)
            return True
        return False

    def takes_text(self) -> bool:
        return self.body.takes_text()

    def type(self, key: str) -> None:
        self.body.type(key)

    def click(self, column: int, row: int) -> None:
        self.is_in_header = False
        if row < self._header_height:
            self.header.click(column, row)
        else:
            self.body.click(column, row - self._header_height)

    def wheel(self, lines: int) -> None:
        self.body.wheel(lines)

    def hover(self, column: int, row: int) -> None:
        self.leave()
        if row < self._header_height:
            self.header.hover(column, row)
        else:
            self.body.hover(column, row - self._header_height)

    def leave(self) -> None:
        self.header.leave()
        self.body.leave()
