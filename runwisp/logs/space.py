"""Measures the space that logs take and that is left for them (spec: logs, max_size and min_free_space)."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from runwisp.model import Bytes
from runwisp.units import format_size


@frozen
class Shortage:
    """There are ``free`` bytes where ``required`` should be; as text, a sentence without its full stop."""

    free: Bytes
    required: Bytes

    def __str__(self) -> str:
        return (
            f"free space is {format_size(self.free)}, less than the minimum of {format_size(self.required)}"
        )


def free_space(directory: Path) -> Bytes | None:
    """The space for unprivileged users on the file system of ``directory``, None if it cannot be measured."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return None
    return Bytes(status.f_bavail * status.f_frsize)


def shortage(
    directory: Path, required: Bytes | None, measure: Callable[[Path], Bytes | None] = free_space
) -> Shortage | None:
    """What is missing in ``directory``; None if nothing is required or there is enough.

    A measurement that fails counts as enough.
    """
    if not required:
        return None
    free = measure(directory)
    return Shortage(free, required) if free is not None and free < required else None


def tree_size(directory: Path, is_wanted: Callable[[], bool] = lambda: True) -> Bytes:
    """The bytes of all files below ``directory``; what vanishes meanwhile does not count. Slow.

    :param is_wanted: asked again and again; once it says no, the sum is of no use and returned at once
    :raises OSError: a directory cannot be read
    """
    size = 0
    directories = [str(directory)]
    while directories:
        with suppress(FileNotFoundError), os.scandir(directories.pop()) as entries:
            for entry in entries:
                if not is_wanted():
                    return Bytes(size)
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                else:
                    with suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_size
    return Bytes(size)
