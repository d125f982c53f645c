"""Lists with a cursor that draw no more than the rows on the screen, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import chain

import urwid
from attrs import frozen

from runwisp.tui.draw import Line, canvas
from runwisp.tui.keys import Action, Place
from runwisp.tui.pane import Pane

#: Two clicks within so many seconds are a double click.
DOUBLE_CLICK_S = 0.4


@frozen
class Look:
    """How a row stands out: the cursor is on it, its list has the focus, the pointer is over it."""

    is_cursor: bool = False
    is_focused: bool = False
    is_hovered: bool = False

    def paper(self, plain: str = "base") -> str:
        """The paper of the row, which is ``plain`` if it does not stand out."""
        if self.is_cursor:
            return "cursor" if self.is_focused else "resting"
        return "hover" if self.is_hovered else plain


class Rows(Pane):
    """A list. Subclasses say how many rows there are and what is in them."""

    paper = "base"
    #: A click opens a row, instead of moving the cursor there.
    opens_at_click = False

    def __init__(self, seconds: Callable[[], float]) -> None:
        """:param seconds: a clock, for double clicks"""
        self._seconds = seconds
        self.cursor = 0
        self.top = 0
        self.height = 1
        self._hovered: int | None = None
        self._clicked: tuple[int, float] | None = None
        #: The row that had the cursor when it was drawn last, and where that was.
        self._anchor: tuple[Hashable, int] | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place.LIST,)

    def count(self) -> int:
        """How many rows there are now."""
        raise NotImplementedError

    def line(self, index: int, width: int, look: Look) -> Line:
        """What the row shows in ``width`` columns."""
        raise NotImplementedError

    def can_stop_at(self, index: int) -> bool:
        """The cursor may be on this row."""
        return True

    def open(self, index: int) -> None:
        """The row was chosen by Enter or a click."""

    def before_paint(self, height: int) -> None:
        """Bring the rows up to date."""

    def identity(self, index: int) -> Hashable:
        """What makes the row the same one when others come or go; None if nothing does."""
        return None

    def place_of(self, identity: Hashable) -> int | None:
        """Where the row is now."""
        return None

    def empty_lines(self, width: int) -> list[Line]:
        """What to show instead of no rows."""
        return []

    def act(self, action: Action) -> bool:
        if action is Action.OPEN:
            if self.count():
                self.open(self.cursor)
            return True
        target = self._target(action)
        if target is None:
            return False
        before = self.cursor
        self.move_to(target, forward=target >= self.cursor)
        # At the upper end, up leads to what is above the list.
        return action is not Action.UP or self.cursor != before

    def move_to(self, index: int, *, forward: bool = True) -> None:
        """Put the cursor on the row, or on the nearest one where it may be, looking first as it moved."""
        last = self.count() - 1
        if last < 0:
            return
        index = max(0, min(index, last))
        ahead = range(index, last + 1) if forward else range(index, -1, -1)
        behind = range(index, -1, -1) if forward else range(index, last + 1)
        for candidate in chain(ahead, behind):
            if self.can_stop_at(candidate):
                self.cursor = candidate
                self.top = max(min(self.top, candidate), candidate - self.height + 1)
                return

    def scroll(self, lines: int) -> None:
        """Move what is seen, and the cursor no further than it must to stay in sight."""
        self.top = max(0, min(self.top + lines, self.count() - self.height))
        inside = max(self.top, min(self.cursor, self.top + self.height - 1))
        if inside != self.cursor:
            top = self.top
            self.move_to(inside, forward=lines > 0)
            self.top = top

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        is_resized, self.height = height != self.height, height
        self.before_paint(height)
        self._hold()
        count = self.count()
        if not count:
            return canvas(self.empty_lines(width), width, height, self.paper)
        self.cursor = min(self.cursor, count - 1)
        if is_resized:
            self.top = max(min(self.top, self.cursor), self.cursor - height + 1)
        self.top = max(0, min(self.top, count - height))
        if self.cursor < height and self.cursor == self._first_stop():
            # What is above it can be seen in no other way.
            self.top = 0
        lines = [
            self.line(index, width, Look(index == self.cursor, has_focus, index == self._hovered))
            for index in range(self.top, min(count, self.top + height))
        ]
        identity = self.identity(self.cursor)
        self._anchor = (identity, self.cursor) if identity is not None else None
        return canvas(lines, width, height, self.paper)

    def wheel(self, lines: int) -> None:
        self.scroll(lines)

    def click(self, column: int, row: int) -> None:
        index = self.top + row
        if index >= self.count() or not self.can_stop_at(index):
            return
        now = self._seconds()
        is_double = self._clicked is not None and self._clicked[0] == index and now < self._clicked[1]
        self._clicked = None if is_double else (index, now + DOUBLE_CLICK_S)
        self.cursor = index
        if self.opens_at_click or is_double:
            self.open(index)

    def hover(self, column: int, row: int) -> None:
        self._hovered = self.top + row

    def leave(self) -> None:
        self._hovered = None

    def _target(self, action: Action) -> int | None:
        targets = {
            Action.UP: self.cursor - 1,
            Action.DOWN: self.cursor + 1,
            Action.PAGE_UP: self.cursor - self.height,
            Action.PAGE_DOWN: self.cursor + self.height,
            Action.TOP: 0,
            Action.END: self.count() - 1,
        }
        return targets.get(action)

    def _hold(self) -> None:
        """Keep the cursor on its row, and that where it is on the screen, unless it is at the very top."""
        if self._anchor is None or self.cursor == 0:
            return
        place = self.place_of(self._anchor[0])
        if place is not None:
            self.cursor += place - self._anchor[1]
            self.top += place - self._anchor[1]

    def _first_stop(self) -> int | None:
        return next((index for index in range(self.count()) if self.can_stop_at(index)), None)
