"""The few file operations the log is made of, in one place so that tests can make them fail."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, suppress
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700

_SAMPLE = 2048
_LONG_LINE = 40

#: Errors that mean "no space left for this file".
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def count_lines(data: bytes) -> int:
    """The number of newlines.

    ``bytes.count`` finds one after the other, ``replace`` copies whole stretches between them: which of them
    is faster depends on how long the lines are, and the difference is up to threefold.
    """
    if len(data) > _SAMPLE and data.count(b"\n", 0, _SAMPLE) < _SAMPLE // _LONG_LINE:
        return len(data) - len(data.replace(b"\n", b""))
    return data.count(b"\n")


def create(path: Path | str) -> int:
    """A descriptor of a new, empty file, open for reading and writing; missing directories are made.

    The directory may vanish at any moment before the file is in it, when the unit's last old run is deleted.
    """
    for _ in range(5):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        except FileNotFoundError:
            _make_directory(Path(path).parent)
        else:
            os.fchmod(descriptor, FILE_MODE)
            return descriptor
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.path.dirname(path))


def _make_directory(path: Path) -> None:
    if not path.parent.is_dir():
        _make_directory(path.parent)
    with suppress(FileExistsError, FileNotFoundError):
        path.mkdir(DIRECTORY_MODE)
        path.chmod(DIRECTORY_MODE)


def open_existing(path: Path, *, writable: bool = False) -> int | None:
    """A descriptor of the file, or None if there is no such file."""
    try:
        return os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def held_by(owner: ExitStack, descriptor: int) -> int:
    """The descriptor, which ``owner`` will close."""
    owner.callback(os.close, descriptor)
    return descriptor


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of ``data`` at ``offset``; on an error an unknown part of it is in the file."""
    done = os.pwrite(descriptor, data, offset)
    while done < len(data):
        done += os.pwrite(descriptor, memoryview(data)[done:], offset + done)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """``size`` bytes from ``offset``, fewer only at the end of the file."""
    data = os.pread(descriptor, size, offset)
    while 0 < len(data) < size:
        more = os.pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def cut(descriptor: int, size: int) -> None:
    os.ftruncate(descriptor, size)


def flush(descriptor: int) -> None:
    """Wait until the file is on the disk."""
    os.fsync(descriptor)


def flush_file_system(path: Path) -> None:
    """Bring everything on the file system of ``path`` to the disk, where the platform can."""
    import ctypes

    sync = getattr(ctypes.CDLL(None), "syncfs", None)
    if sync is None:
        return
    with suppress(OSError), ExitStack() as opened:
        sync(held_by(opened, os.open(path, os.O_RDONLY | os.O_CLOEXEC)))


def rename(old: Path, new: Path) -> None:
    old.rename(new)


def unlink(path: Path | str) -> None:
    """Remove the file; a missing one is fine."""
    with suppress(FileNotFoundError):
        os.unlink(path)
