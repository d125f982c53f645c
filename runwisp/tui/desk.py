"""What views may ask of the application that shows them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from runwisp.model import RunId, UnixMs
from runwisp.tui.ansi import Depth
from runwisp.tui.model import Model
from runwisp.tui.pane import Pane
from runwisp.tui.wire import Wire


@frozen
class Question:
    """Something to be confirmed: what it is, what happens, and what else is to be known."""

    title: str
    text: str
    notes: Sequence[str] = ()


class View(Pane):
    """What fills the right part of the screen."""

    def opened(self) -> None:
        """It is shown from now on: fetch what is to be seen."""

    def closed(self) -> None:
        """It is not shown any more."""

    def refetch(self) -> None:
        """What was fetched may be wrong, because events were missed."""

    def tick_s(self) -> float | None:
        """After how many seconds what is shown changes by itself, such as an age; None if it does not."""
        return None


class Overlay(Pane):
    """A pane over everything else, which gets all keys."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """What it takes of a screen of that size: columns and rows."""
        raise NotImplementedError

    def press(self, key: str) -> None:
        """A key, as urwid calls it."""


class Desk(Protocol):
    """The application."""

    @property
    def model(self) -> Model: ...

    @property
    def wire(self) -> Wire: ...

    def now(self) -> UnixMs:
        """The wall clock's time."""

    def seconds(self) -> float:
        """A clock that never steps."""

    @property
    def colors(self) -> Depth:
        """How many colours the terminal has."""

    def later(self, delay_s: float, work: Callable[[], None]) -> IDelayedCall:
        """Call ``work`` in so many seconds."""

    def invalidate(self) -> None:
        """Something that is shown has changed: draw soon."""

    def start(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        """Do what a view has to wait for; an error of the daemon is shown, another one is a bug."""

    def flash(self, text: str, ink: str = "success") -> None:
        """Show a line for a few seconds."""

    def confirm(self, question: Question, on_yes: Callable[[], None]) -> None:
        """Ask before something is done."""

    def act_on(
        self, question: Question | None, work: Callable[[], Coroutine[Deferred[Any], Any, str]]
    ) -> None:
        """Ask, do it, and show the sentence that comes out; refused while there is no connection."""

    def copy(self, text: str, name: str, *, is_secret: bool = False) -> None:
        """Put ``text`` into the clipboard; ``name`` is what it is. A secret is never drawn."""

    def toggle_notices(self) -> None:
        """Open the panel of notifications and go there, or close it."""

    def open_browser(self) -> None:
        """Open the dashboard in the browser, logged in."""

    def show(self, view: View) -> None:
        """Put another view at the right and give it the focus."""

    def show_unit(self, name: str) -> None: ...

    def show_run(self, run_id: RunId) -> None: ...

    def back(self) -> None:
        """To the view before this one, or to the sidebar."""

    def set_fullscreen(self, is_full: bool) -> None:
        """Show the view alone, without the mouse, or with everything around it."""

    def open_overlay(self, overlay: Overlay) -> None:
        """Put a pane over everything; all keys go there until :meth:`close_overlay`."""

    def close_overlay(self) -> None: ...
