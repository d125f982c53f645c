"""The list at the left: the daemon, its units by group, and the other pages (spec: interfaces, sidebar)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from attrs import frozen

from runwisp.model import Kind
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Line, Segment, fit
from runwisp.tui.keys import Action, Place
from runwisp.tui.model import Model, UnitMark, visible
from runwisp.tui.operations import run_unit
from runwisp.tui.rows import Look, Rows

WIDTH = 28
_PAPER = "sidebar"

_MARK_INKS = {
    UnitMark.RUNNING: "running",
    UnitMark.FAILED: "error",
    UnitMark.STOPPED: "warning",
    UnitMark.PAUSED: "muted",
    UnitMark.NONE: "text",
}


@frozen
class Text:
    """A row that cannot be chosen."""

    text: str
    ink: str = "muted"


@frozen
class Page:
    """Home, Info or Debug."""

    name: str


@frozen
class UnitRow:
    """A task or service."""

    name: str


Item: TypeAlias = Text | Page | UnitRow

HOME, INFO, DEBUG = Page("Home"), Page("Info"), Page("Debug")


class Sidebar(Rows):
    """The cursor moves without effect until Enter; ``shown`` is what the view at the right is about."""

    paper = _PAPER
    opens_at_click = True

    def __init__(self, desk: Desk, on_open: Callable[[Page | UnitRow], None]) -> None:
        super().__init__(desk.seconds)
        self.shown: Page | UnitRow = HOME
        #: What names are filtered by; None while they are not.
        self.needle: str | None = None
        self._desk = desk
        self._on_open = on_open
        self._items: list[Item] = []
        self._made_from: object = None
        self._current: Item = HOME

    def places(self) -> tuple[Place, ...]:
        return (Place.SIDEBAR, Place.LIST)

    def count(self) -> int:
        return len(self._items)

    def can_stop_at(self, index: int) -> bool:
        return not isinstance(self._items[index], Text)

    def open(self, index: int) -> None:
        item = self._items[index]
        if not isinstance(item, Text):
            self.needle = None
            self._current = item
            self._on_open(item)

    def act(self, action: Action) -> bool:
        self._refresh()
        if action is Action.FILTER_NAMES:
            self.needle = ""
            return True
        if action is Action.RUN:
            if isinstance(self._current, UnitRow):
                run_unit(self._desk, self._desk.model.units[self._current.name])
            return True
        is_done = super().act(action)
        self._note_current()
        return is_done

    def takes_text(self) -> bool:
        return self.needle is not None

    def type(self, key: str) -> None:
        needle = self.needle or ""
        self._refresh()
        if key == "esc":
            self.needle = None
        elif key == "enter":
            if self._current in self._items:
                self.open(self._items.index(self._current))
            self.needle = None
        elif key == "backspace":
            self.needle = needle[:-1] if needle else None
        elif key in {"up", "down"}:
            self.act(Action.UP if key == "up" else Action.DOWN)
        elif len(key) == 1 and key.isprintable():
            self.needle = needle + key

    def click(self, column: int, row: int) -> None:
        self._refresh()
        super().click(column, row)
        self._note_current()

    def before_paint(self, height: int) -> None:
        self._refresh()

    def _refresh(self) -> None:
        """List what there is now, with the cursor where it was, or on the first name that matches."""
        model = self._desk.model
        made_from = (model.revision, self.needle, model.daemon)
        if made_from == self._made_from:
            return
        self._made_from = made_from
        self._items = list(_items(model, self.needle))
        if self._current in self._items:
            self.cursor = self._items.index(self._current)
        elif self.needle is not None:
            self.cursor = 0
        self.move_to(self.cursor)
        self._note_current()

    def _note_current(self) -> None:
        if self.cursor < len(self._items):
            self._current = self._items[self.cursor]

    def line(self, index: int, width: int, look: Look) -> Line:
        item = self._items[index]
        if isinstance(item, Text):
            return Line([(item.ink, " " + fit(item.text, width - 1))], _PAPER)
        sign: Segment = ("primary", "▸" if item == self.shown else " ")
        ink = "bright" if item == self.shown else "text"
        if isinstance(item, Page):
            return Line([sign, (ink, fit(item.name, width - 1))], look.paper(_PAPER))
        mark = self._desk.model.mark(self._desk.model.units[item.name])
        if not self._desk.model.is_connected:
            ink = "faint"
        name = fit(_label(self._desk.model, item.name, width - 4), width - 4)
        return Line(
            [sign, (ink, " " + name + " "), (_MARK_INKS[mark], mark.value)],
            look.paper(_PAPER),
        )


def _items(model: Model, needle: str | None) -> Iterator[Item]:
    daemon = model.daemon
    yield Text(f"RunWisp {daemon.version}" if daemon is not None else "RunWisp", "bright")
    yield Text(daemon.document["fingerprint"] if daemon is not None else "", "italic")
    if needle is not None:
        yield Text(f"/{needle}▏", "warning")
        found: list[Item] = [UnitRow(unit.name) for unit in visible(model.groups(), needle)]
        yield from found or [Text("no match")]
        return
    yield Text("")
    yield HOME
    for group, units in model.groups():
        yield Text("")
        if model.has_groups:
            yield Text(group)
        yield from (UnitRow(unit.name) for unit in units)
    yield Text("")
    yield INFO
    yield DEBUG


def _label(model: Model, name: str, width: int) -> str:
    """The name, cut so that the number of instances can be seen."""
    unit = model.units[name]
    if unit.kind is Kind.SERVICE and (unit.instances or 0) > 1:
        count = f" (×{unit.instances})"
        return fit(name, max(1, min(len(name), width - len(count)))) + count
    return name
