"""Globs over unit names (spec: config, task glob)."""

from __future__ import annotations

import re


def compile_glob(glob: str) -> re.Pattern[str]:
    """The pattern that matches the whole of each name that ``glob`` means, letter case kept.

    ``*`` and ``?`` stand for characters other than ``/``; ``[abc]``, ``[a-z]``, ``[^a]`` for one of a set; a
    backslash takes the next character literally.

    :raises ValueError: if a set is not closed or empty, a range runs backwards or a backslash ends the glob
    """
    pattern, at = "", 0
    while at < len(glob):
        letter = glob[at]
        at += 1
        if letter == "*":
            # A second star in a row adds nothing but ways to match.
            pattern += "" if pattern.endswith("[^/]*") else "[^/]*"
        elif letter == "?":
            pattern += "[^/]"
        elif letter == "[":
            members, at = _members(glob, at)
            pattern += members
        elif letter == "\\":
            pattern += re.escape(_literal(glob, at))
            at += 1
        else:
            pattern += re.escape(letter)
    return re.compile(pattern, re.DOTALL)


def _members(glob: str, at: int) -> tuple[str, int]:
    """The set that begins at ``at``, behind its bracket, as a pattern; and where it ends."""
    pattern = "[^" if glob[at : at + 1] == "^" else "["
    first = at = at + len(pattern) - 1
    while glob[at : at + 1] != "]" or at == first:
        low, at = _member(glob, at)
        high = low
        if glob[at : at + 1] == "-":
            high, at = _member(glob, at + 1)
        if high < low:
            raise ValueError(f"the range {low}-{high} runs backwards")
        pattern += f"{re.escape(low)}-{re.escape(high)}"
    return pattern + "]", at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    letter = _literal(glob, at)
    if letter == "\\":
        return _literal(glob, at + 1), at + 2
    if letter in "-]":
        raise ValueError(f"{letter} stands alone in a set")
    return letter, at + 1


def _literal(glob: str, at: int) -> str:
    if at >= len(glob):
        raise ValueError("it ends too soon")
    return glob[at]
