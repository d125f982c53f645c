"""Cuts texts to the limits of providers, between characters and before anything is escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

_ELLIPSIS = "…"
#: How much of a limit a text takes; at least one for each character.
Size: TypeAlias = Callable[[str], int]
#: Puts a message together from a sentence and a tail.
Compose: TypeAlias = Callable[[str, str], str]


def units(text: str) -> int:
    """Characters as UTF-16 counts them: whichever way a provider counts, it does not find more."""
    return len(text.encode("utf-16-le", "replace")) // 2


def utf8_bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def head(text: str, limit: int, size: Size = units) -> str:
    """The beginning of ``text`` that takes at most ``limit``, with an ellipsis if something is missing."""
    return _longest(text, limit, lambda part: part, size, from_end=False)


def end(text: str, limit: int, size: Size = units) -> str:
    """The end of ``text``, likewise."""
    return _longest(text, limit, lambda part: part, size, from_end=True)


def fitted(compose: Compose, sentence: str, tail: str, limit: int, size: Size = units) -> str:
    """What ``compose`` makes, within ``limit``: the tail is cut first, then the sentence.

    The rest of what it makes has to fit by itself.
    """
    sentence = head(sentence, limit, len)  # it is put together often
    tail = _longest(tail, limit, lambda part: compose(sentence, part), size, from_end=True)
    sentence = _longest(sentence, limit, lambda part: compose(part, tail), size, from_end=False)
    return compose(sentence, tail)


def _longest(text: str, limit: int, around: Callable[[str], str], size: Size, *, from_end: bool) -> str:
    """The longest part of ``text`` with which ``around`` makes something that fits; maybe nothing."""

    def part(length: int) -> str:
        if length == len(text) or length == 0:
            return text[:length]
        return _ELLIPSIS + text[len(text) - length :] if from_end else text[:length] + _ELLIPSIS

    def fits(length: int) -> bool:
        return size(around(part(length))) <= limit

    if len(text) <= limit and fits(len(text)):
        return text
    short, long = 0, min(len(text) - 1, limit)
    while short < long:
        middle = (short + long + 1) // 2
        if fits(middle):
            short = middle
        else:
            long = middle - 1
    return part(short)
