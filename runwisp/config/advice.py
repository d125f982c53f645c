"""What is allowed and probably not meant (spec: config, warnings)."""

from __future__ import annotations

from collections.abc import Mapping

from runwisp.config.reading import Report
from runwisp.config.settings import Config
from runwisp.config.shells import is_fail_fast
from runwisp.config.source import Entry
from runwisp.model import CatchUp, Overlap, Service, Task
from runwisp.units import format_duration


def add_warnings(
    config: Config, units: Mapping[str, Entry], defaults: Entry | None, daemon: Entry | None, report: Report
) -> None:
    """Add the warnings about a configuration without problems to ``report``.

    A setting that several units inherit is warned about once, where it is written.
    """
    seen = set[tuple[str, str]]()
    for name, entry in units.items():
        unit = config.unit(name)
        assert unit is not None
        for key, message in _about_inherited(unit, config):
            origin = next((level for level in (entry, defaults) if level and key in level.values), daemon)
            if origin is not None and (key, origin.key) not in seen:
                seen.add((key, origin.key))
                place = "shutdown_timeout" if origin is daemon else key
                report.warn(origin, f"{origin.label}{message}", place)
        if isinstance(unit, Task):
            _about_task(unit, entry, report)


def _about_inherited(unit: Task | Service, config: Config) -> list[tuple[str, str]]:
    """Warnings about keys that may come from ``[defaults]``, with the key."""
    found = []
    limit = config.daemon.shutdown_timeout
    if unit.graceful_stop > limit:
        message = (
            f"graceful_stop ({format_duration(unit.graceful_stop)}) is longer than [daemon] shutdown_timeout"
            f" ({format_duration(limit)}), which ends it"
        )
        found.append(("graceful_stop", message))
    if not is_fail_fast(unit.shell):
        message = (
            f"shell {unit.shell} is not stopped by the first command that fails: it is called without -e"
        )
        found.append(("shell", message))
    return found


def _about_task(task: Task, entry: Entry, report: Report) -> None:
    if task.catch_up is CatchUp.ALL and task.on_overlap is not Overlap.QUEUE:
        message = f'catch_up = "all" with on_overlap = "{task.on_overlap}" will not run every missed slot'
        report.warn(entry, f"{entry.label}{message}", "catch_up")
    if not task.api_trigger and task.cron is None and task.run_on_start is None:
        message = "api_trigger = false, and neither cron nor run_on_start: nothing ever starts it"
        report.warn(entry, f"{entry.label}{message}", "api_trigger")
