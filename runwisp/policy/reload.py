"""What a new configuration changes (spec: runtime, reload). Nothing is applied here."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import fields, frozen

from runwisp.config.settings import Config
from runwisp.model import Overlap, Service, Task

#: Keys of ``[daemon]`` that only a restart changes.
_RESTART_ONLY = ("tls", "tls_cert", "tls_key", "metrics_enabled", "metrics_listen")
#: Where a unit is written does not matter.
_NO_CHANGE = frozenset({"source_file"})
_SCHEDULE = frozenset({"cron", "timezone"})


@frozen
class ReloadPlan:
    """Units by name; ``changed`` says which keys of each."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    settings: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed or self.settings)


def needs_restart(old: Config, new: Config) -> tuple[str, ...]:
    """The changed keys that a reload cannot apply."""
    return tuple(
        f"daemon.{key}" for key in _RESTART_ONLY if getattr(old.daemon, key) != getattr(new.daemon, key)
    )


def plan_reload(old: Config, new: Config) -> ReloadPlan:
    """The differences between two configurations, in name order."""
    before, after = _units(old), _units(new)
    kept = sorted(before.keys() & after.keys())
    changed = {name: changed_keys(before[name], after[name]) for name in kept}
    return ReloadPlan(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed={name: keys for name, keys in changed.items() if keys},
        settings=_changed_settings(old, new),
    )


def _units(config: Config) -> dict[str, Task | Service]:
    return {**config.tasks, **config.services}


def changed_keys(old: Task | Service, new: Task | Service) -> tuple[str, ...]:
    """The keys whose effective value differs; only ``kind`` if a task became a service or the reverse."""
    if type(old) is not type(new):
        return ("kind",)
    names = [attribute.name for attribute in fields(type(old)) if attribute.name not in _NO_CHANGE]
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))


def moves_schedule(keys: tuple[str, ...]) -> bool:
    """Whether a changed task is registered anew."""
    return not _SCHEDULE.isdisjoint(keys)


def only_scales(keys: tuple[str, ...]) -> bool:
    """Whether a changed service keeps its processes and gets more or fewer of them."""
    return keys == ("instances",)


def leaves_queue(old: Task, new: Task) -> bool:
    """Whether runs that wait must be ended because the task queues no longer."""
    return old.on_overlap is Overlap.QUEUE and new.on_overlap is not Overlap.QUEUE


def _changed_settings(old: Config, new: Config) -> tuple[str, ...]:
    changed = []
    for section in ("storage", "daemon", "notify"):
        before, after = getattr(old, section), getattr(new, section)
        changed += [
            f"{section}.{attribute.name}"
            for attribute in fields(type(before))
            if getattr(before, attribute.name) != getattr(after, attribute.name)
        ]
    if old.timezone != new.timezone:
        changed.append("scheduler.timezone")
    if old.notifiers != new.notifiers:
        changed.append("notifier")
    if old.routes != new.routes:
        changed.append("notification_route")
    return tuple(changed)
