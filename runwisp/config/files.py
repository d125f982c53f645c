"""Reads files that the configuration names, up to a size."""

from __future__ import annotations

import hashlib
from os import PathLike

MEGABYTE = 1 << 20


class CannotRead(Exception):
    """A file cannot be used; the text is the reason and holds nothing of the content."""


def read_file(path: str | PathLike[str], limit_mb: int) -> bytes:
    """The content of a file that has at most ``limit_mb`` megabytes.

    :raises CannotRead: if it is larger, or the system refuses
    """
    try:
        with open(path, "rb") as file:
            content = file.read(limit_mb * MEGABYTE + 1)
    except OSError as error:
        raise CannotRead(error.strerror or "it cannot be opened") from None
    except ValueError:
        raise CannotRead("its name holds a NUL character") from None
    if len(content) > limit_mb * MEGABYTE:
        raise CannotRead(f"it has more than {limit_mb} MB")
    return content


def read_text(path: str | PathLike[str], limit_mb: int) -> str:
    """The content of a UTF-8 file, without a byte-order mark.

    :raises CannotRead: as :func:`read_file`, and if it is no such text
    """
    try:
        return read_file(path, limit_mb).decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise CannotRead("it is not UTF-8 text") from None


def digest_of(text: str) -> str:
    """What tells two texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()
