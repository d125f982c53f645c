"""A segment in large pieces of whole lines, and which lines they are.

The index is asked only where that matters: it can be as large as the log itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runwisp.logs import files
from runwisp.logs.files import count_lines
from runwisp.logs.lines import LINE_LIMIT
from runwisp.logs.reader import Entry, SegmentReader
from runwisp.model import Stream


class Piece(NamedTuple):
    """Whole lines that begin at the offset ``start``; the last one may lack its newline."""

    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


def pieces(segment: SegmentReader, start: int, size: int) -> Iterator[Piece]:
    """The lines from the offset ``start`` on, in pieces of about ``size`` bytes.

    A line that is longer than lines can be, in a damaged file, comes in several pieces.
    """
    end = segment.extent.size
    wanted = size
    while start < end and (data := files.read_at(segment.log, min(wanted, end - start), start)):
        is_last = start + len(data) >= end
        length = len(data) if is_last else data.rfind(b"\n") + 1
        if not length and wanted <= LINE_LIMIT:
            wanted = LINE_LIMIT + 1
            continue
        wanted = size
        piece = Piece(start, data[: length or len(data)])
        yield piece
        start = piece.end


def offset_of(segment: SegmentReader, line: int) -> int:
    """Where a line of the segment begins."""
    record = segment.index.record(max(0, segment.index.find(line)))
    skipped, offset = line - record.line, record.offset
    for block in segment.blocks(record.offset, segment.extent.size):
        lines = block.count(b"\n")
        if lines >= skipped:
            position = 0
            for _ in range(skipped):
                position = block.find(b"\n", position) + 1
            return offset + position
        skipped -= lines
        offset += len(block)
    return offset


def line_at(segment: SegmentReader, offset: int) -> int:
    """The number of the line that begins at ``offset``, or that is cut there."""
    record = segment.index.record(max(0, segment.index.find_offset(offset)))
    return record.line + sum(map(count_lines, segment.blocks(record.offset, offset)))


def entries(segment: SegmentReader, piece: Piece, wanted: Sequence[int]) -> Iterator[Entry]:
    """Some lines of the piece, which are given by their places in it, counted from 0 and rising."""
    if not wanted:
        return
    first = line_at(segment, piece.start)
    lines = piece.data.split(b"\n")
    records = segment.index.records(max(0, segment.index.find(first)))
    record, following = next(records), next(records, None)
    for place in wanted:
        while following is not None and following.line <= first + place:
            record, following = following, next(records, None)
        newline = b"\n" if place + 1 < len(lines) else b""
        yield Entry(first + place, record.ts, Stream(record.stream), record.flags, lines[place] + newline)
