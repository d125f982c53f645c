"""Follows a log from a line on: a follower is a next line number, not a queue (spec: logs, following).

While it is behind, it reads from the files. When it has caught up, it is handed the batches that were just
written, and if nobody fetches them it forgets them and goes back to the files. So a slow reader costs no
memory and loses lines to rotation only, which it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TypeAlias

from attrs import frozen

from runwisp.logs.live import Batch, Update
from runwisp.logs.reader import Entry, LogLine, PartialLine, Snapshot, log_line, text_size
from runwisp.logs.render import render
from runwisp.logs.writer import LogWriter
from runwisp.model import Stream

#: Most lines, and most bytes of text, that are handed out at once.
LINES_LIMIT = 500
TEXT_LIMIT = 256 * 1024
#: Most bytes of batches that wait for a reader.
_HELD_LIMIT = 256 * 1024


@frozen
class Lines:
    """The next lines, at least one."""

    items: tuple[LogLine, ...]


@frozen
class Rotated:
    """The lines before this number are gone; it is the next one."""

    first_available: int


@frozen
class Done:
    """The log is closed and has no further line."""

    total_lines: int


Step: TypeAlias = Lines | Rotated | Done


class Follower:
    """Hands out the lines of one log from ``start`` on, one step at a time.

    :param open_snapshot: :meth:`LogWriter.snapshot`, or what opens the files of an ended run
    :param start: a line number; a negative one counts from the end; one beyond the end means the next line
    :param writer: the log's writer while the run lives, else None
    :param wake: called, in any thread, once after :meth:`read` returned None, when it may return more
    """

    def __init__(
        self,
        open_snapshot: Callable[[], Snapshot],
        start: int,
        *,
        writer: LogWriter | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_snapshot = open_snapshot
        self._writer = writer
        self._wake = wake
        self._next_line = start
        self._has_begun = False
        self._snapshot: Snapshot | None = None
        self._lines: Iterator[LogLine] = iter(())
        self._spare: LogLine | None = None
        self._shown: dict[Stream, bytes] = {}
        # Filled in the writer's thread, with batches from the expected line on; None: we are behind.
        self._lock = Lock()
        self._held: deque[Batch] = deque()
        self._held_bytes = 0
        self._expected: int | None = None
        self._is_waiting = False
        self._unsubscribe = writer.subscribe(self._updated) if writer is not None else lambda: None

    @property
    def next_line(self) -> int:
        """The number of the line that comes next."""
        return self._next_line

    @property
    def is_behind(self) -> bool:
        """The next :meth:`read` may block on the disk; otherwise it takes what is in memory."""
        with self._lock:
            return self._snapshot is not None or (not self._held and self._expected is None)

    def read(self) -> Step | None:
        """The next step; None if there is nothing yet. Not to be called again after ``Done``.

        :raises OSError: the files cannot be read
        """
        if not self._has_begun:
            self._has_begun = True
            step = self._begin()
            if step is not None:
                return step
        while True:
            items = self._collect()
            if items:
                self._next_line = items[-1].n + 1
                for line in items:
                    self._shown.pop(line.stream, None)
                return Lines(items)
            self._close_snapshot()
            if self._take_batch():
                continue
            if self._has_caught_up():
                return None
            step = self._open()
            if step is not None:
                return step

    def partials(self) -> tuple[PartialLine, ...]:
        """The tails that have changed since they were handed out, empty text for one that is gone.

        Only for a follower that has caught up; one that is behind has none. Lines of a stream clear its tail.
        """
        if self._writer is None or self.is_behind or self._writer.total_lines >= self._next_line:
            return ()
        tails = self._writer.tails
        changed = [
            stream
            for stream in (Stream.STDOUT, Stream.STDERR)
            if tails.get(stream, b"") != self._shown.get(stream, b"")
        ]
        self._shown = dict(tails)
        return tuple(PartialLine(stream, render(tails.get(stream, b""))) for stream in changed)

    def close(self) -> None:
        """Let go of the log."""
        self._unsubscribe()
        self._close_snapshot()

    def _begin(self) -> Step | None:
        """Find the first line, and read from the files; a step if there is something to tell before it."""
        snapshot = self._snapshot = self._open_snapshot()
        total = snapshot.total_lines
        if self._next_line < 0:
            self._next_line = max(snapshot.first_available, total + 1 + self._next_line)
        self._next_line = min(self._next_line, total + 1)
        return self._read_from(snapshot)

    def _open(self) -> Step | None:
        """Read on from the files, or be done if there is nothing more."""
        if self._writer is None:
            return Done(self._next_line - 1)
        snapshot = self._snapshot = self._open_snapshot()
        if snapshot.total_lines < self._next_line:
            return Done(self._next_line - 1)
        return self._read_from(snapshot)

    def _read_from(self, snapshot: Snapshot) -> Rotated | None:
        is_gone = self._next_line < snapshot.first_available
        if is_gone:
            self._next_line = snapshot.first_available
        self._lines = snapshot.lines(self._next_line, snapshot.total_lines)
        return Rotated(self._next_line) if is_gone else None

    def _collect(self) -> tuple[LogLine, ...]:
        """The next lines of what is being read, as many as may be handed out at once."""
        items: list[LogLine] = []
        room = TEXT_LIMIT
        while len(items) < LINES_LIMIT:
            line = self._spare or next(self._lines, None)
            self._spare = None
            if line is None:
                break
            room -= text_size(line.text)
            if items and room < 0:
                self._spare = line
                break
            items.append(line)
        return tuple(items)

    def _take_batch(self) -> bool:
        """Go on with a batch that is held in memory, if there is one."""
        with self._lock:
            if not self._held:
                return False
            batch = self._held.popleft()
            self._held_bytes -= len(batch.data)
        self._lines = _lines_of(batch)
        return True

    def _has_caught_up(self) -> bool:
        """There is no line to read now, but one may come: from here on, batches are taken from memory."""
        writer = self._writer
        if writer is None:
            return False
        with self._lock:
            # In this order: a line that is committed after the look at the total finds us waiting for it.
            is_closed = writer.is_closed
            if writer.total_lines >= self._next_line:
                self._forget()
                return False
            self._expected = self._next_line
            self._is_waiting = not is_closed
            return not is_closed

    def _updated(self, update: Update) -> None:
        with self._lock:
            if isinstance(update, Batch):
                self._hold(update)
            is_waiting, self._is_waiting = self._is_waiting, False
        if is_waiting:
            self._wake()

    def _hold(self, batch: Batch) -> None:
        """Keep a batch for the reader, if it is the next one and not too much is waiting already."""
        if batch.first_line == self._expected and self._held_bytes + len(batch.data) <= _HELD_LIMIT:
            self._held.append(batch)
            self._held_bytes += len(batch.data)
            self._expected = batch.last_line + 1
        else:
            self._forget()

    def _forget(self) -> None:
        """Drop what is held in memory: we are behind."""
        self._held.clear()
        self._held_bytes = 0
        self._expected = None

    def _close_snapshot(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            snapshot.close()


def _lines_of(batch: Batch) -> Iterator[LogLine]:
    for n, line in enumerate(batch.data.split(b"\n")[:-1], batch.first_line):
        yield log_line(Entry(n, batch.ts, batch.stream, batch.flags, line + b"\n"))
