"""What the terminal knows of the daemon: the answers of the API, kept up by its events.

Pure: nothing here asks, waits or draws.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, tzinfo
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import define, evolve, field

from runwisp.client import resources
from runwisp.client.resources import (
    DaemonInfo,
    Document,
    Notice,
    NoticePage,
    RemoteRun,
    RemoteUnit,
    Sample,
)
from runwisp.client.sse import Event
from runwisp.model import Kind, RunId, Status
from runwisp.tui.runlist import RunList

#: So many figures of the machine are kept, as the daemon does.
SAMPLES = 32
#: Notifications in the panel; older ones are in the browser.
NOTICES = 200
#: Name of the event after which everything has to be fetched again.
RESYNC = "resync"
UNGROUPED = "Ungrouped"


class Link(Enum):
    """Whether the daemon tells what happens."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class UnitMark(Enum):
    """What is to be said of a unit first; the value is its sign in the sidebar."""

    RUNNING = "●"
    FAILED = "✗"
    STOPPED = "■"
    PAUSED = "‖"
    NONE = " "


@define
class Model:
    """Everything that is shown, but for the log of a run."""

    link: Link = Link.CONNECTING
    daemon: DaemonInfo | None = None
    system: Document | None = None
    #: The daemon has made a password, which it tells; None if it was not asked since it was found.
    tells_password: bool | None = None
    units: dict[str, RemoteUnit] = field(factory=dict)
    #: Rises when units come, go or change their configuration.
    revision: int = 0
    #: Runs that have not ended, and their units.
    live: dict[RunId, RemoteRun] = field(factory=dict)
    samples: deque[Sample] = field(factory=lambda: deque(maxlen=SAMPLES))
    notices: list[Notice] = field(factory=list)
    notices_total: int = 0
    unread: int = 0
    config_stale: bool = False
    #: Lists of runs that are shown; each event of a run goes to all of them.
    lists: list[RunList] = field(factory=list)
    #: Runs that are shown one by one, and what to call when they have changed or, with None, are gone.
    watched: dict[RunId, Callable[[RemoteRun | None], None]] = field(factory=dict)

    @property
    def zone(self) -> tzinfo:
        """The zone of the daemon."""
        name = self.daemon.document["resolved_timezone"] if self.daemon is not None else "UTC"
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    @property
    def is_connected(self) -> bool:
        """What is shown is true now."""
        return self.link is Link.LIVE

    def set_units(self, units: Iterable[RemoteUnit], live: Iterable[RemoteRun]) -> None:
        self.units = {unit.name: unit for unit in units}
        self.live = {run.id: run for run in live}
        self.revision += 1

    def set_daemon(self, daemon: DaemonInfo) -> None:
        self.daemon = daemon
        self.config_stale = daemon.config_stale

    def set_notices(self, page: NoticePage) -> None:
        self.notices = list(page.items)
        self.notices_total = page.total
        self.unread = page.unread_count

    def live_runs(self, name: str) -> list[RemoteRun]:
        """Runs of the unit that have not ended, oldest first."""
        return sorted((run for run in self.live.values() if run.task_name == name), key=_age)

    def mark(self, unit: RemoteUnit) -> UnitMark:
        """The first that holds (spec: interfaces, sidebar)."""
        if any(run.task_name == unit.name and run.status is Status.RUNNING for run in self.live.values()):
            return UnitMark.RUNNING
        if unit.last_run is not None and unit.last_run.is_failure:
            return UnitMark.FAILED
        if unit.kind is Kind.SERVICE and unit.document["service"]["state"] == "stopped":
            return UnitMark.STOPPED
        return UnitMark.PAUSED if unit.is_paused else UnitMark.NONE

    def groups(self) -> list[tuple[str, list[RemoteUnit]]]:
        """The units by group, those without one last (spec: interfaces, groups)."""
        buckets: dict[str, list[RemoteUnit]] = {}
        for unit in sorted(self.units.values(), key=lambda unit: (unit.name.lower(), unit.name)):
            buckets.setdefault(unit.group or "", []).append(unit)
        names = sorted(buckets, key=lambda name: (name == "", name.lower(), name))
        return [(name or UNGROUPED, buckets[name]) for name in names]

    @property
    def has_groups(self) -> bool:
        return any(unit.group for unit in self.units.values())

    def apply(self, news: News) -> None:
        """Take up what an event tells."""
        news(self)

    def put_run(self, run: RemoteRun) -> None:
        """A run is new or has changed."""
        known = self.live.get(run.id)
        if run.status is Status.ENDED:
            self.live.pop(run.id, None)
        elif known is None or known.status is not Status.RUNNING or run.status is Status.RUNNING:
            self.live[run.id] = run
        unit = self.units.get(run.task_name)
        if unit is not None and (unit.last_run is None or _age(run) >= _age(unit.last_run)):
            self.units[unit.name] = evolve(
                unit, last_run=run, document={**unit.document, "last_run": run.document}
            )
        for runs in self.lists:
            runs.put(run, unit)
        if run.id in self.watched:
            self.watched[run.id](run)

    def drop_run(self, run_id: RunId) -> None:
        self.live.pop(run_id, None)
        for runs in self.lists:
            runs.drop(run_id)
        if run_id in self.watched:
            self.watched[run_id](None)

    def put_unit(self, unit: RemoteUnit) -> None:
        self.units[unit.name] = unit
        self.revision += 1

    def put_service(self, name: str, state: Document) -> None:
        unit = self.units.get(name)
        if unit is not None:
            self.units[name] = evolve(
                unit, running=state["running"], document={**unit.document, "service": state}
            )

    def put_notice(self, notice: Notice, unread: int) -> None:
        """A notification is new or has been repeated; a repeat stays in its place."""
        self.unread = unread
        for place, known in enumerate(self.notices):
            if known.id == notice.id:
                self.notices[place] = notice
                return
        self.notices.insert(0, notice)
        self.notices_total += 1
        del self.notices[NOTICES:]


