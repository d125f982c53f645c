"""The first page: how to get to the browser, and the latest runs (spec: interfaces, home)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runwisp.client.resources import DaemonInfo
from runwisp.tui.desk import Desk
from runwisp.tui.draw import Segment
from runwisp.tui.header import Header, Part, Spot, title
from runwisp.tui.keys import Place
from runwisp.tui.runlist import RunList
from runwisp.tui.runpicker import RunPicker, RunsView

_BULLETS = "•" * 22


class HomeHeader(Header):
    """Title with chips, and the fields that can be copied."""

    def __init__(self, desk: Desk, table: RunPicker) -> None:
        super().__init__()
        self._desk = desk
        self._table = table

    def lines(self, width: int) -> Sequence[Sequence[Part]]:
        daemon = self._desk.model.daemon
        lines: list[Sequence[Part]] = [title("Home", [], width)]
        chips = list(self._chips())
        if chips:
            lines.append([("text", " "), *chips])
        lines.append([])
        if daemon is not None:
            lines += self._fields(daemon)
        lines += [[], [("bright", " Recent activity"), *self._total()], *self._table.banner()]
        lines.append(self._table.head(width).segments)
        return lines

    def _fields(self, daemon: DaemonInfo) -> Iterator[Sequence[Part]]:
        yield [("text", " "), Spot("⮕ Open Web UI", self._open_browser, "primary")]
        yield [
            ("muted", " Web UI    "),
            Spot(daemon.url, lambda: self._desk.copy(daemon.url, "URL"), "text"),
        ]
        if not daemon.auth_required:
            yield [("warning", " Authentication is off: whoever reaches the port controls the daemon")]
        elif self._desk.model.tells_password:
            yield [("muted", " Password  "), Spot(_BULLETS, self._copy_password, "text")]

    def _chips(self) -> Iterator[Segment]:
        model = self._desk.model
        if model.config_stale:
            yield from [("badge warning", " config changed on disk — press R "), ("text", " ")]
        warnings = len(model.daemon.config_warnings) if model.daemon is not None else 0
        if warnings:
            yield from [("badge warning", f" {_counted(warnings, 'config warning')} "), ("text", " ")]
        paused = sum(unit.is_paused for unit in model.units.values())
        if paused:
            yield from [("badge neutral", f" {paused} paused "), ("text", " ")]

    def _total(self) -> list[Segment]:
        total = self._table.runs.total
        return [("muted", f"  {_counted(total, 'run')}")] if total is not None else []

    def _open_browser(self) -> None:
        self._desk.open_browser()

    def _copy_password(self) -> None:
        self._desk.start(self._copied())

    async def _copied(self) -> None:
        self._desk.copy(await self._desk.wire.ask(lambda api: api.password()), "password", is_secret=True)


class Home(RunsView):
    """Fields, and the runs of all units."""

    def __init__(self, desk: Desk) -> None:
        table = RunPicker(desk, RunList(), has_task=True)
        super().__init__(HomeHeader(desk, table), table, Place.HOME)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
