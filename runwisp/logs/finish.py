"""Ends the log of a run whose daemon died (spec: logs, capture)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack

from attrs import define, field

from runwisp.logs import files
from runwisp.logs.index import CONTINUES, NEWLINE_ADDED, Record
from runwisp.logs.opening import open_log
from runwisp.logs.part import Tails, read_part
from runwisp.logs.paths import LogPaths
from runwisp.logs.reader import Entry, Snapshot
from runwisp.logs.segment import Extent, Segment
from runwisp.model import Stream
from runwisp.units import now_ms


def finish_log(paths: LogPaths, text: str, wall: Callable[[], float]) -> None:
    """Give a half line its newline, make lines of the pending tails, add ``text`` as a system line, close.

    Doing it again changes nothing, also when ``text`` differs after its first semicolon: a boot that was
    killed has stopped processes which the next one no longer finds. Slow: the files are brought to the disk.

    :raises OSError: the log is only partly finished, and readable as before
    """
    message = text.encode(errors="surrogateescape").replace(b"\n", b" ") + b"\n"
    with ExitStack() as opened:
        snapshot = opened.enter_context(open_log(paths, is_ended=False, repair=True))
        history = _History.of(snapshot)
        segment = _open_segment(paths, snapshot)
        opened.callback(segment.close)
        tails = read_part(paths.part)
        if history.half is not None:
            _end_half_line(segment, history, history.half, tails)
        if tails is not None:
            _commit_tails(segment, history, tails)
        if not history.ends_with(text.partition(";")[0]):
            segment.append(Stream.SYSTEM, message, now_ms(wall))
        segment.seal(now_ms(wall))
        files.unlink(paths.part)
        segment.flush()


@define
class _History:
    """What the log holds: of each stream the last whole line and its flags; and the line it ends with.

    ``half`` is that line if it lacks its newline.
    """

    last_record: Record | None = None
    last: Entry | None = None
    half: Entry | None = None
    last_lines: dict[Stream, int] = field(factory=dict)
    flags: dict[Stream, int] = field(factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> _History:
        history = cls()
        total = snapshot.total_lines
        history.last = next(snapshot.entries(total, total), None)
        if history.last is not None and not history.last.data.endswith(b"\n"):
            history.half = history.last
        whole = total if history.half is None else total - 1
        for segment in snapshot.segments:
            for record, following in segment.spans():
                history.last_record = record
                if record.line <= whole:
                    history.note(Stream(record.stream), min(following.line - 1, whole), record.flags)
        return history

    def note(self, stream: Stream, line: int, flags: int) -> None:
        self.last_lines[stream] = line
        self.flags[stream] = flags

    def ends_with(self, beginning: str) -> bool:
        """The last line is a system line that begins like this."""
        last = self.last
        if last is None or last.stream is not Stream.SYSTEM:
            return False
        return last.data.startswith(beginning.encode(errors="surrogateescape"))

    def pending(self, tails: Tails | None, stream: Stream) -> bytes:
        """The tail of the stream if it has not become a line."""
        if tails is None or self.last_lines.get(stream, 0) > tails.last_line:
            return b""
        return tails.by_stream.get(stream, b"")


def _open_segment(paths: LogPaths, snapshot: Snapshot) -> Segment:
    """The current segment, without end mark and without records of lines that never came."""
    log = files.open_existing(paths.log, writable=True)
    if log is None:
        return Segment.create(paths.log, paths.index, snapshot.total_lines + 1)
    current = snapshot.segments[-1]
    index = files.open_existing(paths.index, writable=True) if current.index.descriptor is not None else None
    if index is None:
        os.close(log)
        raise OSError(errno.EIO, "the index is damaged and cannot be replaced", str(paths.index))
    segment = Segment(log, index, current.extent)
    segment.unseal()
    return segment


def _end_half_line(segment: Segment, history: _History, half: Entry, tails: Tails | None) -> None:
    """Write the last line anew with a newline, and a record that says that the newline is ours.

    If the tail it began with is longer, the line is taken back: the tail has all of it.
    """
    first_line, _, size, records = segment.extent
    has_record = history.last_record is not None and history.last_record.line == half.n
    start = size - len(half.data)
    segment.extent = Extent(first_line, half.n - 1, start, records - 1 if has_record else records)
    tail = history.pending(tails, half.stream)
    if len(tail) > len(half.data) and tail.startswith(half.data):
        segment.unseal()
        return
    flags = NEWLINE_ADDED | (half.flags if has_record else 0)
    segment.append(half.stream, half.data + b"\n", half.ts, flags)
    history.note(half.stream, half.n, flags)


def _commit_tails(segment: Segment, history: _History, tails: Tails) -> None:
    for stream in tails.by_stream:
        tail = history.pending(tails, stream)
        if tail:
            continues = CONTINUES if history.flags.get(stream, 0) & NEWLINE_ADDED else 0
            segment.append(stream, tail + b"\n", tails.ts, NEWLINE_ADDED | continues)
