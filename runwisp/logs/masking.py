"""Keeps the values of secrets out of the log (spec: logs, secrets in output).

A value that is transformed, or printed over two lines, is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

REPLACEMENT = b"[redacted]"

_LINE_OF_VALUE_MIN = 8


class Masker:
    """Replaces every secret; where values overlap, all their bytes go.

    Without a usable value the masker is false, and its owner does best not to use it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {value for secret in secrets for value in _values_of(secret)}
        self._values = sorted(values, key=len, reverse=True)
        #: Length of the longest value in bytes.
        self.longest = len(self._values[0]) if self._values else 0
        # Matches are empty, so that values which overlap are all found; the longest one wins at each place.
        self._starts = re.compile(b"(?=(" + b"|".join(map(re.escape, self._values)) + b"))")

    def __bool__(self) -> bool:
        return bool(self._values)

    def mask(self, data: bytes) -> bytes:
        """``data``, one line or many, without secrets; the same object if there are none in it."""
        kept: list[bytes] = []
        done = 0
        for start, end in self._spans(data):
            kept += [data[done:start], REPLACEMENT]
            done = end
        return b"".join([*kept, data[done:]]) if kept else data

    def settled(self, tail: bytes, limit: int) -> int:
        """The longest beginning of ``tail``, up to ``limit``, that neither ends inside a value nor inside
        what could become one."""
        settled = min(limit, len(tail) - self._held_back(tail))
        for start, end in self._spans(tail):
            if start < settled < end:
                return start
        return settled

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where values are, ascending; those which overlap are one span."""
        if not any(value in data for value in self._values):
            return
        start = end = 0
        for match in self._starts.finditer(data):
            if match.start() >= end:
                if end:
                    yield start, end
                start = match.start()
            end = max(end, match.end(1))
        if end:
            yield start, end

    def _held_back(self, tail: bytes) -> int:
        """Length of the longest end of ``tail`` that is the beginning, but not all, of a value."""
        held = 0
        for value in self._values:
            at = tail.find(value[:1], max(0, len(tail) - len(value) + 1))
            while at >= 0 and len(tail) - at > held:
                if value.startswith(tail[at:]):
                    held = len(tail) - at
                    break
                at = tail.find(value[:1], at + 1)
        return held


def before_replacement(masked: bytes, at: int) -> int:
    """The place ``at``, or the one before the replacement that it falls into."""
    start = masked.find(REPLACEMENT, max(0, at - len(REPLACEMENT) + 1), at + len(REPLACEMENT) - 1)
    return start if 0 < start < at else at


def _values_of(secret: str) -> Iterator[bytes]:
    lines = [line.rstrip(b"\r") for line in secret.encode(errors="surrogateescape").split(b"\n")]
    filled = [line for line in lines if line]
    if len(filled) == 1:
        yield filled[0]
        return
    yield from (line for line in filled if len(line) >= _LINE_OF_VALUE_MIN)
