"""Reads the log of a run, live or ended, from a snapshot of it (spec: logs, reading).

A snapshot holds open descriptors, so rotation and deletion do not disturb it. Everything here may block and
belongs in a worker thread. Opening the files of a log that nobody writes is :mod:`runwisp.logs.opening`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, pairwise, zip_longest
from types import TracebackType
from typing import NamedTuple

from attrs import frozen

from runwisp.logs import files
from runwisp.logs.index import CONTINUES, END_MARK, NEWLINE_ADDED, Index, Record
from runwisp.logs.render import render
from runwisp.logs.segment import Extent
from runwisp.model import Stream, UnixMs

#: Most bytes of text in one page.
PAGE_TEXT_LIMIT = 4 * 1024 * 1024
_BLOCK = 65_536


class Entry(NamedTuple):
    """A line as it is on disk, with its newline unless it was torn off. ``ts`` is 0 if not known."""

    n: int
    ts: UnixMs
    stream: Stream
    flags: int
    data: bytes


@frozen
class LogLine:
    """A line as readers see it (spec: rest, LogLine)."""

    n: int
    ts: UnixMs | None
    stream: Stream
    text: str
    continued: bool


@frozen
class PartialLine:
    """What a stream has written since its last newline, rendered."""

    stream: Stream
    text: str


@frozen
class LogPage:
    """Some lines in a row and where they are in the log (spec: rest, LogPage)."""

    items: tuple[LogLine, ...]
    partials: tuple[PartialLine, ...]
    first_available: int
    total_lines: int
    truncated: bool
    finalized: bool
    bytes: int


@frozen
class SegmentReader:
    """A segment up to its committed extent; its snapshot owns the descriptors."""

    log: int
    index: Index
    extent: Extent

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """Those of the lines ``first`` to ``last`` that are in this segment."""
        first, last = max(first, self.extent.first_line), min(last, self.extent.last_line)
        if first > last:
            return
        records = self.index.records(max(0, self.index.find(first)))
        for record, following in pairwise(chain(records, (self._end(),))):
            stream = Stream(record.stream)
            lines = enumerate(self._lines(record.offset, following.offset), record.line)
            for n, data in lines:
                if n > last or n >= following.line:
                    break
                if n >= first:
                    yield Entry(n, record.ts, stream, record.flags, data)
            if following.line > last:
                return

    def spans(self) -> Iterator[tuple[Record, Record]]:
        """Each record together with the next; the last one with what stands for the end."""
        return pairwise(chain(self.index.records(), (self._end(),)))

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes of the log from one offset to another."""
        while start < end and (block := files.read_at(self.log, min(_BLOCK, end - start), start)):
            yield block
            start += len(block)

    def _end(self) -> Record:
        return Record(self.extent.last_line + 1, self.extent.size, UnixMs(0), END_MARK)

    def _lines(self, start: int, end: int) -> Iterator[bytes]:
        rest = b""
        for block in self.blocks(start, end):
            lines = block.split(b"\n")
            lines[0] = rest + lines[0]
            rest = lines.pop()
            for line in lines:
                yield line + b"\n"
        if rest:
            yield rest


@frozen
class Snapshot:
    """A log as it was at one moment: none, one or two segments, oldest first, and the tails of a live run.

    ``descriptors`` closes what the segments read from.
    """

    segments: tuple[SegmentReader, ...]
    tails: Mapping[Stream, bytes]
    finalized: bool
    descriptors: ExitStack

    @property
    def first_available(self) -> int:
        """The lowest line still kept; 1 for an empty log."""
        return self.segments[0].extent.first_line if self.segments else 1

    @property
    def total_lines(self) -> int:
        """The number of the last line, 0 if there is none."""
        return self.segments[-1].extent.last_line if self.segments else 0

    @property
    def truncated(self) -> bool:
        return self.first_available > 1

    @property
    def size(self) -> int:
        """Bytes of text on disk."""
        return sum(segment.extent.size for segment in self.segments)

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """The lines ``first`` to ``last`` as they are on disk, as far as there are such lines."""
        for segment in self.segments:
            yield from segment.entries(first, last)

    def lines(self, first: int, last: int) -> Iterator[LogLine]:
        """The lines ``first`` to ``last``, rendered, as far as there are such lines."""
        return map(log_line, self.entries(first, last))

    def page(self, start: int | None, limit: int) -> LogPage:
        """At most ``limit`` lines forward from line ``start``.

        A negative ``start`` counts from the end, None means the last ``limit`` lines. A page ends early when
        its text reaches ``PAGE_TEXT_LIMIT`` (spec: rest, logs).

        :raises ValueError: if ``start`` is 0
        """
        if start == 0:
            raise ValueError("lines are numbered from 1")
        if start is None:
            start = -limit
        first = max(self.first_available, start if start > 0 else self.total_lines + 1 + start)
        items: list[LogLine] = []
        room = PAGE_TEXT_LIMIT
        for line in self.lines(first, first + limit - 1):
            room -= text_size(line.text)
            if room < 0 and items:
                break
            items.append(line)
        reaches_end = first + len(items) > self.total_lines
        return LogPage(
            tuple(items),
            self.partials() if reaches_end else (),
            self.first_available,
            self.total_lines,
            self.truncated,
            self.finalized,
            self.size,
        )

    def partials(self) -> tuple[PartialLine, ...]:
        """The tails of a live run, rendered."""
        return tuple(PartialLine(stream, render(tail)) for stream, tail in sorted(self.tails.items()))

    def raw(self) -> Iterator[bytes]:
        """The log as it was written, without the newlines that the daemon put into split lines."""
        for segment, after in zip_longest(self.segments, self.segments[1:]):
            start = 0
            for newline in self._joints(segment, after):
                yield from segment.blocks(start, newline)
                start = newline + 1
            yield from segment.blocks(start, segment.extent.size)

    def close(self) -> None:
        """Let go of the files; may be called twice."""
        self.descriptors.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _joints(self, segment: SegmentReader, next_segment: SegmentReader | None) -> Iterator[int]:
        """Offsets of the added newlines that separate nothing: the same line goes on, or the log ends."""
        for record, following in segment.spans():
            if not record.flags & NEWLINE_ADDED:
                continue
            after = following
            if after.is_end_mark and next_segment is not None and next_segment.index.count:
                after = next_segment.index.record(0)
            goes_on = after.flags & CONTINUES and after.stream == record.stream
            if goes_on or (after.is_end_mark and next_segment is None and self.finalized):
                yield following.offset - 1


def log_line(entry: Entry) -> LogLine:
    return LogLine(entry.n, entry.ts or None, entry.stream, render(entry.data), bool(entry.flags & CONTINUES))


def text_size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())
