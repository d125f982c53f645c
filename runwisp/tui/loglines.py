"""The lines of a log that are kept, out of perhaps millions (spec: interfaces, run view).

Pure: it says which page it wants next, and whoever asks for it hands it over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from runwisp.client.resources import RemotePage
from runwisp.logs.reader import LogLine
from runwisp.model import Stream

#: So many lines are kept, ...
KEPT = 100_000
#: ... and about so many characters of text.
KEPT_CHARS = 32 * 1024 * 1024
#: Lines asked for at once.
PAGE = 1000
#: The next page is asked for when so many lines are left before the end of what is there.
AHEAD = 300


@frozen
class Lost:
    """Lines of which nothing is left."""

    count: int


@frozen
class Tail:
    """What a stream has written since its last newline."""

    stream: Stream
    text: str


Row: TypeAlias = LogLine | Lost | Tail


@frozen
class Span:
    """A page: at most ``limit`` lines from ``start`` on."""

    start: int
    limit: int


@define(eq=False)
class LogLines:
    """Lines without a gap, but for those that are lost.

    A row is named by its position, which stays while others come and go at either end.
    """

    kept: int = KEPT
    kept_chars: int = KEPT_CHARS
    #: What comes next is added at the end; else the log goes on after what is here.
    is_attached: bool = field(default=True, init=False)
    #: Position of the first row.
    start: int = field(default=0, init=False)
    _rows: deque[LogLine | Lost] = field(factory=deque, init=False)
    _tails: dict[Stream, Tail] = field(factory=dict, init=False)
    _first: int | None = field(default=None, init=False)
    _next: int | None = field(default=None, init=False)
    _has_older: bool = field(default=True, init=False)
    _step: int = field(default=PAGE, init=False)
    _chars: int = field(default=0, init=False)

    @property
    def end(self) -> int:
        """The position after the last row."""
        return self.start + len(self._rows) + len(self._tails)

    @property
    def next_line(self) -> int | None:
        """The number of the line after the last one; None if none was ever here."""
        return self._next

    @property
    def last_line(self) -> int:
        """The highest number here; 0 if there is none."""
        return self._next - 1 if self._next is not None else 0

    def __getitem__(self, position: int) -> Row:
        place = position - self.start
        if place < len(self._rows):
            return self._rows[place]
        return list(self._tails.values())[place - len(self._rows)]

    def find(self, n: int) -> int | None:
        """The position of a line, None if it is not here."""
        if self._first is None or self._next is None or not self._first <= n < self._next:
            return None
        # Lines that are lost have one row together, so the line may be further to the left.
        for place in range(min(n - self._first + 1, len(self._rows) - 1), -1, -1):
            row = self._rows[place]
            if isinstance(row, LogLine) and row.n <= n:
                return self.start + place
        return None

    def clear(self) -> None:
        """Begin anew."""
        self._rows.clear()
        self._tails.clear()
        self.start, self._chars, self._step = 0, 0, PAGE
        self._first = self._next = None
        self._has_older, self.is_attached = True, True

    def begin_with(self, page: RemotePage) -> None:
        """Begin anew with this page."""
        self.clear()
        self.append(page.items)
        self.is_attached = self.last_line >= page.total_lines
        self._note_begin(page.first_available)

    def append(self, items: Iterable[LogLine]) -> None:
        """Take up the next lines. Whatever is missing before them is lost."""
        for line in items:
            self._tails.pop(line.stream, None)
            if self._next is None:
                self._first = line.n
            elif line.n < self._next:
                continue
            elif line.n > self._next:
                if self._rows:
                    self._rows.append(Lost(line.n - self._next))
                else:
                    self._first = line.n
            self._rows.append(line)
            self._chars += len(line.text)
            self._next = line.n + 1

    def put_tail(self, tail: Tail) -> None:
        """What the tail of a stream is now; nothing if it is empty."""
        if tail.text and self.is_attached:
            self._tails[tail.stream] = tail
        else:
            self._tails.pop(tail.stream, None)

    def close(self) -> None:
        """The log has ended."""
        self._tails.clear()

    def trim_oldest(self) -> None:
        """Let go of the oldest lines if there are too many."""
        while self._is_full():
            self._forget(self._rows.popleft())
            self.start += 1
            self._has_older = True
        self._first = next(self._numbers(self._rows), self._next)

    def trim_newest(self) -> bool:
        """Let go of the newest lines if there are too many: what comes next has no place here then."""
        if not self._is_full():
            return False
        self._tails.clear()
        while self._is_full():
            self._forget(self._rows.pop())
        self._next = next(self._numbers(reversed(self._rows)), 0) + 1
        self.is_attached = False
        return True

    def older(self) -> Span | None:
        """The page before what is here."""
        if not self._has_older or self._first is None or self._first <= 1:
            return None
        start = max(1, self._first - self._step)
        return Span(start, self._first - start)

    def newer(self) -> Span | None:
        """The page after what is here, unless it comes by itself."""
        return None if self.is_attached or self._next is None else Span(self._next, PAGE)

    def take_older(self, span: Span, page: RemotePage) -> None:
        """Put the page of :meth:`older` before what is here."""
        if self._first is None or span.start + span.limit != self._first:
            return
        items: Sequence[LogLine] = [line for line in page.items if line.n < self._first]
        if items and items[-1].n < self._first - 1:
            # The lines are so long that not all of them came.
            self._step = max(1, len(items) // 2)
            return
        for line in reversed(items):
            self._rows.appendleft(line)
            self._chars += len(line.text)
        self.start -= len(items)
        self._first = items[0].n if items else self._first
        self._note_begin(page.first_available)

    def take_newer(self, page: RemotePage) -> None:
        """Put the page of :meth:`newer` after what is here."""
        self.append(page.items)
        self.is_attached = self.last_line >= page.total_lines or not page.items

    def _note_begin(self, first_available: int) -> None:
        """Show what is lost before the first line, if that is the first that is available."""
        if self._first is not None and first_available >= self._first:
            self._has_older = False
            if self._first > 1:
                self._rows.appendleft(Lost(self._first - 1))
                self.start -= 1

    def _is_full(self) -> bool:
        return len(self._rows) > self.kept or (self._chars > self.kept_chars and len(self._rows) > PAGE)

    def _forget(self, row: LogLine | Lost) -> None:
        if isinstance(row, LogLine):
            self._chars -= len(row.text)

    @staticmethod
    def _numbers(rows: Iterable[LogLine | Lost]) -> Iterator[int]:
        return (row.n for row in rows if isinstance(row, LogLine))
