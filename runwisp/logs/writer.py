"""Writes the log of one run while it lives (spec: logs, capture and limits).

Reading is :mod:`runwisp.logs.reader`, following :mod:`runwisp.logs.follow`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from threading import Lock, RLock

from runwisp.logs import files
from runwisp.logs.index import NEWLINE_ADDED, Index
from runwisp.logs.limits import Cut, Limits
from runwisp.logs.lines import CHUNK_SIZE, LineBuffer
from runwisp.logs.live import Batch, Closed, Subscriber, TailChanged, Update
from runwisp.logs.masking import Masker
from runwisp.logs.opening import open_log
from runwisp.logs.part import PartFile
from runwisp.logs.paths import LogPaths
from runwisp.logs.reader import SegmentReader, Snapshot
from runwisp.logs.rotation import Rotation
from runwisp.logs.segment import Extent, Segment
from runwisp.logs.space import Shortage
from runwisp.model import Bytes, LogOnFull, Stream, UnixMs
from runwisp.units import format_size, now_ms

_CHECK_SPACE_EVERY = 10 * 1024 * 1024
_WARN_EVERY_S = 60.0
_EMPTY = Extent(1, 0, 0, 0)
_PIPES = (Stream.STDOUT, Stream.STDERR)


class LogWriter:
    """The log of one run, from its first line to its end mark.

    Every method may block on the disk and may be called from any thread; calls that change the log wait for
    each other. None of them raises for what happens on the disk: the run goes on, and the log says what is
    missing. Subscribers are called in the thread of the write, after the lines are in the file.

    :param max_size: most bytes of all ``.log`` files together, None for no limit
    :param masker: None, or who is asked about every line
    :param shortage: asked after every 10 MiB: None while there is enough space
    :param on_error: told about failed file operations, at most once a minute
    :param later: does work that may take long, in a thread if possible
    """

    def __init__(
        self,
        paths: LogPaths,
        *,
        max_size: Bytes | None,
        on_full: LogOnFull,
        masker: Masker | None,
        wall: Callable[[], float],
        shortage: Callable[[], Shortage | None] = lambda: None,
        on_error: Callable[[OSError], None] = lambda error: None,
        later: Callable[[Callable[[], None]], object] = lambda work: work(),
    ) -> None:
        self._paths = paths
        self._wall = wall
        self._shortage = shortage
        self._on_error = on_error
        self._later = later
        self._limits = Limits(max_size, on_full)
        longest = self._limits.line
        self._buffers = {stream: LineBuffer(longest, masker or None) for stream in Stream}
        self._log_path, self._index_path, _, _, part, _ = names = paths.names()
        self._part = PartFile(part)
        self._rotation = Rotation(paths)
        self._segment: Segment | None = None
        self._previous: Extent | None = None
        self._subscribers: tuple[Subscriber, ...] = ()
        self._tails: dict[Stream, bytes] = {}
        self._cut: Cut | None = None
        self._cut_text: str | None = None
        self._is_closed = False
        self._total_lines = 0
        self._bytes_produced = 0
        self._bytes_written = 0
        self._space_checked_at = 0
        self._kept = self._kept_before = 0
        self._lost = 0
        self._warned_at: float | None = None
        # One call at a time changes the log. The second lock is held only for as long as descriptors or
        # subscribers change, so that readers do not wait for a slow disk.
        self._turn = RLock()
        self._quick = Lock()
        # Nearly always there is nothing, and no other file is ever there without one of these.
        if os.path.lexists(self._log_path) or os.path.lexists(part):
            for name in names:
                self._attempt(partial(files.unlink, name))

    @property
    def total_lines(self) -> int:
        """Number of the last line, 0 before the first."""
        return self._total_lines

    @property
    def bytes_produced(self) -> int:
        """Bytes that came from the process, stored or not."""
        return self._bytes_produced

    @property
    def bytes_written(self) -> int:
        """Bytes of lines written so far, including those that rotation has dropped since."""
        return self._bytes_written

    @property
    def cut(self) -> Cut | None:
        """Why nothing more is stored, None while output is.

        Under ``kill_task`` the owner must stop the run then.
        """
        return self._cut

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def tails(self) -> Mapping[Stream, bytes]:
        """Output that is not a line yet, masked; streams without any are left out."""
        return self._tails

    def write(self, stream: Stream, data: bytes) -> None:
        """Store what was read from a pipe."""
        with self._turn:
            self._bytes_produced += len(data)
            if len(data) <= CHUNK_SIZE:
                self._take(stream, data)
                return
            for start in range(0, len(data), CHUNK_SIZE):
                self._take(stream, data[start : start + CHUNK_SIZE])

    def end_stream(self, stream: Stream) -> None:
        """The pipe is closed: what is pending becomes a line."""
        with self._turn:
            self._take(stream, None)

    def system(self, text: str) -> None:
        """Store a message of the daemon, one line for each of its lines."""
        with self._turn:
            for line in text.splitlines() or [""]:
                self._take(Stream.SYSTEM, line.encode(errors="surrogateescape") + b"\n")

    def close(self) -> None:
        """End the log; nothing is taken after that. The files stay open until :meth:`sync`."""
        with self._turn:
            if self._is_closed:
                return
            for stream in _PIPES:
                self._take(stream, None)
            self._attempt(self._write_last_lines)
            if self._segment is not None:
                self._attempt(partial(self._segment.seal, self._now()))
            self._attempt(self._part.remove)
            self._is_closed = True
            self._publish(Closed())

    def sync(self) -> None:
        """Bring a closed log to the disk and let go of its descriptors; slow, so call it in a thread."""
        with self._quick:
            segment, self._segment = self._segment, None
        if segment is not None:
            self._finish(segment)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Tell ``subscriber``, which must not raise, what is committed from now on; the result ends that."""
        with self._quick:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._quick:
                self._subscribers = tuple(other for other in self._subscribers if other is not subscriber)

        return unsubscribe

    def snapshot(self) -> Snapshot:
        """What is committed now, readable from any thread until the snapshot is closed.

        :raises OSError: the files cannot be opened
        """
        with self._quick:
            if self._segment is None:
                return open_log(self._paths, is_ended=self._is_closed, tails=self._tails)
            with ExitStack() as opened:
                segments: list[SegmentReader] = []
                if self._previous is not None and not self._rotation.has_begun:
                    paths = self._paths
                    log = files.held_by(opened, os.open(paths.previous_log, os.O_RDONLY | os.O_CLOEXEC))
                    index = files.held_by(opened, os.open(paths.previous_index, os.O_RDONLY | os.O_CLOEXEC))
                    segments.append(SegmentReader(log, Index(self._previous.records, index), self._previous))
                own = self._segment.duplicate()
                opened.callback(own.close)
                segments.append(SegmentReader(own.log, Index(own.extent.records, own.index), own.extent))
                return Snapshot(tuple(segments), self._tails, self._is_closed, opened.pop_all())

    def _take(self, stream: Stream, data: bytes | None) -> None:
        """Store the lines that ``data`` completes; None is the end of the stream."""
        if self._is_closed or self._cut is not None:
            return
        buffer = self._buffers[stream]
        pending = len(buffer.tail) + len(data or b"")
        written = self._bytes_written
        try:
            if self._lost:
                self._report_loss()
                written = self._bytes_written
            for lines, flags in buffer.end() if data is None else buffer.feed(data):
                self._store(stream, lines, flags)
        except OSError as error:
            buffer.clear()
            lost = max(0, pending - (self._bytes_written - written))
            self._fail(error, lost if stream is not Stream.SYSTEM else 0)
        if stream is not Stream.SYSTEM:
            self._keep_tail(stream)

    def _store(self, stream: Stream, lines: bytes, flags: int = 0) -> None:
        """Write whole lines under the size policy."""
        while lines and self._cut is None:
            fitting = self._limits.fitting(lines, self._segment.extent if self._segment else _EMPTY)
            if fitting == len(lines):
                self._append(stream, lines, flags)
                return
            if fitting:
                self._append(stream, lines[:fitting], flags)
                lines = lines[fitting:]
            if not self._limits.rotates:
                self._stop(*self._limits.cut())
            elif not self._rotate():
                self._append(stream, lines, flags)
                return

    def _append(self, stream: Stream, lines: bytes, flags: int = 0) -> None:
        segment = self._segment
        if segment is None:
            segment = Segment.create(self._log_path, self._index_path, self._total_lines + 1)
            with self._quick:
                self._segment = segment
        first_line = self._total_lines + 1
        ts = segment.append(stream, lines, self._now(), flags)
        self._total_lines = segment.extent.last_line
        self._bytes_written += len(lines)
        if stream is not Stream.SYSTEM:
            self._kept += len(lines) - (flags & NEWLINE_ADDED)
        if self._subscribers:
            self._publish(Batch(first_line, self._total_lines, stream, lines, ts, flags))
        if self._bytes_written - self._space_checked_at >= _CHECK_SPACE_EVERY:
            self._space_checked_at = self._bytes_written
            shortage = self._shortage()
            if shortage is not None:
                self._stop(Cut.NO_SPACE, self._limits.out_of_space(str(shortage)))

    def _rotate(self) -> bool:
        """Begin a new segment; False if that failed and the old one goes on."""
        old = self._segment
        assert old is not None
        try:
            old.seal(self._now())
            with self._quick:
                new = self._rotation.perform(old.extent.last_line + 1)
                self._previous, self._segment = old.extent, new
        except OSError as error:
            old.unseal()
            self._warn(error)
            return False
        self._later(partial(self._finish, old))
        self._kept_before, self._kept = self._kept, 0
        notice = self._limits.rotation_notice(self._previous.first_line)
        if notice is not None:
            self._append(Stream.SYSTEM, notice.encode() + b"\n")
        return True

    def _finish(self, segment: Segment) -> None:
        """Wait for the disk and close the files."""
        self._attempt(segment.flush)
        segment.close()

    def _keep_tail(self, stream: Stream) -> None:
        """Make the pending tail safe, and known to followers."""
        tail = self._buffers[stream].shown_tail
        try:
            self._part.update(self._total_lines, stream, tail)
        except OSError as error:
            self._fail(error, 0)
        if tail == self._tails.get(stream, b""):
            return
        tails = {**self._tails, stream: tail}
        if not tail:
            del tails[stream]
        self._tails = tails
        self._publish(TailChanged(stream))

    def _stop(self, cut: Cut, text: str) -> None:
        """Take no more output; ``text`` is the line that says so."""
        if self._cut is not None:
            return
        self._cut, self._cut_text = cut, text
        for stream in _PIPES:
            self._buffers[stream].clear()
            self._keep_tail(stream)
        # A full disk may refuse the line now; it is tried again at the end.
        with suppress(OSError):
            self._write_cut()

    def _write_cut(self) -> None:
        if self._cut_text is not None:
            self._append(Stream.SYSTEM, self._cut_text.encode() + b"\n")
            self._cut_text = None

    def _write_last_lines(self) -> None:
        if self._lost and self._cut is None:
            self._report_loss()
        if self._cut is not None:
            self._write_cut()
            kept = format_size(self._kept + self._kept_before)
            text = f"output: {format_size(self._bytes_produced)} produced, {kept} kept"
            self._append(Stream.SYSTEM, text.encode() + b"\n")

    def _report_loss(self) -> None:
        self._store(Stream.SYSTEM, b"%d bytes of output are missing here: writing them failed\n" % self._lost)
        self._lost = 0

    def _fail(self, error: OSError, lost: int) -> None:
        """A write failed and ``lost`` bytes of output are gone."""
        if error.errno in files.NO_SPACE:
            self._stop(Cut.NO_SPACE, self._limits.out_of_space("no space left on the disk"))
        else:
            self._lost += lost
            self._warn(error)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        now = self._wall()
        if self._warned_at is None or not 0 <= now - self._warned_at < _WARN_EVERY_S:
            self._warned_at = now
            self._on_error(error)

    def _publish(self, update: Update) -> None:
        for subscriber in self._subscribers:
            subscriber(update)

    def _now(self) -> UnixMs:
        return now_ms(self._wall)
