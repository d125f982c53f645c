"""What a run prints, as it comes (spec: interfaces, run view)."""

from __future__ import annotations

import json
from collections.abc import Callable

import urwid
from attrs import frozen
from twisted.internet.interfaces import IDelayedCall

from runwisp.client.errors import NotFound
from runwisp.client.following import Finished, NewLines, Step, log_step
from runwisp.client.resources import RemotePage, RemoteRun
from runwisp.client.sse import Event
from runwisp.errors import RunWispError
from runwisp.logs.reader import LogLine
from runwisp.model import RunId, Status, Stream
from runwisp.tui.ansi import columns_of, visible
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Line, Segment, canvas
from runwisp.tui.keys import Action, Place
from runwisp.tui.loglines import AHEAD, PAGE, LogLines, Lost, Row, Span, Tail
from runwisp.tui.pane import Pane
from runwisp.tui.wire import Listening

#: A stream that is lost is opened again after so long.
REOPEN_S = 0.5
#: After an answer that failed, a page is not asked for again at once.
RETRY_S = 2.0
_PAN = 8
_NARROWEST_GUTTER = 4
_INKS = {Stream.STDOUT: "text", Stream.STDERR: "text", Stream.SYSTEM: "warning"}


@frozen
class _Told:
    """An event of the stream; ``step`` is None for what does not matter here."""

    step: Step | Tail | None


