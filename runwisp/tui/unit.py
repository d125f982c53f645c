"""A task or service and its runs (spec: interfaces, task view)."""

from __future__ import annotations

from collections.abc import Sequence

from runwisp.tui import operations
from runwisp.tui.desk import Desk
from runwisp.tui.header import Header, Part, Stack, title
from runwisp.tui.info import schedule
from runwisp.tui.keys import Action, Place
from runwisp.tui.runlist import Filter, RunList
from runwisp.tui.runtable import RunTable


class UnitHeader(Header):
    """What the unit is."""

    def __init__(self, desk: Desk, name: str, table: RunTable) -> None:
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
            if unit.document["description"]:
                lines.append([("text", f" {unit.document['description']}")])
            lines.append([("muted", " Schedule: "), ("text", schedule(unit))])
        return [*lines, [], self._table.head(width).segments]


class UnitView(Stack):
    """The page of one unit."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.table = RunTable(desk, RunList(Filter(task_name=name)), has_task=False)
        self._desk = desk
        self._name = name
        super().__init__(UnitHeader(desk, name, self.table), self.table)

    def places(self) -> tuple[Place, ...]:
        return (*self.table.places(), Place.TASK)

    def opened(self) -> None:
        self.table.opened()

    def closed(self) -> None:
        self.table.closed()

    def refetch(self) -> None:
        self.table.runs.reload()

    def tick_s(self) -> float | None:
        return self.table.tick_s()

    def act(self, action: Action) -> bool:
        operation = {
            Action.RUN: operations.run_unit,
            Action.STOP: operations.stop_unit,
            Action.PAUSE: operations.pause_unit,
        }.get(action)
        if operation is None:
            return super().act(action)
        unit = self._desk.model.units.get(self._name)
        if unit is not None:
            operation(self._desk, unit)
        return True
