"""A table of runs (spec: interfaces, home)."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from attrs import frozen

from runwisp.cli.wording import ago, display_status, duration_label, trigger_label
from runwisp.client.resources import RemoteRun
from runwisp.errors import RunWispError
from runwisp.model import Status, UnixMs
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Line, Segment, fit
from runwisp.tui.keys import Action, Place
from runwisp.tui.rows import Look, Rows
from runwisp.tui.runlist import PAGE, RunList, Want
from runwisp.tui.selection import Selection
from runwisp.tui.theme import badge_of

_ID_WIDTH = 5
_MINUTE_MS, _DAY_MS = 60_000, 86_400_000
#: After an answer that failed, the same page is not asked for again at once.
RETRY_S = 2.0


@frozen
class Widths:
    """Columns of the table; 0 means that it is left out."""

    task: int
    status: int
    started: int
    duration: int
    trigger: int


def widths(room: int, *, has_task: bool) -> Widths:
    """How ``room`` columns are divided, one of which is the margin; each column has a blank behind it."""
    floors = {"task": 14 if has_task else 0, "status": 12, "started": 8, "duration": 8, "trigger": 7}
    caps = {"trigger": 9, "duration": 10, "started": 14, "status": 16, "task": 30}
    left = room - 1 - _ID_WIDTH - sum(width + 1 for width in floors.values() if width)
    for name in ("trigger", "duration", "started"):
        if left < 0:
            left += floors[name] + 1
            floors[name] = 0
    if has_task:
        floors["task"] += min(0, left)
    for name, cap in caps.items():
        more = max(0, min(left, cap - floors[name])) if floors[name] else 0
        floors[name] += more
        left -= more
    if has_task:
        floors["task"] += max(0, left)
    return Widths(**floors)


class RunTable(Rows):
    """The runs of a :class:`RunList`. The cursor stays on its run when others come."""

    def __init__(self, desk: Desk, runs: RunList, *, has_task: bool) -> None:
        super().__init__(desk.seconds)
        self.runs = runs
        self.marked = Selection()
        self._desk = desk
        self._has_task = has_task
        self._asked: Want | None = None
        self._again_at = 0.0

    def places(self) -> tuple[Place, ...]:
        return (*([Place.MARKED] if self.marked else []), Place.RUNS, Place.LIST)

    def opened(self) -> None:
        """Take part in what events tell."""
        self.runs.reload()
        self._desk.model.lists.append(self.runs)

    def closed(self) -> None:
        self._desk.model.lists.remove(self.runs)

    def set_filter(self, change: Callable[[RunList], None]) -> None:
        """Change what is listed, and begin anew."""
        change(self.runs)
        self.runs.reload()
        self.runs.rows.clear()
        self._anchor = None
        self.cursor = self.top = 0

    @property
    def current(self) -> RemoteRun | None:
        """The run under the cursor."""
        return self.runs.rows[self.cursor] if self.cursor < len(self.runs.rows) else None

    def count(self) -> int:
        return len(self.runs.rows)

    def open(self, index: int) -> None:
        self._desk.show_run(self.runs.rows[index].id)

    def act(self, action: Action) -> bool:
        ends = {Action.END: (Want.LAST, self.runs.has_older), Action.TOP: (Want.FIRST, self.runs.has_newer)}
        want, is_elsewhere = ends.get(action, (None, False))
        if want is None or not is_elsewhere or not self._desk.model.is_connected:
            return super().act(action)
        self._asked = want
        self._desk.start(self._go_to_end(want))
        return True

    def before_paint(self, height: int) -> None:
        self._fetch(height)

    def identity(self, index: int) -> Hashable:
        return self.runs.rows[index].id

    def place_of(self, identity: Hashable) -> int | None:
        return self.runs.index(identity)

    def line(self, index: int, width: int, look: Look) -> Line:
        run, now = self.runs.rows[index], self._desk.now()
        columns = widths(width, has_task=self._has_task)
        is_live = self._desk.model.is_connected
        plain = "dim" if is_live else "faint"
        mark = ("warning", "✓" if self.marked.holds(run) else " ")
        cells: list[Segment] = [mark]
        if columns.task:
            cells += [("text" if is_live else "faint", fit(run.label, columns.task)), ("text", " ")]
        label = display_status(run).replace("_", " ")
        badge = badge_of(display_status(run)) if is_live else "faint"
        cells += _badge(label, badge, columns.status)
        cells.append((plain, fit(self._started(run, now, columns.started), columns.started) + " "))
        cells += self._tail(run, now, columns, plain)
        cells.append(("muted", f"#{run.id[-4:]}"))
        return Line(cells, look.paper())

    def empty_lines(self, width: int) -> list[Line]:
        text = "no runs" if self.runs.is_loaded else "loading…"
        return [Line([("muted", f" {text}")])]

    def head(self, width: int) -> Line:
        """The names of the columns."""
        columns = widths(width, has_task=self._has_task)
        names = [
            ("TASK", columns.task),
            ("STATUS", columns.status),
            ("STARTED", columns.started),
            ("DURATION", columns.duration),
            ("TRIGGER", columns.trigger),
        ]
        text = "".join(fit(name, size) + " " for name, size in names if size)
        return Line([("muted", " " + text + "ID")])

    def tick_s(self) -> float | None:
        """After how many seconds something that is seen looks different."""
        seen = self.runs.rows[self.top : self.top + self.height]
        if not seen:
            return None
        now = self._desk.now()
        if any(_is_counting(run, now) for run in seen):
            return 1.0
        return 15.0

    def _fetch(self, height: int) -> None:
        want = self.runs.wanted(self.top, self.top + height)
        is_early = self._desk.seconds() < self._again_at
        if want is not None and self._asked is None and self._desk.model.is_connected and not is_early:
            self._asked = want
            self._desk.start(self._load(want))

    async def _go_to_end(self, want: Want) -> None:
        """Fetch the oldest or the newest runs, and go to the very first or last of all."""
        await self._load(want)
        self._anchor = None
        self.move_to(self.count() - 1 if want is Want.LAST else 0)

    async def _load(self, want: Want) -> None:
        filter_, query = self.runs.filter, self.runs.query(want)
        try:
            page = await self._desk.wire.ask(lambda api: api.run_page(query, PAGE))
        except RunWispError:
            self._again_at = self._desk.seconds() + RETRY_S
            raise
        finally:
            self._asked = None
        if filter_ == self.runs.filter and query == self.runs.query(want):
            self.runs.take(want, page)
        self._desk.invalidate()

    def _started(self, run: RemoteRun, now: UnixMs, width: int) -> str:
        text = ago(run.start_at, now, self._desk.model.zone)
        return text if len(text) <= width else text.rpartition(" ")[0]

    def _tail(self, run: RemoteRun, now: UnixMs, columns: Widths, plain: str) -> list[Segment]:
        """Duration and trigger, or instead of them the retry that is waiting."""
        room = sum(size + 1 for size in (columns.duration, columns.trigger) if size)
        if run.next_retry_at is not None and room:
            seconds = max(0, run.next_retry_at - now) // 1000
            text = f"retry in {seconds}s" if room > 12 else f"↻ {seconds}s"
            return [("warning", fit(text, room - 1) + " ")]
        cells: list[Segment] = []
        if columns.duration:
            cells.append((plain, fit(duration_label(run, now), columns.duration) + " "))
        if columns.trigger:
            cells.append(("muted", fit(trigger_label(run), columns.trigger) + " "))
        return cells


def _badge(label: str, badge: str, width: int) -> list[Segment]:
    text = fit(f" {label} ", min(width, len(label) + 2))
    return [(badge, text), ("text", " " * (width - len(text) + 1))]


def _is_counting(run: RemoteRun, now: UnixMs) -> bool:
    """Something about the run is shown to the second."""
    is_young = run.start_at is not None and now - run.start_at < _MINUTE_MS
    return is_young or run.status is Status.RUNNING or run.next_retry_at is not None
