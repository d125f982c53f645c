"""A task or service and its runs (spec: interfaces, task view)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runwisp.client.resources import LogHit, RemoteUnit
from runwisp.model import Kind
from runwisp.tui import details, operations
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Segment, wrapped
from runwisp.tui.header import Header, Part, Spot, button, title
from runwisp.tui.info import schedule
from runwisp.tui.keys import Action, Place
from runwisp.tui.run import RunView
from runwisp.tui.runlist import Filter, RunList
from runwisp.tui.runpicker import RunPicker, RunsView
from runwisp.tui.search import Search
from runwisp.tui.times import until
from runwisp.units import parse_time

_DESCRIPTION_LINES = 2
_STATE_INKS = {"running": "success", "fatal": "error"}
#: When the next run has come, the daemon is asked for the one after it, and again so often.
_ASK_AGAIN_S = 2.0

_OPERATIONS: dict[Action, Callable[[Desk, RemoteUnit], None]] = {
    Action.RUN: operations.run_unit,
    Action.STOP: operations.stop_unit,
    Action.PAUSE: operations.pause_unit,
    Action.DETAILS: lambda desk, unit: desk.start(details.show_unit(desk, unit)),
}


class UnitHeader(Header):
    """What the unit is, and buttons."""

    def __init__(self, desk: Desk, name: str, table: RunPicker) -> None:
        super().__init__()
        self._desk = desk
        self._name = name
        self._table = table

    def lines(self, width: int) -> Sequence[Sequence[Part]]:
        unit = self._desk.model.units.get(self._name)
        lines: list[Sequence[Part]] = [title(self._name, [], width)]
        if unit is None:
            lines.append([("warning", " not configured any more")])
        else:
            description = unit.document["description"]
            if description:
                lines += [[("text", f" {text}")] for text in _paragraph(description, width - 2)]
            lines.append([("muted", " Schedule: "), ("text", schedule(unit))])
            lines += self._state(unit)
            lines += [[], [("text", " "), *self._buttons(unit)]]
            if not unit.api_trigger:
                lines.append([("muted", f" {operations.locked(unit)}")])
        return [*lines, [], *self._table.banner(), self._table.head(width).segments]

    def _state(self, unit: RemoteUnit) -> Iterator[Sequence[Part]]:
        if unit.kind is Kind.SERVICE:
            state = unit.document["service"]["state"]
            up: Segment = ("dim", f", {unit.running} of {unit.instances} up")
            yield [("muted", " State:    "), (_STATE_INKS.get(state, "warning"), state), up]
        elif unit.is_paused:
            yield [("muted", " Next:     "), ("warning", "paused")]
        elif unit.document["next_run_at"] is not None:
            next_run_at = parse_time(unit.document["next_run_at"])
            text = until(next_run_at, self._desk.now(), self._desk.model.zone)
            yield [("muted", " Next:     "), ("text", text)]

    def _buttons(self, unit: RemoteUnit) -> Iterator[Part]:
        is_service = unit.kind is Kind.SERVICE
        state = unit.document["service"]["state"] if is_service else ""
        label = "▶ Run Now (r)"
        if is_service:
            label = "▶ Start (r)" if state in {"stopped", "fatal"} else "↻ Restart (r)"
        ink = "badge primary" if unit.api_trigger else "faint on button"
        yield self._button(label, Action.RUN, unit, ink)
        yield ("text", " ")
        if self._desk.model.live_runs(unit.name) or state not in {"", "stopped"}:
            yield self._button("■ Stop (s)", Action.STOP, unit, "badge failed")
            yield ("text", " ")
        if unit.cron is not None and not is_service:
            label = "Resume (p)" if unit.is_paused else "Pause (p)"
            yield self._button(label, Action.PAUSE, unit, "text on button")

    def _button(self, label: str, action: Action, unit: RemoteUnit, ink: str) -> Spot:
        return button(label, lambda: _OPERATIONS[action](self._desk, unit), ink)


class UnitView(RunsView):
    """The page of one unit."""

    def __init__(self, desk: Desk, name: str) -> None:
        unit = desk.model.units.get(name)
        has_replicas = unit is not None and (unit.instances or 1) > 1
        table = RunPicker(desk, RunList(Filter(task_name=name)), has_task=has_replicas)
        super().__init__(UnitHeader(desk, name, table), table, Place.TASK)
        self._desk = desk
        self._name = name
        self._ask_at = 0.0

    def tick_s(self) -> float | None:
        if self._next_run_at() is None:
            return super().tick_s()
        self._look_for_next()
        return 1.0

    def act(self, action: Action) -> bool:
        if action is Action.SEARCH:
            self._desk.open_overlay(Search(self._desk, self._name, self._open_hit))
            return True
        operation = _OPERATIONS.get(action)
        if operation is None:
            return super().act(action)
        unit = self._desk.model.units.get(self._name)
        if unit is not None:
            operation(self._desk, unit)
        return True

    def _open_hit(self, hit: LogHit) -> None:
        self._desk.show(RunView(self._desk, hit.run_id, hit.n))

    def _next_run_at(self) -> int | None:
        unit = self._desk.model.units.get(self._name)
        text = unit.document["next_run_at"] if unit is not None else None
        return parse_time(text) if text is not None else None

    def _look_for_next(self) -> None:
        """Fetch the unit when its next run has come: no event tells the one after it."""
        next_run_at, seconds = self._next_run_at(), self._desk.seconds()
        if next_run_at is None or next_run_at > self._desk.now() or seconds < self._ask_at:
            return
        if self._desk.model.is_connected:
            self._ask_at = seconds + _ASK_AGAIN_S
            self._desk.start(self._fetch())

    async def _fetch(self) -> None:
        self._desk.model.put_unit(await self._desk.wire.ask(lambda api: api.unit(self._name)))
        self._desk.invalidate()


def _paragraph(text: str, width: int) -> list[str]:
    """The text in few lines."""
    lines = wrapped(text, width)
    if len(lines) > _DESCRIPTION_LINES:
        lines = [*lines[: _DESCRIPTION_LINES - 1], f"{lines[_DESCRIPTION_LINES - 1]}…"]
    return lines
