"""Deletes the log of a run (spec: logs, deletion)."""

from __future__ import annotations

import errno

from runwisp.logs import files
from runwisp.logs.paths import LogPaths

_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)


def remove_log(paths: LogPaths) -> list[OSError]:
    """Remove the files of a run, and the unit's directory if they were the last.

    Files that do not exist are fine; the errors that are returned are worth a warning, and no more.
    """
    errors: list[OSError] = []
    for path in paths.all():
        try:
            files.unlink(path)
        except OSError as error:
            errors.append(error)
    try:
        paths.directory.rmdir()
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            errors.append(error)
    return errors
