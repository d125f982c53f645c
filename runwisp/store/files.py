"""Files that only the owner may read, whatever the umask says (spec: runtime, data directory)."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def create_private(path: Path) -> None:
    """Create an empty file of mode 0600, or see to it that the one that exists is private.

    :raises OSError: the file cannot be created, or is not a regular file
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, FILE_MODE)
    except FileExistsError:
        tighten(path)
        return
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def tighten(path: Path) -> None:
    """Take all rights from group and others; a file that does not exist is left alone.

    The file is not opened: closing any descriptor of a database would drop the locks SQLite holds on it.

    :raises OSError: it is a symbolic link or anything else that is not a regular file
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "is a symbolic link", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    if stat.S_IMODE(mode) & ~FILE_MODE:
        path.chmod(FILE_MODE)
