"""What the daemon says of itself when it is up: a banner on a terminal, else a line of its log.

Spec: interfaces, daemon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from runwisp import __version__
from runwisp.config.settings import Config
from runwisp.engine.boot import Taken
from runwisp.model import Task


@frozen(kw_only=True)
class Announcement:
    """``data`` is the data directory, ``fingerprint`` that of the daemon."""

    url: str
    fingerprint: str
    config: Config
    data: Path
    taken: Taken

    def fields(self) -> Mapping[str, object]:
        """For a line of the log."""
        config = self.config
        return {
            "url": self.url,
            "version": __version__,
            "fingerprint": self.fingerprint,
            "config": str(config.path),
            "data": str(self.data),
            "tasks": len(config.tasks),
            "services": len(config.services),
            "timezone": self._timezone,
            "crashed": self.taken.crashed,
            "made_up_for": self.taken.made_up_for,
        }

    def units(self) -> Iterator[tuple[str, str]]:
        """The name of each unit, with what starts it."""
        for name, task in self.config.tasks.items():
            yield name, _schedule(task, self.config.timezone)
        for name, service in self.config.services.items():
            yield (
                name,
                "kept alive" if service.instances == 1 else f"kept alive, {service.instances} replicas",
            )

    def banner(self) -> str:
        """For people: several lines, the last one ended."""
        rows = [
            ("listens at", self.url),
            ("configuration", str(self.config.path)),
            ("data", str(self.data)),
            ("time zone", self._timezone),
        ]
        if self.taken.crashed:
            rows.append(("crashed runs", str(self.taken.crashed)))
        if self.taken.made_up_for:
            rows.append(("missed, run now", str(self.taken.made_up_for)))
        units = list(self.units())
        lines = [f"RunWisp {__version__}, {self.fingerprint}", *_columns(rows), *_columns(units)]
        return "\n".join(lines) + "\n"

    @property
    def _timezone(self) -> str:
        return f"{self.config.timezone} ({self.config.timezone_source})"


def _schedule(task: Task, usual_zone: str) -> str:
    if task.cron is None:
        return "by hand"
    return task.cron if task.timezone in (None, usual_zone) else f"{task.cron} ({task.timezone})"


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        yield f"  {name.ljust(width)}  {value}"
