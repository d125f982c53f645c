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


def write_private(path: Path, data: bytes) -> None:
    """Put a file of mode 0600 there, whole or not at all; a link of that name is replaced, not followed.

    :raises OSError: it cannot be written
    """
    scratch = path.with_name(f".{path.name}.new")
    # Left by a crash, or put there to lead us elsewhere.
    scratch.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(scratch, flags, FILE_MODE), "wb") as file:
        os.fchmod(file.fileno(), FILE_MODE)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    _sync_directory(path.parent)


def read_private(path: Path, most: int) -> bytes:
    """The first ``most`` bytes of a file.

    :raises FileNotFoundError: there is none
    :raises OSError: it cannot be read, is a symbolic link, or is not a regular file
    """
    # A pipe would let us wait for its writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _is_link(path) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        return os.read(descriptor, most)
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
        raise _is_link(path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    if stat.S_IMODE(mode) & ~FILE_MODE:
        path.chmod(FILE_MODE)


def _sync_directory(path: Path) -> None:
    """Let the names of new files survive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_link(path: Path) -> OSError:
    return OSError(errno.ELOOP, "is a symbolic link", str(path))
