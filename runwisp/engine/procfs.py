"""What ``/proc`` tells about processes of the machine. On a platform without it nothing is ever found.

Every answer may be out of date when it arrives; a process is recognised by its pid together with its start
time, since pids are used again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from signal import SIGKILL

from attrs import frozen


@frozen
class ProcessInfo:
    """A line of ``/proc/PID/stat``; ``started`` counts clock ticks since boot."""

    pid: int
    name: str
    is_zombie: bool
    parent: int
    group: int
    session: int
    started: int


def read_process(pid: int) -> ProcessInfo | None:
    """The process ``pid``, a zombie included, or None if there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 1024)
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    # The name stands in parentheses and may itself contain blanks and parentheses.
    head, _, tail = text.rpartition(b") ")
    fields = tail.split()
    if len(fields) < 20:
        return None
    return ProcessInfo(
        pid,
        head.partition(b"(")[2].decode(errors="replace"),
        fields[0] in (b"Z", b"X"),
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        int(fields[19]),
    )


def all_processes() -> Iterator[ProcessInfo]:
    """Every process that ``/proc`` shows us, in no order."""
    for pid in _pids():
        process = read_process(pid)
        if process is not None:
            yield process


def children(pid: int) -> Iterator[ProcessInfo]:
    """The children of ``pid``, those of its threads included."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                pids = [int(text) for text in file.read().split()]
        except OSError:
            continue
        for child in pids:
            process = read_process(child)
            if process is not None and process.parent == pid:
                yield process


def descendants(pid: int) -> Iterator[ProcessInfo]:
    """The children of ``pid``, their children, and so on."""
    for child in children(pid):
        yield child
        yield from descendants(child.pid)


def kill(process: ProcessInfo, signum: int = SIGKILL) -> bool:
    """Send a signal to ``process``; False if it is gone or we may not."""
    found = read_process(process.pid)
    if found is None or found.started != process.started:
        return False
    try:
        os.kill(process.pid, signum)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def environment_value(pid: int, name: str) -> str | None:
    """``name`` in the environment with which ``pid`` was executed; None if absent or not ours to read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            content = file.read()
    except OSError:
        return None
    start = os.fsencode(name) + b"="
    for entry in content.split(b"\0"):
        if entry.startswith(start):
            return os.fsdecode(entry[len(start) :])
    return None


def holders_of_pipes(inodes: Collection[int]) -> tuple[int, ...]:
    """The pids, except our own, with a descriptor open on one of the pipes ``inodes``, in rising order."""
    targets = {f"pipe:[{inode}]" for inode in inodes}
    return tuple(sorted(pid for pid in _pids() if pid != os.getpid() and _holds(pid, targets)))


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def _holds(pid: int, targets: Collection[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if os.readlink(f"{folder}/{descriptor}") in targets:
                return True
        except OSError:
            continue
    return False
