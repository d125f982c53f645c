"""The file that keeps output which is not a line yet, in case the daemon dies (spec: logs, files)."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from runwisp.logs import files
from runwisp.model import Stream, UnixMs

_HEADER = struct.Struct("<QII")
_SLOT_SIZE = 65_536
_SLOTS = {Stream.STDOUT: _HEADER.size, Stream.STDERR: _HEADER.size + _SLOT_SIZE}


@frozen
class Tails:
    """What a ``.part`` file holds: the tails as they were when ``last_line`` was the last line of the log.

    ``ts`` is when the file was last written.
    """

    last_line: int
    by_stream: Mapping[Stream, bytes]
    ts: UnixMs


class PartFile:
    """Writes the tails of a live run; the file exists from the first tail until :meth:`remove`."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._stored = dict.fromkeys(_SLOTS, b"")

    def update(self, last_line: int, stream: Stream, tail: bytes) -> None:
        """``tail`` is pending in ``stream`` after ``last_line``; the other stream's tail is as before.

        :raises OSError: the file may hold an older state
        """
        if not tail and not any(self._stored.values()):
            return
        if self._descriptor is None:
            self._descriptor = files.create(self._path)
        tail = tail[:_SLOT_SIZE]
        stored = self._stored[stream]
        start = len(stored) if tail.startswith(stored) else 0
        if start < len(tail):
            files.write_at(self._descriptor, tail[start:], _SLOTS[stream] + start)
        self._stored[stream] = tail
        lengths = [len(self._stored[stream]) for stream in _SLOTS]
        files.write_at(self._descriptor, _HEADER.pack(last_line, *lengths), 0)

    def remove(self) -> None:
        """Remove the file, if there is one.

        :raises OSError: it is still there
        """
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        files.unlink(self._path)


def read_part(path: Path) -> Tails | None:
    """The tails that a daemon left behind; None if there is no usable file."""
    descriptor = files.open_existing(path)
    if descriptor is None:
        return None
    try:
        header = files.read_at(descriptor, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return None
        last_line, *lengths = _HEADER.unpack(header)
        tails = {
            stream: files.read_at(descriptor, min(length, _SLOT_SIZE), slot)
            for (stream, slot), length in zip(_SLOTS.items(), lengths, strict=True)
        }
        modified = os.fstat(descriptor).st_mtime_ns // 1_000_000
    finally:
        os.close(descriptor)
    return Tails(last_line, tails, UnixMs(modified))
