"""The daemon, its machine and its units (spec: interfaces, info and debug)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import urwid

from runwisp.client.resources import DaemonInfo, RemoteUnit, RunSummary
from runwisp.model import Kind, UnixMs
from runwisp.tui.desk import Desk, View
from runwisp.tui.draw import Line, Segment, canvas, fit, wrapped
from runwisp.tui.header import title
from runwisp.tui.keys import Action, Place
from runwisp.tui.sparkline import HEIGHT, WIDTH, braille
from runwisp.tui.times import absolute, span
from runwisp.units import parse_time

_LABEL = 14
#: The daemon takes its figures so often.
SAMPLE_S = 5.0
#: Sums of runs are asked for again so often.
REFETCH_S = 30.0
_GREEN, _AMBER = 0.9, 0.7


class Info(View):
    """One page of text that can be scrolled."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._summary: RunSummary | None = None
        self._fetched_at = 0.0
        self._top = 0
        self._room = 1
        self._length = 0

    def places(self) -> tuple[Place, ...]:
        return (Place.LIST, Place.INFO)

    def opened(self) -> None:
        self.refetch()

    def refetch(self) -> None:
        self._fetched_at = self._desk.seconds()
        self._desk.start(self._fetch())

    def tick_s(self) -> float | None:
        return SAMPLE_S

    def paint(self, width: int, height: int, has_focus: bool) -> urwid.Canvas:
        if self._desk.seconds() - self._fetched_at >= REFETCH_S and self._desk.model.is_connected:
            self.refetch()
        lines = list(self._lines(width))
        self._room, self._length = height - 2, len(lines)
        self._scroll(0)
        head = [Line(title("Info", [], width)), Line()]
        seen = [Line(segments) for segments in lines[self._top : self._top + self._room]]
        return canvas([*head, *seen], width, height)

    def act(self, action: Action) -> bool:
        steps = {
            Action.UP: -1,
            Action.DOWN: 1,
            Action.PAGE_UP: -self._room,
            Action.PAGE_DOWN: self._room,
            Action.TOP: -self._length,
            Action.END: self._length,
        }
        if action not in steps:
            return False
        self._scroll(steps[action])
        return True

    def wheel(self, lines: int) -> None:
        self._scroll(lines)

    def _scroll(self, lines: int) -> None:
        self._top = max(0, min(self._top + lines, self._length - self._room))

    async def _fetch(self) -> None:
        self._summary = await self._desk.wire.ask(lambda api: api.summary({}))
        self._desk.invalidate()

    def _lines(self, width: int) -> Iterator[Sequence[Segment]]:
        daemon, now = self._desk.model.daemon, self._desk.now()
        if daemon is None:
            yield [("muted", " loading…")]
            return
        yield from self._machine(daemon, now)
        yield []
        yield from self._runs(now)
        yield []
        yield from _daemon(daemon)
        yield []
        yield from self._units(width)
        for warning in daemon.config_warnings:
            for number, text in enumerate(wrapped(warning, width - 4)):
                yield [("warning", " ! " if not number else "   "), ("text", text)]

    def _machine(self, daemon: DaemonInfo, now: UnixMs) -> Iterator[Sequence[Segment]]:
        model = self._desk.model
        yield _field("Uptime", span((now - parse_time(daemon.document["started_at"])) / 1000))
        if model.system is not None:
            yield _field("System", f"{model.system['os']} {model.system['arch']}")
            yield _field("Host", f"{model.system['host']}, {model.system['cpu_cores']} cores")
        samples = list(model.samples)
        for name, values in (
            ("CPU", [sample.cpu_usage for sample in samples]),
            ("Memory", [sample.mem_usage for sample in samples]),
        ):
            yield []
            rows = braille(values, WIDTH, HEIGHT)
            latest = f"{values[-1]:.0f}%" if values else "—"
            yield [*_field(name, fit(latest, 6)), ("running on chart", rows[0])]
            yield [*_field("", fit("", 6)), ("running on chart", rows[1])]

    def _runs(self, now: UnixMs) -> Iterator[Sequence[Segment]]:
        summary = self._summary
        if summary is None:
            yield _field("Runs", "loading…")
            return
        judged = summary.success + summary.failed + summary.missed
        yield _field("Runs", f"{summary.total:,}")
        if judged:
            rate = summary.success / judged
            ink = "success" if rate >= _GREEN else "warning" if rate >= _AMBER else "error"
            yield [*_field("Success", ""), (ink, f"{rate:.1%}"), ("muted", f"  {summary.failed:,} failed")]
        if summary.last_failure_at is not None:
            yield _field("Last failure", absolute(summary.last_failure_at, self._desk.model.zone))

    def _units(self, width: int) -> Iterator[Sequence[Segment]]:
        units = sorted(self._desk.model.units.values(), key=lambda unit: unit.name)
        room = min(30, max((len(unit.name) for unit in units), default=0))
        yield [("bright", f" {len(units):,} units")]
        for unit in units:
            yield [("text", f" {fit(unit.name, room)}  "), ("muted", schedule(unit))]


def schedule(unit: RemoteUnit) -> str:
    """When a unit runs: its cron text, ``manual`` or ``service ×N``."""
    if unit.kind is Kind.SERVICE:
        return f"service ×{unit.instances}"
    return unit.cron or "manual"


def _daemon(daemon: DaemonInfo) -> Iterator[Sequence[Segment]]:
    document = daemon.document
    origin = "from the configuration" if document["timezone_source"] == "config" else "of the system"
    yield _field("Version", daemon.version)
    yield _field("URL", daemon.url)
    yield _field("Fingerprint", document["fingerprint"])
    yield _field("Zone", f"{document['resolved_timezone']}, {origin}")
    yield _field("Process", str(daemon.pid))
    yield _field("Config", daemon.config_path)
    yield _field("Data", daemon.data_dir)
    yield _field("Socket", daemon.socket_path)


def _field(name: str, value: str) -> list[Segment]:
    return [("muted", " " + fit(name, _LABEL)), ("text", value)]
