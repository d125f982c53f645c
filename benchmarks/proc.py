"""What Linux tells about a process in ``/proc``."""

from __future__ import annotations

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """The resident memory, as ``ps`` shows it, shared pages included."""
    return 1024 * _status_number(Path(f"/proc/{pid}/status"), "VmRSS")


def cpu_s(pid: int) -> float:
    """The processor time of all living threads, in seconds, exact to the nanosecond."""
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in _threads(pid)) / 1e9


def wakes(pid: int) -> int:
    """How often the living threads went to sleep, which is how often something woke them."""
    return sum(_status_number(thread / "status", "voluntary_ctxt_switches") for thread in _threads(pid))


def child_count(pid: int) -> int:
    """The number of direct children, zombies included."""
    return sum(len((thread / "children").read_text().split()) for thread in _threads(pid))


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _status_number(path: Path, key: str) -> int:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0])
    raise ValueError(f"{path} has no {key}")
