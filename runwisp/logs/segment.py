"""One open segment of a log: a file of lines and its index, written together (spec: logs, files)."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from attrs import define, field

from runwisp.logs import files
from runwisp.logs.files import count_lines
from runwisp.logs.index import END_MARK, RECORD_SIZE, pack_header, pack_record
from runwisp.model import Stream, UnixMs

#: A record is due when the last one is this old, in milliseconds, ...
_RECORD_EVERY_MS = 10
#: ... or when this many bytes have been written since.
_RECORD_EVERY_BYTES = 65_536


class Extent(NamedTuple):
    """How much of a segment is committed. ``last_line`` is ``first_line - 1`` while it is empty."""

    first_line: int
    last_line: int
    size: int
    records: int

    @property
    def index_size(self) -> int:
        return (self.records + 1) * RECORD_SIZE


@define
class Segment:
    """The descriptors of a segment and what was written through them.

    ``extent`` is replaced as a whole, after the bytes are in the file, so any thread may read it at any time.
    """

    log: int
    index: int
    extent: Extent
    _needs_record: bool = field(default=True, init=False)
    _stream: int = field(default=END_MARK, init=False)
    _ts: UnixMs = field(default=UnixMs(0), init=False)
    _offset: int = field(default=0, init=False)

    @classmethod
    def create(cls, log: Path | str, index: Path | str, first_line: int) -> Segment:
        """A new segment. The log comes first: an index alone would look like an interrupted rotation."""
        # Without an ExitStack, which costs as much as the system calls: every run passes here.
        descriptors = [files.create(log)]
        try:
            descriptors.append(files.create(index))
            files.write_at(descriptors[1], pack_header(first_line), 0)
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise
        log_descriptor, index_descriptor = descriptors
        return cls(log_descriptor, index_descriptor, Extent(first_line, first_line - 1, 0, 0))

    def append(self, stream: Stream, lines: bytes, now: UnixMs, flags: int = 0) -> UnixMs:
        """Write whole lines, with flags exactly one, and their record if one is due.

        :return: the time that readers will see for these lines
        :raises OSError: nothing of ``lines`` was kept
        """
        first_line, last_line, size, records = self.extent
        needs_record = (
            self._needs_record
            or flags != 0
            or stream != self._stream
            or not 0 <= now - self._ts < _RECORD_EVERY_MS
            or size - self._offset >= _RECORD_EVERY_BYTES
        )
        try:
            if needs_record:
                record = pack_record(last_line + 1, size, now, stream, flags)
                files.write_at(self.index, record, self.extent.index_size)
            files.write_at(self.log, lines, size)
        except OSError:
            self._cut_back()
            raise
        if needs_record:
            records += 1
            self._stream, self._ts, self._offset = stream, now, size
            self._needs_record = flags != 0
        self.extent = Extent(first_line, last_line + count_lines(lines), size + len(lines), records)
        return self._ts

    def seal(self, now: UnixMs) -> None:
        """Write the end mark."""
        _, last_line, size, _ = self.extent
        files.write_at(self.index, pack_record(last_line + 1, size, now, END_MARK), self.extent.index_size)

    def unseal(self) -> None:
        """Take the end mark away again, as far as possible: the next record overwrites it anyway."""
        self._cut_back()

    def flush(self) -> None:
        files.flush(self.log)
        files.flush(self.index)

    def duplicate(self) -> Segment:
        """The same segment by descriptors of its own."""
        with ExitStack() as opened:
            log = files.held_by(opened, os.dup(self.log))
            index = files.held_by(opened, os.dup(self.index))
            opened.pop_all()
        return Segment(log, index, self.extent)

    def close(self) -> None:
        os.close(self.log)
        os.close(self.index)

    def _cut_back(self) -> None:
        self._needs_record = True
        with suppress(OSError):
            files.cut(self.log, self.extent.size)
        with suppress(OSError):
            files.cut(self.index, self.extent.index_size)
