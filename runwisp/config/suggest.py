"""Did you mean?"""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to ``word`` by Levenshtein distance, letter case ignored, the first of equals.

    None if all are further away than two edits, or than a third of the length of ``word`` if that is more.
    """
    allowed = max(2, len(word) // 3)
    best = None
    for candidate in candidates:
        distance = _distance(word.lower(), candidate.lower(), allowed)
        if distance <= allowed:
            best, allowed = candidate, distance - 1
    return best


def _distance(left: str, right: str, limit: int) -> int:
    """Levenshtein distance; any number above ``limit`` if it is above."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        previous, row = row, [number]
        for column, other in enumerate(right, 1):
            row.append(min(previous[column] + 1, row[-1] + 1, previous[column - 1] + (letter != other)))
        if min(row) > limit:
            return limit + 1
    return row[-1]