class LogPane(Pane):
    """The log of a run: its end and what is added there, or what is round a line.

    :param line: the number of a line to begin with, None for the end
    """

    def __init__(self, desk: Desk, run_id: RunId, line: int | None = None) -> None:
        self.is_following = line is None
        self.is_full = False
        self._desk = desk
        self._run_id = run_id
        self._wanted = line
        self._marked = line
        self._lines = LogLines()
        self._listening: Listening[_Told] | None = None
        self._reopening: IDelayedCall | None = None
        self._is_open = False
        self._is_loaded = False
        self._is_finished = False
        self._asked: Span | None = None
        self._again_at = 0.0
        self._top = 0
        self._left = 0
        self._height = 1
        self._widest = 0
        #: The run, as far as it is known.
        self.run: RemoteRun | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place.LOG, Place.LIST)

    def opened(self) -> None:
        self._is_open = True
        if self._wanted is not None:
            self._go_to(self._wanted)
        else:
            self._resume()

    def closed(self) -> None:
        self._is_open = False
        self._asked = None
        self._hang_up()

    # The screen

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        self._height = height
        lines = self._lines
        self._settle()
        if lines.start == lines.end:
            return canvas([Line([("muted", f" {self._nothing()}")])], width, height)
        gutter = 0 if self.is_full else max(_NARROWEST_GUTTER, len(str(lines.last_line))) + 1
        seen = [lines[position] for position in range(self._top, min(lines.end, self._top + height))]
        self._widest = max((columns_of(row.text) for row in seen if not isinstance(row, Lost)), default=0)
        picture = canvas([self._line(row, gutter, width) for row in seen], width, height)
        self._load()
        return picture

    def act(self, action: Action) -> bool:
        steps = {
            Action.UP: -1,
            Action.DOWN: 1,
            Action.PAGE_UP: -self._height,
            Action.PAGE_DOWN: self._height,
        }
        if action in steps:
            # At the very top, up leads to what is above the log.
            return self._scroll(steps[action]) or action is not Action.UP
        if action in {Action.LEFT, Action.RIGHT}:
            return self._pan(_PAN if action is Action.RIGHT else -_PAN)
        if action is Action.TOP:
            self._go_to(1)
        elif action is Action.END:
            self._go_to_end()
        return action in {Action.TOP, Action.END, Action.OPEN}

    def wheel(self, lines: int) -> None:
        self._scroll(lines)

    def _settle(self) -> None:
        """Keep the top within what is there."""
        lines = self._lines
        last = max(lines.start, lines.end - self._height)
        if self._wanted is not None:
            position = lines.find(self._wanted)
            if position is not None:
                self._top = position - self._height // 3
                self._wanted = None
        self._top = last if self.is_following else max(lines.start, min(self._top, last))

    def _line(self, row: Row, gutter: int, width: int) -> Line:
        number = str(row.n) if isinstance(row, LogLine) else ""
        cells: list[Segment] = [("faint", f"{number:>{gutter - 1}} ")] if gutter else []
        if isinstance(row, Lost):
            return Line([*cells, ("warning", f" {_counted(row.count)} lost to rotation")])
        if not self.is_full:
            cells.append(("error", "▏") if row.stream is Stream.STDERR else ("text", " "))
        is_marked = isinstance(row, LogLine) and row.n == self._marked
        room = max(0, width - gutter - (0 if self.is_full else 1))
        ink = _INKS[row.stream] if self._desk.model.is_connected else "faint"
        cells += visible(row.text, self._left, room, self._desk.colors, ink)
        return Line(cells, "marked" if is_marked else "base")

    def _nothing(self) -> str:
        run = self.run
        if not self._is_loaded:
            return "loading…"
        if run is not None and run.status is not Status.ENDED:
            return "no output yet"
        return f"no output: {run.message}" if run is not None and run.message else "no output"

    # Where it is

    def _scroll(self, lines: int) -> bool:
        """Move by so many lines; False if that is not possible."""
        last = max(self._lines.start, self._lines.end - self._height)
        top = max(self._lines.start, min(self._top + lines, last))
        self._marked = self._wanted = None
        has_moved, self._top = top != self._top, top
        if lines < 0:
            self.is_following &= not has_moved
        elif self._lines.is_attached and self._top == last:
            self.is_following = True
        return has_moved

    def _pan(self, columns: int) -> bool:
        if columns < 0 and not self._left:
            return False
        self._left = max(0, min(self._left + columns, self._widest - _PAN))
        return True

    def go_to(self, line: int) -> None:
        """Show that line, and mark it."""
        self._go_to(line)
        self._marked = line

    def _go_to(self, line: int) -> None:
        """Show that line, where it has to be fetched first."""
        self.is_following = False
        self._wanted = line
        if line == 1 and self._lines.older() is None:
            self._top = self._lines.start
            self._wanted = None
        elif self._lines.find(line) is None:
            self._hang_up()
            self._ask(Span(max(1, line - PAGE // 2), PAGE), self._take_jump)

    def _go_to_end(self) -> None:
        self._wanted = self._marked = None
        self.is_following = True
        if not self._lines.is_attached:
            self._lines.clear()
            self._follow()

    # What comes

    def _follow(self) -> None:
        self._is_finished = False
        self._listen()

    def _listen(self) -> None:
        start = self._lines.next_line or -PAGE
        self._listening = self._desk.wire.listen(
            lambda api: api.log_stream(self._run_id, start), _told, self._take, self._lose
        )

    def _hang_up(self) -> None:
        if self._listening is not None:
            self._listening.stop()
            self._listening = None
        if self._reopening is not None and self._reopening.active():
            self._reopening.cancel()

    def _take(self, told: _Told) -> None:
        step, lines = told.step, self._lines
        self._is_loaded = True
        if isinstance(step, NewLines):
            lines.append(step.items)
            if self.is_following:
                lines.trim_oldest()
            elif lines.trim_newest():
                self._hang_up()
        elif isinstance(step, Tail):
            lines.put_tail(step)
        elif isinstance(step, Finished):
            lines.close()
            self._is_finished = True
            self._hang_up()
        self._desk.invalidate()

    def _lose(self, error: RunWispError | None) -> None:
        self._listening = None
        if isinstance(error, NotFound):
            self._is_loaded = self._is_finished = True
        elif self._is_open and not self._is_finished:
            self._reopening = self._desk.later(REOPEN_S, self._listen)
        self._desk.invalidate()

    def _load(self) -> None:
        """Fetch what will be seen soon."""
        lines = self._lines
        if self._asked is not None or self._desk.seconds() < self._again_at:
            return
        if self._top - lines.start < AHEAD and (older := lines.older()) is not None:
            self._ask(older, self._take_older)
        elif lines.end - self._top - self._height < AHEAD and (newer := lines.newer()) is not None:
            self._ask(newer, self._take_newer)

    def _ask(self, span: Span, take: Callable[[Span, RemotePage], None]) -> None:
        """Fetch a page. Of two that are asked for, only the later one is taken."""
        self._asked = span
        self._desk.start(self._fetch(span, take))

    async def _fetch(self, span: Span, take: Callable[[Span, RemotePage], None]) -> None:
        try:
            page = await self._desk.wire.ask(lambda api: api.log_page(self._run_id, span.start, span.limit))
        except RunWispError:
            self._again_at = self._desk.seconds() + RETRY_S
            if self._asked is span and self._is_open:
                self._asked = self._wanted = None
                self._resume()
            raise
        if self._asked is span and self._is_open:
            self._asked = None
            self._is_loaded = True
            take(span, page)
            self._desk.invalidate()

    def _take_jump(self, span: Span, page: RemotePage) -> None:
        self._lines.begin_with(page)
        if page.items and self._wanted is not None:
            # What was wanted may be lost; the line that is nearest to it takes its place.
            self._wanted = max(page.items[0].n, min(self._wanted, page.items[-1].n))
            if self._wanted == page.first_available:
                self._top, self._wanted = self._lines.start, None
        self._resume()

    def _take_older(self, span: Span, page: RemotePage) -> None:
        self._lines.take_older(span, page)
        if self._lines.trim_newest():
            self._hang_up()

    def _take_newer(self, span: Span, page: RemotePage) -> None:
        self._lines.take_newer(page)
        self._lines.trim_oldest()
        self._resume()

    def _resume(self) -> None:
        """Follow the log again if what comes next belongs here."""
        if self._lines.is_attached and self._listening is None:
            self._follow()


def _told(event: Event) -> _Told:
    if event.name == "partial":
        data = json.loads(event.data)
        return _Told(Tail(Stream[data["stream"].upper()], data["text"]))
    return _Told(log_step(event, 1))


def _counted(lines: int) -> str:
    return "1 line is" if lines == 1 else f"{lines:,} lines are"
