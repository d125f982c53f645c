"""Follows a log: a follower is a next line number, not a queue (spec: logs, following).

Who is behind reads on from the files by a :class:`Passage` of its own. Those who have caught up share one
:class:`Arrivals`, which has the batches that were just written; if nobody fetches them in time they are
forgotten, and are read from the files like all others. So a slow reader costs no memory and loses lines to
rotation only, which it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import TypeAlias

from attrs import frozen

from runwisp.logs.live import Batch, Closed, Update
from runwisp.logs.reader import Entry, LogLine, Snapshot, log_line, text_size
from runwisp.logs.writer import LogWriter

#: Most lines, and most bytes of text, that are handed out at once.
LINES_LIMIT = 500
TEXT_LIMIT = 256 * 1024
#: Most bytes of batches that wait to be fetched.
HELD_LIMIT = 256 * 1024


@frozen
class Start:
    """Where a passage begins; ``is_gone`` if lines from the one that was asked for are no longer kept.

    ``total_lines`` is the number of the last line that there is now.
    """

    line: int
    is_gone: bool
    total_lines: int


@frozen
class Lines:
    """The next lines, at least one."""

    items: tuple[LogLine, ...]


@frozen
class Rotated:
    """The lines before this number are gone; it is the next one."""

    first_available: int


Step: TypeAlias = Lines | Rotated


class Passage:
    """One reader's way through the files of a log; blocks, and belongs in a worker thread.

    It finishes the segments that it has open, also when a rotation has removed them.

    :param open_snapshot: opens the log as it is at that moment
    """

    def __init__(self, open_snapshot: Callable[[], Snapshot]) -> None:
        self._open_snapshot = open_snapshot
        self._snapshot: Snapshot | None = None
        self._turn = Lock()
        self._is_closed = False

    def start(self, line: int) -> Start:
        """Open the log; a negative ``line`` counts from the end, one beyond the end means the next line.

        :raises OSError: the files cannot be read
        """
        with self._turn:
            snapshot = self._opened(line)
            total, first = snapshot.total_lines, snapshot.first_available
            if line < 0:
                start = Start(max(first, total + 1 + line), False, total)
            else:
                start = Start(min(max(first, line), total + 1), line < first, total)
        self._drop_if_closed()
        return start

    def read(self, line: int, last: int) -> Step | None:
        """The lines from ``line`` to ``last``, as many as may be handed out at once; None if there are none.

        :raises OSError: the files cannot be read
        """
        with self._turn:
            step = self._read(line, last)
        self._drop_if_closed()
        return step

    def rest(self) -> None:
        """Let go of the files for now."""
        if self._turn.acquire(blocking=False):
            try:
                snapshot, self._snapshot = self._snapshot, None
                if snapshot is not None:
                    snapshot.close()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Let go of the files for good, as soon as a thread that reads has come to its end."""
        self._is_closed = True
        self.rest()

    def _drop_if_closed(self) -> None:
        if self._is_closed:
            self.rest()

    def _read(self, line: int, last: int) -> Step | None:
        snapshot = self._opened(line)
        if line < snapshot.first_available:
            return Rotated(snapshot.first_available)
        items = _some(snapshot.lines(line, last))
        return Lines(items) if items else None

    def _opened(self, line: int) -> Snapshot:
        """The snapshot that is open, or a new one if it does not reach to ``line``."""
        snapshot = self._snapshot
        if snapshot is None or line > snapshot.total_lines:
            if snapshot is not None:
                self._snapshot = None
                snapshot.close()
            snapshot = self._snapshot = self._open_snapshot()
        return snapshot


@frozen
class Arrived:
    """The newest batches, in a row; the number of the line that follows them, and whether none will."""

    batches: tuple[Batch, ...]
    next_line: int
    is_closed: bool


class Arrivals:
    """What a writer has just written, for all who have caught up with it.

    :param wake: called, in any thread, once after each :meth:`take`, when there is something to take or the
        tails have changed or the log was closed
    """

    def __init__(self, writer: LogWriter, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._lock = Lock()
        self._held: list[Batch] = []
        self._held_bytes = 0
        self._is_waiting = True
        with self._lock:
            # In this order: what is written after the look at the total has been heard of.
            self._unsubscribe = writer.subscribe(self._updated)
            self._next_line = writer.total_lines + 1
            self._is_closed = writer.is_closed

    def take(self) -> Arrived:
        """What was not taken yet, as far as it is not forgotten."""
        with self._lock:
            held, self._held, self._held_bytes = tuple(self._held), [], 0
            self._is_waiting = True
            return Arrived(held, self._next_line, self._is_closed)

    def close(self) -> None:
        self._unsubscribe()

    def _updated(self, update: Update) -> None:
        with self._lock:
            if isinstance(update, Batch):
                self._hold(update)
            elif isinstance(update, Closed):
                self._is_closed = True
            is_waiting, self._is_waiting = self._is_waiting, False
        if is_waiting:
            self._wake()

    def _hold(self, batch: Batch) -> None:
        self._held_bytes += len(batch.data)
        if self._held_bytes > HELD_LIMIT:
            self._held.clear()
            self._held_bytes = len(batch.data)
        self._held.append(batch)
        self._next_line = batch.last_line + 1


def lines_of(batch: Batch) -> list[LogLine]:
    """The lines of a batch, rendered."""
    return [
        log_line(Entry(n, batch.ts, batch.stream, batch.flags, line + b"\n"))
        for n, line in enumerate(batch.data.split(b"\n")[:-1], batch.first_line)
    ]


def _some(lines: Iterator[LogLine]) -> tuple[LogLine, ...]:
    """The first of the lines, as many as may be handed out at once."""
    items: list[LogLine] = []
    room = TEXT_LIMIT
    for line in lines:
        room -= text_size(line.text)
        if items and room < 0:
            break
        items.append(line)
        if len(items) == LINES_LIMIT:
            break
    return tuple(items)
