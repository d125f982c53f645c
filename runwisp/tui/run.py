"""One run and what it prints (spec: interfaces, run view)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import urwid

from runwisp.cli.wording import display_status, duration_label, trigger_label
from runwisp.client.resources import LogHit, RemoteRun, RemoteUnit
from runwisp.model import Kind, RunId, Status
from runwisp.tui import details, operations
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Segment, fit, safe, width_of
from runwisp.tui.header import Header, Part, Spot, Stack, button
from runwisp.tui.keys import Action, Place
from runwisp.tui.logview import LogPane
from runwisp.tui.search import Search
from runwisp.tui.theme import badge_of
from runwisp.tui.times import absolute
from runwisp.units import format_duration, format_size

_NOTHING = "—"


class RunHeader(Header):
    """What is known of the run, and buttons."""

    def __init__(self, view: RunView, desk: Desk) -> None:
        super().__init__()
        self._view = view
        self._desk = desk

    def lines(self, width: int) -> Sequence[Sequence[Part]]:
        run = self._view.run
        if run is None:
            text = " deleted" if self._view.is_gone else " loading…"
            return [[("text", " "), self._back(), ("muted", text)], []]
        lines = [self._title(run, width), *self._facts(run, width)]
        if run.message:
            lines.append([("warning", f" {run.message}")])
        buttons = list(self._buttons(run))
        if buttons:
            lines.append([("text", " "), *buttons])
        return [*lines, [("divider", "─" * width)]]

    def _back(self) -> Spot:
        return button("← Back", self._desk.back, "bright on button")

    def _title(self, run: RemoteRun, width: int) -> Sequence[Part]:
        status = display_status(run)
        right: list[Segment] = []
        if run.exit_code is not None and run.exit_code > 0:
            right.append(("error", f"exit {run.exit_code} "))
        right += [(badge_of(status), f" {status.replace('_', ' ')} "), ("text", " ")]
        back = self._back()
        suffix = f"#{run.id[-4:]}"
        room = width - 5 - width_of(back.text) - sum(width_of(text) for _, text in right) - len(suffix)
        name = fit(run.label, min(max(1, room), width_of(safe(run.label))))
        copy = Spot(suffix, lambda: self._desk.copy(run.id, "run id"), "muted")
        gap = max(1, room + 2 - width_of(name))
        return [("text", " "), back, ("bright", f" {name} "), copy, ("text", " " * gap), *right]

    def _facts(self, run: RemoteRun, width: int) -> Iterator[Sequence[Part]]:
        now, zone = self._desk.now(), self._desk.model.zone
        started = absolute(run.start_at, zone) if run.start_at is not None else _NOTHING
        duration = duration_label(run, now)
        first: list[Part] = [
            ("muted", " Started "),
            Spot(started, lambda: self._desk.copy(started, "start")),
            ("muted", " · Duration "),
            Spot(duration, lambda: self._desk.copy(duration, "duration")),
        ]
        rest: list[Segment] = [("dim", trigger_label(run))]
        if run.next_retry_at is not None:
            rest.append(("warning", f" · retry in {max(0, run.next_retry_at - now) // 1000}s"))
        if run.retry_attempt:
            rest.append(("muted", f" · retry #{run.retry_attempt}"))
        if run.status is not Status.ENDED:
            rest += self._live(run)
        if _size(first) + 3 + _size(rest) <= width - 1:
            yield [*first, ("muted", " · "), *rest]
        else:
            yield first
            yield [("text", " "), *rest]

    def _live(self, run: RemoteRun) -> list[Segment]:
        stopping: list[Segment] = [("warning", " · stopping…")] if run.document["stopping"] else []
        if not self._view.log.is_following:
            return [*stopping, ("faint", "  ○ follow (G)")]
        return [*stopping, ("success", "  ● FOLLOW")]

    def _buttons(self, run: RemoteRun) -> Iterator[Part]:
        for label, on_open, badge in self._view.operations(run):
            yield button(label, on_open, badge)
            yield ("text", " ")
        if run.status is Status.ENDED and run.cpu_time is not None:
            yield ("muted", f" CPU {format_duration(run.cpu_time)}")
        if run.status is Status.ENDED and run.peak_memory_bytes is not None:
            yield ("muted", f" · peak memory {format_size(run.peak_memory_bytes)}")


class RunView(Stack):
    """The page of one run.

    :param line: the line of its log to show, None for the end
    """

    def __init__(self, desk: Desk, run_id: RunId, line: int | None = None) -> None:
        self.run: RemoteRun | None = None
        self.is_gone = False
        self.log = LogPane(desk, run_id, line)
        self._desk = desk
        self._run_id = run_id
        super().__init__(RunHeader(self, desk), self.log)

    def places(self) -> tuple[Place, ...]:
        return (*self.log.places(), Place.RUN)

    def opened(self) -> None:
        self._desk.model.watched[self._run_id] = self._put
        self.log.opened()
        self._desk.start(self._fetch())

    def closed(self) -> None:
        del self._desk.model.watched[self._run_id]
        self.log.closed()
        self._set_full(False)

    def refetch(self) -> None:
        self._desk.start(self._fetch())

    def tick_s(self) -> float | None:
        run = self.run
        is_ticking = run is not None and (run.status is Status.RUNNING or run.next_retry_at is not None)
        return 1.0 if is_ticking and not self.log.is_full else None

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        if self.log.is_full:
            return self.log.paint(width, height, has_focus)
        return super().paint(width, height, has_focus)

    def act(self, action: Action) -> bool:
        if action is Action.FULLSCREEN or (action is Action.BACK and self.log.is_full):
            self._set_full(not self.log.is_full)
            return True
        if self.log.is_full and action is not Action.QUIT:
            self.log.act(action)
            return True
        if self.run is not None and action in {Action.RUN, Action.STOP, Action.DELETE}:
            self._operate(self.run, action)
            return True
        others = {
            Action.LOG_LINK: self._copy_link,
            Action.DETAILS: lambda: self._desk.start(details.show_run(self._desk, self._run_id)),
            Action.SEARCH: self._search,
        }
        if action in others:
            others[action]()
            return True
        return super().act(action)

    def operations(self, run: RemoteRun) -> Iterator[tuple[str, Callable[[], None], str]]:
        """What can be done now: label, action and badge of a button."""
        unit = self._desk.model.units.get(run.task_name)
        is_service = unit is not None and unit.kind is Kind.SERVICE
        if run.status is not Status.ENDED:
            yield "■ Stop (s)", lambda: self._operate(run, Action.STOP), "badge failed"
        if unit is not None and (is_service or operations.is_retryable(run)):
            label = "↻ Restart (r)" if is_service else "↻ Retry (r)"
            yield label, lambda: self._operate(run, Action.RUN), "badge warning"
        if run.status is Status.ENDED:
            yield "Delete (D)", lambda: self._operate(run, Action.DELETE), "text on button"

    def _operate(self, run: RemoteRun, action: Action) -> None:
        unit = self._desk.model.units.get(run.task_name)
        if action is Action.DELETE:
            operations.delete_run(self._desk, run)
        elif action is Action.STOP and unit is not None and unit.kind is Kind.SERVICE:
            operations.stop_unit(self._desk, unit)
        elif action is Action.STOP:
            operations.stop_run(self._desk, run)
        else:
            self._run_again(run, unit)

    def _run_again(self, run: RemoteRun, unit: RemoteUnit | None) -> None:
        if unit is None:
            self._desk.flash(f"{run.task_name} is not configured any more", "warning")
        elif unit.kind is Kind.SERVICE:
            operations.run_unit(self._desk, unit)
        else:
            operations.retry_run(self._desk, run, unit)

    def _search(self) -> None:
        if self.run is not None:
            self._desk.open_overlay(Search(self._desk, self.run.task_name, self._open_hit))

    def _open_hit(self, hit: LogHit) -> None:
        if hit.run_id == self._run_id:
            self.log.go_to(hit.n)
        else:
            self._desk.show(RunView(self._desk, hit.run_id, hit.n))

    def _copy_link(self) -> None:
        daemon = self._desk.model.daemon
        if daemon is not None:
            url = f"{daemon.url.rstrip('/')}/api/runs/{self._run_id}/log/raw"
            self._desk.copy(url, "link to the log")

    def _set_full(self, is_full: bool) -> None:
        if self.log.is_full is not is_full:
            self.log.is_full = is_full
            self._desk.set_fullscreen(is_full)

    def _put(self, run: RemoteRun | None) -> None:
        self.run = self.log.run = run
        self.is_gone = run is None

    async def _fetch(self) -> None:
        run = await self._desk.wire.ask(lambda api: api.run(self._run_id))
        # An event may have told of the end meanwhile.
        is_late = self.run is not None and self.run.status is Status.ENDED
        if run is None or run.status is Status.ENDED or not is_late:
            self._put(run)
        self._desk.invalidate()


def _size(parts: Sequence[Part]) -> int:
    return sum(width_of(part.text if isinstance(part, Spot) else part[1]) for part in parts)
