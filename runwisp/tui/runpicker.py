"""A table of runs that can be filtered, and of which some can be selected (spec: interfaces, task view)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve

from runwisp.tui.desk import Desk, Question
from runwisp.tui.dialogs import Menu, MenuLine
from runwisp.tui.draw import Segment
from runwisp.tui.header import Header, Stack
from runwisp.tui.keys import Action, Place
from runwisp.tui.model import UNGROUPED
from runwisp.tui.runlist import Bucket, Filter, RunList
from runwisp.tui.runtable import RunTable
from runwisp.tui.selection import sentence

#: What is done with selected runs: verb of the API, question, note and word for what is done.
_VERBS = {
    Action.DELETE_MARKED: (
        "delete",
        "Delete",
        "Their logs too. Runs that have not ended stay.",
        "deleted",
    ),
    Action.STOP_MARKED: ("stop", "Stop", "Runs that have ended stay as they are.", "stopped"),
    Action.RERUN_MARKED: ("rerun", "Run again", "Each of their tasks is run once.", "triggered"),
}


class RunPicker(RunTable):
    """Adds filter and selection; :meth:`banner` tells of both."""

    def __init__(self, desk: Desk, runs: RunList, *, has_task: bool) -> None:
        super().__init__(desk, runs, has_task=has_task)
        self._own = runs.filter

    def banner(self) -> Sequence[Sequence[Segment]]:
        """Lines for above the table."""
        lines: list[Sequence[Segment]] = []
        clear: list[Segment] = [("bright", "Esc"), ("muted", " clear")]
        if self.runs.filter != self._own:
            badge: Segment = ("badge warning", f" {self._filter_label()} ")
            change: list[Segment] = [("bright", "  f"), ("muted", " change  ")]
            lines.append([("muted", " Only "), badge, *change, *clear])
        if self.marked:
            badge = ("badge primary", f" {self.marked.label()} ")
            lines.append([("muted", " Selected "), badge, ("text", "  "), *clear])
        return lines

    def act(self, action: Action) -> bool:
        if action in _VERBS:
            self._do_with_marked(action)
        elif action is Action.MARK:
            self._toggle()
        elif action is Action.MARK_ALL:
            self.marked.select_all(self._desk.now())
        elif action is Action.FILTER:
            self._desk.open_overlay(Menu(self._desk, "Filter", list(self._choices())))
        elif action is Action.BACK and self.marked:
            self.marked.clear()
        elif action is Action.BACK and self.runs.filter != self._own:
            self._set(self._own)
        else:
            return super().act(action)
        return True

    def _toggle(self) -> None:
        run = self.current
        if run is not None:
            self.marked.toggle(run)
            self.move_to(self.cursor + 1)

    def _do_with_marked(self, action: Action) -> None:
        verb, words, note, done = _VERBS[action]
        if not self.marked:
            return
        label, body = self.marked.label(), self.marked.body(self.runs.filter)

        question = Question(f"{words} {label}", f"{words} {label}?", [note])

        async def work() -> str:
            outcome = await self._desk.wire.ask(lambda api: api.bulk(verb, body))
            self.marked.clear()
            self.runs.reload()
            return sentence(done, outcome)

        self._desk.act_on(question, work)

    def _set(self, wanted: Filter) -> None:
        self.marked.clear()
        self.set_filter(lambda runs: setattr(runs, "filter", wanted))
        self._desk.invalidate()

    def _filter_label(self) -> str:
        current = self.runs.filter
        words = [current.bucket.label] if current.bucket is not Bucket.ALL else []
        if current.group != self._own.group:
            words.append(f"group {current.group or UNGROUPED}")
        return ", ".join(words)

    def _choices(self) -> Iterator[MenuLine]:
        current = self.runs.filter
        yield MenuLine([("muted", "Status")])
        for bucket in Bucket:
            yield self._choice(bucket.label, evolve(current, bucket=bucket))
        if self._own.task_name is None and self._desk.model.has_groups:
            yield MenuLine()
            yield MenuLine([("muted", "Group")])
            yield self._choice("all", evolve(current, group=None))
            for name, units in self._desk.model.groups():
                yield self._choice(name, evolve(current, group=units[0].group or ""))

    def _choice(self, label: str, wanted: Filter) -> MenuLine:
        is_current = wanted == self.runs.filter
        mark: Segment = ("primary", "● " if is_current else "  ")
        return MenuLine([mark, ("text", label)], lambda: self._set(wanted), is_current)


class RunsView(Stack):
    """A view whose body is a table of runs; its own keys are those of ``place``."""

    def __init__(self, header: Header, table: RunPicker, place: Place) -> None:
        super().__init__(header, table)
        self.table = table
        self._place = place

    def places(self) -> tuple[Place, ...]:
        return (*self.table.places(), self._place)

    def opened(self) -> None:
        self.table.opened()

    def closed(self) -> None:
        self.table.closed()

    def refetch(self) -> None:
        self.table.runs.reload()

    def tick_s(self) -> float | None:
        return self.table.tick_s()
