"""Where each key of a TOML text stands.

The reader of the file gives no positions, so the text is walked again, only when there is something to
report. The text is known to be valid TOML: this walk finds keys and the ends of values, and checks nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right

import tomli
from attrs import define, field

from runwisp.config.problems import KeyPath

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
#: A number, boolean, date or time; a blank may stand between date and time.
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+|[^\s,\]}#]+")


def find_positions(text: str) -> Positions:
    """The positions of all keys in the valid TOML ``text``."""
    positions = Positions(text)
    _Walk(text, positions).document()
    return positions


class Positions:
    """Line and column, from 1, of every key path of one text."""

    def __init__(self, text: str) -> None:
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._offsets: dict[KeyPath, int] = {}

    def add(self, path: KeyPath, offset: int) -> None:
        """Note where a key stands; its first place counts."""
        self._offsets.setdefault(path, offset)

    def __contains__(self, path: KeyPath) -> bool:
        return path in self._offsets

    def locate(self, path: KeyPath) -> tuple[int, int] | None:
        """Line and column of the key at ``path``, or of the nearest key above that is written in the text."""
        while path and path not in self._offsets:
            path = path[:-1]
        if not path:
            return None
        offset = self._offsets[path]
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


@define
class _Open:
    """An array or inline table whose end is not reached; ``count`` numbers the items of an array."""

    path: KeyPath
    is_array: bool
    count: int = field(default=0, init=False)


class _Walk:
    def __init__(self, text: str, positions: Positions) -> None:
        self._text = text
        self._at = 0
        self._positions = positions
        self._array_lengths: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._key_and_value(table)
            self._skip_blank()

    def _header(self) -> KeyPath:
        """Read ``[table]`` or ``[[array of tables]]``; the path that keys below it begin with."""
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        *above, (last, offset) = self._key()
        path: KeyPath = ()
        for step, at in above:
            path = self._newest((*path, step), at)
        path = (*path, last)
        self._positions.add(path, offset)
        if is_array:
            number = self._array_lengths.get(path, 0)
            self._array_lengths[path] = number + 1
            path = (*path, number)
            self._positions.add(path, offset)
        self._at += 2 if is_array else 1
        return path

    def _newest(self, path: KeyPath, offset: int) -> KeyPath:
        """``path``, with the newest index if it is an array of tables."""
        self._positions.add(path, offset)
        length = self._array_lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _key_and_value(self, table: KeyPath) -> None:
        """Read ``key = value`` with everything inside the value."""
        open_: list[_Open] = []
        self._value(self._assignment(table), open_)
        while open_:
            self._skip_blank()
            letter = self._text[self._at]
            if letter in ",]}":
                self._at += 1
                if letter != ",":
                    open_.pop()
                continue
            inner = open_[-1]
            if inner.is_array:
                path: KeyPath = (*inner.path, inner.count)
                inner.count += 1
            else:
                path = self._assignment(inner.path)
            self._value(path, open_)

    def _assignment(self, table: KeyPath) -> KeyPath:
        """Read the key and the equals sign before a value."""
        path = table
        for step, offset in self._key():
            path = (*path, step)
            self._positions.add(path, offset)
        self._at += 1
        self._skip_blank()
        return path

    def _key(self) -> list[tuple[str, int]]:
        """Read a dotted key and the blanks around it: its parts with their offsets."""
        parts = []
        while True:
            self._skip_blank()
            offset = self._at
            bare = _BARE_KEY.match(self._text, offset)
            if bare:
                self._at = bare.end()
                part = bare[0]
            else:
                self._string()
                part = _unquoted(self._text[offset : self._at])
            parts.append((part, offset))
            self._skip_blank()
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _value(self, path: KeyPath, open_: list[_Open]) -> None:
        """Read a value; of an array or inline table only the opening bracket."""
        letter = self._text[self._at]
        if letter in "[{":
            self._at += 1
            open_.append(_Open(path, is_array=letter == "["))
        elif letter in "\"'":
            self._string()
        else:
            self._at = self._match(_PLAIN)

    def _string(self) -> None:
        quotes = self._text[self._at : self._at + 3]
        kinds = _STRINGS if quotes in ('"""', "'''") else _STRINGS[2:]
        self._at = next(match.end() for kind in kinds if (match := kind.match(self._text, self._at)))

    def _skip_blank(self) -> None:
        self._at = self._match(_BLANK)

    def _match(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        assert match is not None
        return match.end()


def _unquoted(text: str) -> str:
    """The key that a quoted text stands for."""
    key: str = tomli.loads(f"key = {text}")["key"]
    return key
