"""Who gets an event (spec: notifications, routing)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from runwisp.config.globs import compile_glob
from runwisp.config.notifications import IN_APP
from runwisp.config.settings import Config, EventKind, Route
from runwisp.model import NotifyEvent, NotifyKind
from runwisp.policy.notify_events import FAILURES, counts_as_failure, is_played_down

#: Kinds of routes that mean a single end reason, and the events that can have it.
_OF_ONE_REASON = {
    EventKind.RUN_LOG_OVERFLOW: (NotifyKind.RUN_FAILED,),
    EventKind.RUN_UNHEALTHY: (NotifyKind.RUN_FAILED,),
    EventKind.RUN_DAEMON_STOPPED: (NotifyKind.RUN_STOPPED, NotifyKind.RUN_FAILED),
}
#: What no route gets: the bell has the first, and nobody but who asked the second.
_UNROUTED = frozenset({NotifyKind.DELIVERY_FAILED, NotifyKind.TEST})


@frozen
class _Line:
    """A route, ready to be asked. No ``kinds`` are all of them, no ``task`` is every unit."""

    kinds: tuple[EventKind, ...]
    is_for_failures: bool
    task: re.Pattern[str] | None
    notify: tuple[str, ...]

    @classmethod
    def of(cls, route: Route) -> _Line:
        task = compile_glob(route.match.task) if route.match.task else None
        return cls(route.match.kind, route.match.failure, task, route.notify)

    def takes(self, event: NotifyEvent) -> bool:
        if not (self._lists(event) if self.kinds else not is_played_down(event)):
            return False
        if self.is_for_failures and not counts_as_failure(event):
            return False
        return self.task is None or self.task.fullmatch(event.task_name or "") is not None

    def _lists(self, event: NotifyEvent) -> bool:
        reason = event.run.end_reason if event.run is not None else None
        return any(
            kind == f"run.{reason}" if kind in _OF_ONE_REASON else kind.value == event.kind.value
            for kind in self.kinds
        )

    def wanted(self) -> Iterable[NotifyKind]:
        """The kinds of all events that it may take."""
        if not self.kinds:
            return NotifyKind
        return [kind for listed in self.kinds for kind in _kinds_of(listed)]


def _kinds_of(listed: EventKind) -> tuple[NotifyKind, ...]:
    return _OF_ONE_REASON.get(listed) or (NotifyKind(listed.value),)


@frozen
class RouteTable:
    """All that a configuration says about who gets what: routes, lists of units, and the catch-all."""

    _lines: tuple[_Line, ...]
    _default: tuple[str, ...]
    _on_failure: Mapping[str, tuple[str, ...]]
    _on_success: Mapping[str, tuple[str, ...]]
    _wanted: frozenset[NotifyKind]

    @classmethod
    def of(cls, config: Config) -> RouteTable:
        units = [*config.tasks.values(), *config.services.values()]
        lines = tuple(map(_Line.of, config.routes))
        default = config.notify.default_notifiers
        on_failure = {unit.name: unit.notify_on_failure for unit in units if unit.notify_on_failure}
        on_success = {unit.name: unit.notify_on_success for unit in units if unit.notify_on_success}
        wanted = {kind for line in lines for kind in line.wanted()}
        if default or on_failure:
            wanted |= FAILURES
        if on_success:
            wanted.add(NotifyKind.RUN_SUCCEEDED)
        if IN_APP in default:
            wanted.add(NotifyKind.LOG_DISK_PRESSURE)
        return cls(lines, default, on_failure, on_success, frozenset(wanted) - _UNROUTED)

    def wants(self, kind: NotifyKind) -> bool:
        """Whether anybody may get an event of this kind; if not, there is no need to make it."""
        return kind in self._wanted

    def targets(self, event: NotifyEvent) -> tuple[str, ...]:
        """The notifiers that get ``event``, as they are written in the configuration, each once."""
        if event.kind in _UNROUTED:
            return ()
        found: dict[str, None] = {}
        for line in self._lines:
            if line.takes(event):
                found.update(dict.fromkeys(line.notify))
        found.update(dict.fromkeys(self._by_lists(event)))
        return tuple(found)

    def _by_lists(self, event: NotifyEvent) -> tuple[str, ...]:
        name = event.task_name or ""
        if counts_as_failure(event):
            return self._on_failure.get(name, ()) + self._default
        if event.kind is NotifyKind.RUN_SUCCEEDED and name in self._on_success:
            return self._on_success[name] + self._default
        if event.kind is NotifyKind.LOG_DISK_PRESSURE and IN_APP in self._default:
            return (IN_APP,)
        return ()
