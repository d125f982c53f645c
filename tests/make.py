"""Builders for tests: configurations and units through the real loader, runs as rows."""

from __future__ import annotations

import json
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from attrs import evolve

from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.model import Run, RunId, Service, Status, Task, TriggeredBy, UnixMs

_numbers = count(1)


def config(toml_text: str) -> Config:
    """What the loader makes of ``toml_text`` in the zone UTC, without environment variables."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "runwisp.toml")
        path.write_text(toml_text)
        return load(path, {}, host_zone="UTC")


def task(toml_lines: str = "", name: str = "t", run: str = "true") -> Task:
    """A task with the keys of ``toml_lines``."""
    return config(f'[tasks."{name}"]\nrun = {quoted(run)}\n{toml_lines}').tasks[name]


def service(toml_lines: str = "", name: str = "s", run: str = "exec sleep 600") -> Service:
    """A service with the keys of ``toml_lines``."""
    return config(f'[services."{name}"]\nrun = {quoted(run)}\n{toml_lines}').services[name]


def quoted(text: str) -> str:
    """``text`` as a TOML string."""
    return json.dumps(text, ensure_ascii=False)


# Any: the fields of a run have types of their own, which evolve checks no further.
def run(task_name: str = "t", **changes: Any) -> Run:
    """A pending run by schedule, with an id of its own, or with the fields of ``changes``."""
    number = next(_numbers)
    pending = Run(
        id=RunId(f"{number:026d}"),
        task_name=task_name,
        status=Status.PENDING,
        created_at=UnixMs(1_700_000_000_000 + number),
        triggered_by=TriggeredBy.CRON,
    )
    return evolve(pending, **changes)
