"""Deletes the logs of runs (spec: logs, deletion)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from runwisp.logs import files
from runwisp.logs.paths import LogPaths
from runwisp.model import Bytes

_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)


@frozen
class Removed:
    """How many bytes the deleted files had; ``errors`` are worth a warning each, and no more."""

    size: Bytes
    errors: Sequence[OSError]


def remove_logs(logs: Iterable[LogPaths]) -> Removed:
    """Remove the files of runs, and the directory of each unit whose last files they were.

    Files that do not exist are fine. A run that starts meanwhile makes the directory anew.
    """
    size = 0
    errors: list[OSError] = []
    directories: dict[Path, None] = {}
    for paths in logs:
        directories[paths.directory] = None
        for path in paths.names():
            try:
                size += _remove_file(path)
            except OSError as error:
                errors.append(error)
    for directory in directories:
        try:
            directory.rmdir()
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                errors.append(error)
    return Removed(Bytes(size), errors)


def _remove_file(path: str) -> int:
    """Its size; 0 for one that does not exist."""
    with suppress(FileNotFoundError):
        size = os.lstat(path).st_size
        files.unlink(path)
        return size
    return 0
