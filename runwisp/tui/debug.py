"""The daemon's own log, and what became of our connections to it (spec: interfaces, info and debug)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

import urwid
from attrs import define, field

from runwisp.client.sse import Event
from runwisp.errors import RunWispError
from runwisp.tui.desk import Desk, View
from runwisp.tui.draw import Line, canvas
from runwisp.tui.header import title
from runwisp.tui.keys import Action, Place
from runwisp.tui.rows import Look, Rows
from runwisp.tui.wire import Listening

#: So many lines are kept, as the daemon does.
KEPT = 1000
_RETRY_S = 2.0
_INKS = (("error", "error"), ("critical", "error"), ("warn", "warning"), ("debug", "muted"))


@define(eq=False)
class Messages:
    """What this program has to say, with the time it was said."""

    now_text: Callable[[], str]
    lines: deque[str] = field(factory=lambda: deque(maxlen=KEPT), init=False)

    def add(self, text: str) -> None:
        self.lines.append(f"{self.now_text()} [tui] {text}")


class LogRows(Rows):
    """Lines of text that follow their end until one scrolls up."""

    def __init__(self, desk: Desk, lines: deque[str]) -> None:
        super().__init__(desk.seconds)
        self.is_following = True
        self._lines = lines
        self._left = 0

    def count(self) -> int:
        return len(self._lines)

    def act(self, action: Action) -> bool:
        if action in {Action.LEFT, Action.RIGHT}:
            if action is Action.LEFT and not self._left:
                return False
            self._left = max(0, self._left + (8 if action is Action.RIGHT else -8))
            return True
        if action is Action.OPEN:
            return True
        is_done = super().act(action)
        if is_done:
            self.is_following = self.cursor == self.count() - 1
        return is_done

    def wheel(self, lines: int) -> None:
        super().wheel(lines)
        self.is_following = self.top >= self.count() - self.height

    def before_paint(self, height: int) -> None:
        if self.is_following:
            self.cursor = max(0, self.count() - 1)
            self.top = max(0, self.count() - height)

    def line(self, index: int, width: int, look: Look) -> Line:
        text = self._lines[index]
        return Line(
            [("text", " "), (_ink(text), text[self._left :])], look.paper() if look.is_focused else "base"
        )

    def empty_lines(self, width: int) -> list[Line]:
        return [Line([("muted", " nothing yet")])]


class Debug(View):
    """Both logs in one, in the order in which they came."""

    def __init__(self, desk: Desk, messages: Messages) -> None:
        self._desk = desk
        self._messages = messages
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._rows = LogRows(desk, self._lines)
        self._listening: Listening[list[str]] | None = None

    def places(self) -> tuple[Place, ...]:
        return (*self._rows.places(), Place.DEBUG)

    def opened(self) -> None:
        self._lines.clear()
        self._lines.extend(self._messages.lines)
        self._connect()

    def closed(self) -> None:
        if self._listening is not None:
            self._listening.stop()

    def refetch(self) -> None:
        if self._listening is None:
            self.opened()

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        follow = [("success", "● FOLLOW ")] if self._rows.is_following else []
        head = canvas([Line(title("Debug", follow, width)), Line()], width, 2)
        body = self._rows.paint(width, height - 2, has_focus)
        return urwid.CanvasCombine([(head, None, False), (body, None, True)])

    def act(self, action: Action) -> bool:
        return self._rows.act(action)

    def click(self, column: int, row: int) -> None:
        self._rows.click(column, row - 2)

    def wheel(self, lines: int) -> None:
        self._rows.wheel(lines)

    def _connect(self) -> None:
        self._listening = self._desk.wire.listen(
            lambda api: api.daemon_log(KEPT), _lines_of, self._take, self._end
        )

    def _take(self, lines: list[str]) -> None:
        gone = max(0, len(self._lines) + len(lines) - KEPT)
        self._lines.extend(lines)
        self._rows.top -= gone
        self._rows.cursor = max(0, self._rows.cursor - gone)
        self._desk.invalidate()

    def _end(self, error: RunWispError | None) -> None:
        # When the daemon is back, everything is fetched again, and this too.
        self._listening = None


def _lines_of(event: Event) -> list[str]:
    return list(json.loads(event.data)["items"]) if event.name == "lines" else []


def _ink(text: str) -> str:
    lowered = text[:64].lower()
    return next((ink for word, ink in _INKS if word in lowered), "dim")