#: What an event does to the model.
News = Callable[[Model], None]


def news_of(event: Event) -> News | None:
    """What the event means, None if that is nothing (spec: rest, events).

    :raises KeyError, TypeError, ValueError: it is not what it should be
    """
    reader = _READERS.get(event.name)
    return reader(json.loads(event.data)) if reader is not None else None


def _of_run(data: Document) -> News:
    run = resources.run(data["run"])
    return lambda model: model.put_run(run)


def _of_notice(data: Document) -> News:
    notice, unread = resources.notice(data["notification"]), data["unread_count"]
    return lambda model: model.put_notice(notice, unread)


def _of_unit(data: Document) -> News:
    unit = resources.unit(data["task"])
    return lambda model: model.put_unit(unit)


def _of_system(data: Document) -> News:
    sample = resources.sample(data["sample"])
    return lambda model: model.samples.append(sample)


def _of_stale(data: Document) -> News:
    return lambda model: setattr(model, "config_stale", data["stale"])


def _of_count(data: Document) -> News:
    return lambda model: setattr(model, "unread", data["unread_count"])


_READERS: Mapping[str, Callable[[Document], News]] = {
    "run.created": _of_run,
    "run.started": _of_run,
    "run.updated": _of_run,
    "run.ended": _of_run,
    "run.deleted": lambda data: lambda model: model.drop_run(data["run_id"]),
    "service.updated": lambda data: lambda model: model.put_service(data["task_name"], data["service"]),
    "task.updated": _of_unit,
    "config.stale": _of_stale,
    "notification.created": _of_notice,
    "notification.updated": _of_notice,
    "notification.unread_count_changed": _of_count,
    "system": _of_system,
}


def _age(run: RemoteRun) -> tuple[int, str]:
    return run.created_at, run.id


def visible(groups: Iterable[tuple[str, list[RemoteUnit]]], needle: str) -> Iterator[RemoteUnit]:
    """The units whose names contain ``needle``, whatever its letter case."""
    for _, units in groups:
        for unit in units:
            if needle.lower() in unit.name.lower():
                yield unit
