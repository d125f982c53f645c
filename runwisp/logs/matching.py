"""What a search looks for: a substring or a regular expression (spec: logs, search).

It is looked for in the rendered text of each line, without styles. Blocks of lines are looked through first,
to find the few that are worth rendering. RE2 does both: it takes time in proportion to the text whatever the
expression is, lets other threads run meanwhile, and finds a substring faster than ``bytes.find``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from runwisp.logs.bare import as_utf8, bare
from runwisp.logs.render import render, without_styles

#: How many bytes are looked through at once: with more of them the caches of the processor do not help.
PIECE_SIZE = 64 * 1024
#: Bytes times instructions in one call of the engine. The worst expressions take about 10 ns for each.
_STEPS = 40_000_000
#: The memory for the program of a regular expression, in bytes: about 5,000 instructions of the engine.
_PROGRAM_LIMIT = 128 * 1024
#: The memory for what the engine finds out while it runs, in bytes.
_MEMORY_LIMIT = 4 * 1024 * 1024
#: Anchors that mean something else in a block than in a line of its own.
_WHOLE_TEXT_ONLY = re.compile(r"\\[Az] | \(\?[a-zA-Z]*-[a-zA-Z]*m", re.VERBOSE)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: The only characters outside of ASCII that differ by their case from some in it, and those.
_LONG_S_AND_KELVIN = "\N{LATIN SMALL LETTER LONG S}\N{KELVIN SIGN}"
_S_AND_K = "sSkK"


class BadPattern(ValueError):
    """A regular expression cannot be used; the message says why."""


class Matcher:
    """Tells lines that match from others.

    :param text: a substring, or a regular expression of RE2
    :param is_case_sensitive: otherwise characters are the same that differ in case only, by Unicode's simple
        case folding
    :raises BadPattern: it is no regular expression, has what RE2 lacks, or is too large
    """

    def __init__(self, text: str, *, is_regex: bool, is_case_sensitive: bool) -> None:
        self._is_by_line = is_regex and _WHOLE_TEXT_ONLY.search(text) is not None
        self._needs_utf8 = is_regex or _REPLACEMENT in text
        self._is_foreign = not is_regex and not _could_be_ascii(text)
        self._needed = () if is_regex else tuple(_needed(text, is_case_sensitive))
        self._regex = _compile(text, is_regex, is_case_sensitive)
        if is_regex and not self._is_by_line:
            self._regex = _compile(f"(?m){text}", is_regex, is_case_sensitive)

    @property
    def piece_size(self) -> int:
        """How many bytes to look through in one call of :meth:`candidates`."""
        return min(PIECE_SIZE, max(1, _STEPS // self._regex.programsize))

    def candidates(self, block: bytes) -> Sequence[int]:
        """Lines of a block of whole lines, counted from 0, in order; all that match are among them."""
        if self._is_foreign and block.isascii():
            return ()
        if not block.endswith((b"\n", b"\r")):
            # A carriage return before an added newline would lose its effect.
            block += b"\n"
        text, odd = bare(as_utf8(block) if self._needs_utf8 else block)
        found = self._found_by_line(text) if self._is_by_line else self._found(text)
        return sorted({*found, *odd}) if odd else list(found)

    def matches(self, line: bytes) -> bool:
        """The rendered line, without styles, has what is looked for."""
        if not all(lower in line or upper in line for lower, upper in self._needed):
            return False
        return self._regex.search(without_styles(render(line)).encode()) is not None

    def _found(self, text: bytes) -> Iterator[int]:
        number = counted = position = 0
        while position < len(text):
            match = self._regex.search(text, position)
            if match is None or match.start() == len(text):
                return
            number += text.count(b"\n", counted, match.start())
            counted = match.start()
            yield number
            position = text.find(b"\n", match.start()) + 1 or len(text)

    def _found_by_line(self, text: bytes) -> Iterator[int]:
        lines = enumerate(text.removesuffix(b"\n").split(b"\n"))
        return (number for number, line in lines if self._regex.search(line) is not None)


class _Match(Protocol):
    def start(self) -> int: ...


class _Regex(Protocol):
    programsize: int

    def search(self, text: bytes, pos: int = 0) -> _Match | None: ...


def _compile(text: str, is_regex: bool, is_case_sensitive: bool) -> _Regex:
    """The expression, ready for use. The engine is imported only here: most daemons never search.

    :raises BadPattern: it cannot be used
    """
    import re2

    options = re2.Options()
    options.literal = not is_regex
    options.case_sensitive = is_case_sensitive
    options.never_nl = options.never_capture = True
    options.log_errors = False
    try:
        if is_regex:
            options.max_mem = _PROGRAM_LIMIT
            re2.compile(text, options)
        options.max_mem = _MEMORY_LIMIT
        regex: _Regex = re2.compile(text, options)
    except re2.error as error:
        (reason,) = error.args
        raise BadPattern(reason.decode(errors="replace")) from None
    finally:
        # Otherwise many of them stay in memory.
        re2.purge()
    return regex


def _could_be_ascii(text: str) -> bool:
    """ASCII, or different from that in case only."""
    return text.translate(dict.fromkeys(map(ord, _LONG_S_AND_KELVIN))).isascii()


def _needed(text: str, is_case_sensitive: bool) -> Iterator[tuple[bytes, bytes]]:
    """Bytes, in both cases, without which a line cannot look like ``text``, even after rendering."""
    for character in sorted(set(text)):
        # Blanks may come from movements of the cursor.
        if not character.isascii() or character == " ":
            continue
        if is_case_sensitive:
            yield character.encode(), character.encode()
        elif character not in _S_AND_K:
            yield character.lower().encode(), character.upper().encode()
