"""Measures the space that is left for logs (spec: logs, min_free_space)."""

from __future__ import annotations

import os
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


def shortage(directory: Path, required: Bytes) -> Shortage | None:
    """What is missing for unprivileged users on the file system of ``directory``.

    None if there is enough; a measurement that fails counts as enough.
    """
    if required <= 0:
        return None
    try:
        status = os.statvfs(directory)
    except OSError:
        return None
    free = Bytes(status.f_bavail * status.f_frsize)
    return Shortage(free, required) if free < required else None
