"""The index beside a log segment: which line starts where, when it came and from which stream.

Records are written before the bytes they describe, so the last one may point at the end of the segment; it is
ignored then (spec: logs, files). Rebuilding a lost index is :mod:`runwisp.logs.repair`.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import starmap
from typing import NamedTuple
from zlib import crc32

from attrs import frozen

from runwisp.logs import files
from runwisp.model import Stream, UnixMs

RECORD_SIZE = 32
#: Value of ``Record.stream`` in the record behind the last line of a closed segment.
END_MARK = 0
#: The line did not end with a newline when it came: the daemon added it.
NEWLINE_ADDED = 1
#: The line goes on where the line before it in the same stream was split.
CONTINUES = 2

_MAGIC = b"RWIX"
_VERSION = 1
_HEADER = struct.Struct("<4sHHQ12x")
_RECORD = struct.Struct("<QQqBBH")
#: A record with its checksum left out.
_RECORD_AND_CRC = struct.Struct("<QQqBB6x")
_CRC = struct.Struct("<I")
_BODY_SIZE = RECORD_SIZE - _CRC.size
_BATCH = 4096


class Record(NamedTuple):
    """Describes line ``line``, which starts at ``offset`` of its segment, and all up to the next record.

    ``ts`` is 0 when the time is not known. ``stream`` is a :class:`Stream` or ``END_MARK``.
    """

    line: int
    offset: int
    ts: UnixMs
    stream: int
    flags: int = 0

    @property
    def is_end_mark(self) -> bool:
        return self.stream == END_MARK


def pack_header(first_line: int) -> bytes:
    body = _HEADER.pack(_MAGIC, _VERSION, RECORD_SIZE, first_line)
    return body + _CRC.pack(crc32(body))


def unpack_header(data: bytes) -> int | None:
    """The number of the segment's first line, None if the header is damaged or of another version."""
    if len(data) != RECORD_SIZE or not _is_sound(data):
        return None
    magic, version, record_size, first_line = _HEADER.unpack_from(data)
    if (magic, version, record_size) != (_MAGIC, _VERSION, RECORD_SIZE) or first_line < 1:
        return None
    return int(first_line)


def pack_record(line: int, offset: int, ts: int, stream: int, flags: int = 0) -> bytes:
    body = _RECORD.pack(line, offset, ts, stream, flags, 0)
    return body + _CRC.pack(crc32(body))


def unpack_record(data: bytes) -> Record | None:
    """The record, None if it is damaged."""
    if len(data) != RECORD_SIZE or not _is_sound(data):
        return None
    line, offset, ts, stream, flags, _ = _RECORD.unpack_from(data)
    if stream > Stream.SYSTEM:
        return None
    return Record(line, offset, UnixMs(ts), stream, flags)


def _is_sound(data: bytes) -> bool:
    return data[_BODY_SIZE:] == _CRC.pack(crc32(data[:_BODY_SIZE]))


@frozen
class Index:
    """The first ``count`` records of an index file, or of one that exists only in memory.

    All records are taken as sound.
    """

    count: int
    descriptor: int | None = None
    memory: bytes = b""

    def record(self, position: int) -> Record:
        """Record number ``position``, counted from 0."""
        return Record(*_RECORD_AND_CRC.unpack(self._bytes(position, 1)))

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records from position ``start`` on."""
        for position in range(start, self.count, _BATCH):
            data = self._bytes(position, min(_BATCH, self.count - position))
            yield from starmap(Record, _RECORD_AND_CRC.iter_unpack(data))

    def find(self, line: int) -> int:
        """Position of the last record whose line is not above ``line``; -1 if there is none."""
        return bisect_right(range(self.count), line, key=lambda position: self.record(position).line) - 1

    def find_offset(self, offset: int) -> int:
        """Position of the last record whose offset is not above ``offset``; -1 if there is none."""
        return bisect_right(range(self.count), offset, key=lambda position: self.record(position).offset) - 1

    def _bytes(self, position: int, count: int) -> bytes:
        start, size = (position + 1) * RECORD_SIZE, count * RECORD_SIZE
        if self.descriptor is None:
            return self.memory[start : start + size]
        return files.read_at(self.descriptor, size, start)
