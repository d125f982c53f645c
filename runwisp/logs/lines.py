"""From captured bytes to lines: tails, splits of lines that are too long, masking (spec: logs, lines).

Nothing here reads or writes a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from runwisp.logs.index import CONTINUES, NEWLINE_ADDED
from runwisp.logs.masking import Masker, before_replacement

#: The most that is taken from a pipe at once, in bytes.
CHUNK_SIZE = 65_536
#: A line on disk has at most this many bytes before its newline.
LINE_LIMIT = 65_536

_CARRIAGE_RETURN_WINDOW = 4096

#: Whole lines with their newlines, and the flags they share; with flags it is exactly one line.
Piece: TypeAlias = tuple[bytes, int]


class LineBuffer:
    """Collects the bytes of one stream until they are lines of at most ``limit`` bytes."""

    def __init__(self, limit: int, masker: Masker | None) -> None:
        self._limit = limit
        self._masker = masker
        self._tail_limit = LINE_LIMIT if masker else limit
        self._is_continued = False
        #: What was read and is not ended by a newline yet, unmasked.
        self.tail = b""

    @property
    def shown_tail(self) -> bytes:
        """The tail as others may see it: masked, without an end that could begin a secret."""
        if self._masker is None or not self.tail:
            return self.tail
        return self._masker.mask(self.tail[: self._masker.settled(self.tail, len(self.tail))])

    def feed(self, data: bytes) -> list[Piece]:
        """The lines that ``data``, at most ``CHUNK_SIZE`` bytes, completes."""
        end = data.rfind(b"\n") + 1
        if not end:
            self.tail += data
            return self._split_tail()
        block = b"".join((self.tail, memoryview(data)[:end])) if self.tail else data[:end]
        self.tail = data[end:]
        pieces = self._whole_lines(block)
        return pieces + self._split_tail() if len(self.tail) >= self._tail_limit else pieces

    def end(self) -> list[Piece]:
        """The tail as a line, if there is one; the stream has ended."""
        tail, self.tail = self.tail, b""
        pieces = list(self._split(self._masked(tail), is_cut=True)) if tail else []
        self._is_continued = False
        return pieces

    def clear(self) -> None:
        """Forget the tail."""
        self.tail = b""
        self._is_continued = False

    def _whole_lines(self, block: bytes) -> list[Piece]:
        masked = self._masked(block)
        # Only the line that began in the tail can be longer than a chunk.
        may_be_long = block.find(b"\n") > self._limit or self._limit < CHUNK_SIZE or masked is not block
        if not self._is_continued and not may_be_long:
            return [(masked, 0)]
        pieces: list[Piece] = []
        plain: list[bytes] = []
        for line in masked.split(b"\n")[:-1]:
            if not self._is_continued and len(line) <= self._limit:
                plain.append(line)
                continue
            if plain:
                pieces.append((b"\n".join(plain) + b"\n", 0))
                plain = []
            pieces += self._split(line, is_cut=False)
        if plain:
            pieces.append((b"\n".join(plain) + b"\n", 0))
        return pieces

    def _split_tail(self) -> list[Piece]:
        pieces: list[Piece] = []
        while len(self.tail) >= self._tail_limit:
            at = split_point(self.tail, self._tail_limit)
            if self._masker is not None:
                settled = self._masker.settled(self.tail, at)
                if not settled and len(self.tail) < self._tail_limit + self._masker.longest:
                    break
                at = settled or at
            piece, self.tail = self.tail[:at], self.tail[at:]
            pieces += self._split(self._masked(piece), is_cut=True)
        return pieces

    def _split(self, line: bytes, *, is_cut: bool) -> Iterator[Piece]:
        """The line, without its newline, in pieces that fit; ``is_cut``: more of it may follow."""
        while len(line) > self._limit:
            at = split_point(line, self._limit)
            if self._masker is not None:
                at = before_replacement(line, at)
            yield line[:at] + b"\n", self._flags(NEWLINE_ADDED)
            self._is_continued = True
            line = line[at:]
        yield line + b"\n", self._flags(NEWLINE_ADDED if is_cut else 0)
        self._is_continued = is_cut

    def _flags(self, flags: int) -> int:
        return flags | CONTINUES if self._is_continued else flags

    def _masked(self, data: bytes) -> bytes:
        return data if self._masker is None else self._masker.mask(data)


def split_point(data: bytes, limit: int) -> int:
    """Where to end the first piece of ``data``, of 1 to ``limit`` bytes: the latest good place."""
    at = data.rfind(b"\r", max(1, limit - _CARRIAGE_RETURN_WINDOW), limit)
    if at > 0:
        return at
    for back in (1, 2, 3):
        if back >= limit:
            break
        byte = data[limit - back]
        if byte & 0xC0 != 0x80:
            return limit - back if _character_size(byte) > back else limit
    return limit


def _character_size(first_byte: int) -> int:
    """Bytes of the UTF-8 character that starts with this byte; 1 for a byte that starts none."""
    if 0xC2 <= first_byte <= 0xDF:
        return 2
    if 0xE0 <= first_byte <= 0xEF:
        return 3
    return 4 if 0xF0 <= first_byte <= 0xF4 else 1
