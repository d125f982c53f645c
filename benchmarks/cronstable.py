"""Configurations for cronstable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from benchmarks.contest import Bench
from benchmarks.peers import CRONSTABLE, install


@frozen
class Job:
    """A job whose output is captured, as RunWisp does by itself."""

    name: str
    schedule: str
    command: str


def command(bench: Bench, home: Path, jobs: Iterable[Job]) -> list[str]:
    """The command of cronstable with ``jobs``; its configuration is written into ``home``."""
    lines = ["jobs:"]
    for job in jobs:
        lines += [
            f"  - name: {job.name}",
            f"    schedule: '{job.schedule}'",
            f"    command: '{job.command}'",
            "    captureStdout: true",
            "    captureStderr: true",
        ]
    (home / "cronstable.yaml").write_text("\n".join(lines))
    return [str(install(bench.tools, CRONSTABLE) / "cronstable"), "-c", "cronstable.yaml"]
