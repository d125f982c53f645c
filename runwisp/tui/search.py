"""Search in what the runs of a unit have printed (spec: interfaces, log search)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import urwid
from twisted.internet.defer import Deferred

from runwisp.client.resources import HitPage, LogHit
from runwisp.errors import RunWispError
from runwisp.tui import keys
from runwisp.tui.ansi import visible
from runwisp.tui.desk import Desk, Overlay
from runwisp.tui.draw import Line, Segment, between, canvas, fit
from runwisp.tui.keys import Action, Place

#: Hits asked for at once.
HITS = 12
#: So often a search goes on by itself that has found nothing yet in the runs it has looked at.
_MOST_REQUESTS = 50
_PAPER = "raised"
_KEYS = {binding.action: keys.shown(binding.keys[0]) for binding in keys.BINDINGS}
_HEAD_ROWS, _FOOT_ROWS = 3, 2


class Search(Overlay):
    """A line for what is searched, and hits below it.

    :param on_open: called with the hit that was chosen
    """

    def __init__(self, desk: Desk, name: str, on_open: Callable[[LogHit], None]) -> None:
        self._desk = desk
        self._name = name
        self._on_open = on_open
        self._text = ""
        self._is_regex = False
        self._is_case_sensitive = False
        self._hits: list[LogHit] = []
        self._cursor = 0
        self._top = 0
        self._room = HITS
        #: The query whose hits are shown, and where it goes on.
        self._asked: Mapping[str, str] | None = None
        self._rest: str | None = None
        self._is_busy = False
        self._error = ""

    def size(self, width: int, height: int) -> tuple[int, int]:
        return min(100, width - 2), min(height - 2, _HEAD_ROWS + HITS + _FOOT_ROWS)

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        self._room = max(1, height - _HEAD_ROWS - _FOOT_ROWS)
        self._top = max(min(self._top, self._cursor), self._cursor - self._room + 1)
        head = Line([("badge primary", fit(f"  Search in the logs of {self._name}", width))], _PAPER)
        modes: list[Segment] = [*_mode(Action.REGEX, self._is_regex), ("text", "  ")]
        modes += [*_mode(Action.CASE, self._is_case_sensitive), ("text", " ")]
        text = Line(between([("bright", f"  /{self._text}▏")], modes, width), _PAPER)
        seen = range(self._top, min(len(self._hits), self._top + self._room))
        rows = [self._row(index, width) for index in seen]
        rows += [Line(paper=_PAPER)] * (self._room - len(rows))
        foot = Line([("text", "  "), self._state()], _PAPER)
        return canvas(
            [head, text, Line(paper=_PAPER), *rows, Line(paper=_PAPER), foot], width, height, _PAPER
        )

    def press(self, key: str) -> None:
        if key == "backspace":
            self._text = self._text[:-1]
        elif key == "ctrl u":
            self._text = ""
        elif len(key) == 1 and key.isprintable():
            self._text += key
        else:
            self._act(keys.find([Place.SEARCH, Place.LIST], key))

    def _act(self, action: Action | None) -> None:
        if action in {Action.BACK, Action.QUIT}:
            self._desk.close_overlay()
        elif action is Action.OPEN:
            self._enter()
        elif action is Action.REGEX:
            self._is_regex = not self._is_regex
        elif action is Action.CASE:
            self._is_case_sensitive = not self._is_case_sensitive
        else:
            self._move(action)

    def click(self, column: int, row: int) -> None:
        index = self._top + row - _HEAD_ROWS
        if row >= _HEAD_ROWS and index < len(self._hits):
            self._open(index)

    def wheel(self, lines: int) -> None:
        self._go(self._cursor + lines)

    def _query(self) -> Mapping[str, str]:
        modes = {"regex": self._is_regex, "case": self._is_case_sensitive}
        return {"q": self._text, **{name: "true" for name, is_on in modes.items() if is_on}}

    def _enter(self) -> None:
        query = self._query()
        if query == self._asked and self._hits:
            self._open(self._cursor)
        elif self._text and (query != self._asked or not self._is_busy):
            self._asked, self._rest, self._error = query, None, ""
            self._hits.clear()
            self._cursor = self._top = 0
            self._ask(query)

    def _move(self, action: Action | None) -> None:
        steps = {
            Action.UP: -1,
            Action.DOWN: 1,
            Action.PAGE_UP: -self._room,
            Action.PAGE_DOWN: self._room,
            Action.TOP: -len(self._hits),
            Action.END: len(self._hits),
        }
        if action in steps:
            self._go(self._cursor + steps[action])

    def _go(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._hits) - 1))
        is_past = index >= len(self._hits)
        if is_past and self._rest is not None and self._asked is not None and not self._is_busy:
            self._ask({**self._asked, "cursor": self._rest})

    def _open(self, index: int) -> None:
        self._desk.close_overlay()
        self._on_open(self._hits[index])

    def _ask(self, query: Mapping[str, str]) -> None:
        self._is_busy = True
        self._desk.start(self._search(query))

    async def _search(self, query: Mapping[str, str]) -> None:
        asked = self._asked
        try:
            for _ in range(_MOST_REQUESTS):
                page = await self._fetch({**query, "limit": str(HITS)})
                if self._asked is not asked:
                    return
                self._take(page)
                if page.items or page.next_cursor is None or asked is None:
                    break
                query = {**asked, "cursor": page.next_cursor}
        except RunWispError as error:
            if self._asked is asked:
                self._error = str(error)
        if self._asked is asked:
            self._is_busy = False
            self._desk.invalidate()

    def _fetch(self, query: Mapping[str, str]) -> Deferred[HitPage]:
        return self._desk.wire.ask(lambda api: api.search_log(self._name, query))

    def _take(self, page: HitPage) -> None:
        self._hits += page.items
        self._rest = page.next_cursor

    def _row(self, index: int, width: int) -> Line:
        hit = self._hits[index]
        cells: list[Segment] = [("text", "  "), ("muted", f"#{hit.run_id[-4:]} "), ("faint", f"{hit.n:>6}  ")]
        used = sum(len(text) for _, text in cells)
        cells += visible(hit.text, 0, width - used - 1, self._desk.colors)
        return Line(cells, "cursor" if index == self._cursor else _PAPER)

    def _state(self) -> Segment:
        if self._error:
            return ("error", self._error)
        if self._is_busy:
            return ("muted", "searching…")
        if self._asked is None:
            return ("muted", "Enter searches, Esc closes")
        if not self._hits:
            return ("muted", "nothing found")
        more = ", more with ↓ at the end" if self._rest is not None else ""
        return ("muted", f"{self._cursor + 1} of {len(self._hits)}{more}; Enter opens the line")


def _mode(action: Action, is_on: bool) -> Sequence[Segment]:
    return [("bright", f"{_KEYS[action]} "), ("badge primary" if is_on else "muted", f" {action.value} ")]
