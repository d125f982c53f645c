"""Where the log of a run lies; nothing is stored, everything is computed (spec: logs, files)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from attrs import frozen

from runwisp.model import RunId, UnixMs

_SUFFIXES = (".log", ".idx", ".log.prev", ".idx.prev", ".part", ".idx.new")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")


@frozen
class LogPaths:
    """The files of one run: ``stem`` is their common path without a suffix."""

    stem: Path

    @property
    def directory(self) -> Path:
        """The directory of the unit, shared by all its runs."""
        return self.stem.parent

    @property
    def log(self) -> Path:
        return self._with(".log")

    @property
    def index(self) -> Path:
        return self._with(".idx")

    @property
    def previous_log(self) -> Path:
        return self._with(".log.prev")

    @property
    def previous_index(self) -> Path:
        return self._with(".idx.prev")

    @property
    def part(self) -> Path:
        return self._with(".part")

    @property
    def new_index(self) -> Path:
        """An index on its way to replace a damaged one."""
        return self._with(".idx.new")

    def all(self) -> list[Path]:
        """Every file a run may have, in the order in which they are deleted."""
        return [Path(name) for name in self.names()]

    def names(self) -> list[str]:
        """The same as text: a Path costs more than a system call that is made with it."""
        stem = str(self.stem)
        return [stem + suffix for suffix in _SUFFIXES]

    def _with(self, suffix: str) -> Path:
        return Path(f"{self.stem}{suffix}")


def directory_name(task_name: str) -> str:
    """The unit's directory below ``logs/``, different for different names."""
    plain = _NOT_PLAIN.sub("_", task_name)
    if plain == task_name:
        return plain
    return f"{plain}-{sha256(task_name.encode()).hexdigest()[:8]}"


def log_paths(logs_dir: Path, task_name: str, run_id: RunId, created_at: UnixMs) -> LogPaths:
    """The files of the run; the time in their name is ``created_at`` in UTC."""
    return LogPaths(Path(f"{logs_dir}/{directory_name(task_name)}/{_time(created_at // 1000)}_{run_id}"))


@lru_cache(maxsize=8)
def _time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d_%H%M%S")
