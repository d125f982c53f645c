"""The standard streams, in whatever state the caller has left them (spec: interfaces, output)."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def prepare() -> None:
    """See to it that all streams are there, and that writing a character never fails."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The caller has closed it. Left free, its number would become that of the next file of ours.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without UTF-8 gets question marks instead of a traceback.
            stream.reconfigure(errors="replace")


def is_unwritable(error: OSError) -> bool:
    """The output cannot be written, as on a full disk."""
    return error.filename is None and error.errno in _UNWRITABLE


def abandon(stream: TextIO) -> None:
    """Send nowhere what ``stream`` still buffers: it must not fail again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
