"""Parts of the screen that draw themselves from the state, each time that the screen is drawn."""

from __future__ import annotations

import urwid

from runwisp.tui.keys import Action, Place


class Pane:
    """A rectangle of the screen. It keeps no picture of itself: what it shows changes without its doing.

    Columns and rows count from its upper left corner.
    """

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        """What it shows now, in exactly that size."""
        raise NotImplementedError

    def places(self) -> tuple[Place, ...]:
        """Where its keys are in :data:`runwisp.tui.keys.BINDINGS`, innermost first."""
        return ()

    def act(self, action: Action) -> bool:
        """Do what a key asks for; False leaves it to what is around."""
        return False

    def takes_text(self) -> bool:
        """Keys are text now: all of them go to :meth:`type`."""
        return False

    def type(self, key: str) -> None:
        """Take a key as text."""

    def click(self, column: int, row: int) -> None:
        """The left button was pressed here."""

    def wheel(self, lines: int) -> None:
        """The wheel was turned by that many lines, below zero upwards."""

    def hover(self, column: int, row: int) -> None:
        """The pointer is here, without a button pressed."""

    def leave(self) -> None:
        """The pointer is elsewhere."""
