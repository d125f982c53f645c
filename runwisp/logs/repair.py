"""Checks the index of a log that nobody writes, and makes a new one if it is lost or damaged
(spec: logs, index lost or torn).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from runwisp.logs import files
from runwisp.logs.index import RECORD_SIZE, Record, pack_header, pack_record, unpack_header, unpack_record
from runwisp.logs.segment import Extent
from runwisp.model import Stream

#: Without an end mark, the last record of a sound index is at most this far from the end of the segment.
_REACH = 192 * 1024
_BLOCK = 65_536
_RECORDS_PER_READ = 4096


@frozen
class Findings:
    """What an index says about its log.

    ``count`` records from the start can be used, ``last`` is the last of them. ``first_line`` is None if the
    index does not tell. ``next_line`` comes from an end mark. ``is_complete``: all of the log is described.
    """

    first_line: int | None
    count: int
    last: Record | None
    next_line: int | None
    has_header: bool
    is_complete: bool

    @property
    def is_sound(self) -> bool:
        return self.has_header and self.is_complete


def examine(index: int | None, size: int) -> Findings:
    """Look at every record of the index of a log of ``size`` bytes; None is an index that does not exist."""
    header = None if index is None else unpack_header(files.read_at(index, RECORD_SIZE, 0))
    first_line, last, next_line = header, None, None
    count, is_whole = 0, True
    for record in () if index is None else _records(index):
        is_whole = record is not None and _may_follow(record, last, header)
        if record is None or not is_whole:
            break
        if record.is_end_mark:
            # Bytes behind the end mark belong to nobody, lost bytes before it do no harm.
            is_whole = record.offset >= size
            next_line = record.line if record.offset == size else None
            break
        if record.offset >= size:
            break
        if first_line is None:
            first_line = record.line
        last, count = record, count + 1
    if last is None:
        is_complete = is_whole and size == 0
    else:
        is_complete = is_whole and (next_line is not None or size - last.offset <= _REACH)
    return Findings(first_line, count, last, next_line, header is not None, is_complete)


def count_lines(log: int, start: int, size: int) -> int:
    """Lines between two offsets, of which the second is the end; one that lacks its newline counts."""
    lines, ends_line = 0, True
    for block in _blocks(log, start, size):
        lines += block.count(b"\n")
        ends_line = block.endswith(b"\n")
    return lines if ends_line else lines + 1


def extent_of(log: int, size: int, found: Findings, first_line: int) -> Extent:
    """The extent of a log whose index is complete."""
    if found.next_line is not None:
        last_line = found.next_line - 1
    elif found.last is not None:
        last_line = found.last.line + count_lines(log, found.last.offset, size) - 1
    else:
        last_line = first_line - 1
    return Extent(first_line, last_line, size, found.count)


def rebuild(log: int, index: int | None, size: int, found: Findings, first_line: int) -> tuple[Extent, bytes]:
    """The extent of the log, and a whole new index file for it.

    What can be used of the old index is kept. If it does not describe the whole log, its last record holds
    for one line only, because stream and time of the next one were in what is lost.
    """
    header = pack_header(first_line)
    kept = b"" if index is None else files.read_at(index, found.count * RECORD_SIZE, RECORD_SIZE)
    if found.is_complete:
        return extent_of(log, size, found, first_line), header + kept
    start, line = 0, first_line
    if found.last is not None:
        start, line = _end_of_line(log, found.last.offset, size), found.last.line + 1
    packed, next_line = _scan(log, start, size, line)
    records = found.count + len(packed) // RECORD_SIZE
    return Extent(first_line, next_line - 1, size, records), header + kept + packed


def _scan(log: int, start: int, size: int, line: int) -> tuple[bytes, int]:
    """Records for what is between ``start``, where ``line`` starts, and the end; and the line after that."""
    packed: list[bytes] = []
    offset, ends_line = start, True
    for block in _blocks(log, start, size):
        if not packed:
            packed.append(pack_record(line, start, 0, Stream.STDOUT))
        elif (begin := offset + block.find(b"\n") + 1) > offset and begin < size:
            packed.append(pack_record(line + 1, begin, 0, Stream.STDOUT))
        line += block.count(b"\n")
        offset += len(block)
        ends_line = block.endswith(b"\n")
    return b"".join(packed), line if ends_line else line + 1


def _end_of_line(log: int, start: int, size: int) -> int:
    """The offset behind the newline of the line that starts at ``start``."""
    offset = start
    for block in _blocks(log, start, size):
        newline = block.find(b"\n")
        if newline >= 0:
            return offset + newline + 1
        offset += len(block)
    return size


def _may_follow(record: Record, last: Record | None, header: int | None) -> bool:
    if last is None:
        return record.offset == 0 and record.line == (header or record.line)
    return record.line > last.line and record.offset > last.offset


def _records(index: int) -> Iterator[Record | None]:
    """The records of the index; None for one that is damaged or not whole."""
    offset = RECORD_SIZE
    while data := files.read_at(index, _RECORDS_PER_READ * RECORD_SIZE, offset):
        for start in range(0, len(data), RECORD_SIZE):
            yield unpack_record(data[start : start + RECORD_SIZE])
        offset += len(data)


def _blocks(descriptor: int, start: int, size: int) -> Iterator[bytes]:
    while start < size and (block := files.read_at(descriptor, min(_BLOCK, size - start), start)):
        yield block
        start += len(block)
