"""The list ``failures``: which ended runs count as failures (spec: config, failures)."""

from __future__ import annotations

import re

from attrs import frozen

from runwisp.config.fields import Field
from runwisp.config.problems import Fault, Rejected
from runwisp.errors import ProblemClass
from runwisp.model import EndReason

#: End reasons that a list may name, in the order of messages.
REASONS = tuple(reason.value for reason in EndReason if reason is not EndReason.SUCCESS)

_EXIT_CODES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


@frozen
class FailureList:
    """A list as it was written: it adjusts the inherited set if ``is_signed``, else it replaces it.

    ``tokens`` are pairs of "add" (False: drop) and an end reason, exit code or range.
    """

    is_signed: bool
    tokens: tuple[tuple[bool, str], ...]

    def applied_to(self, inherited: tuple[str, ...]) -> tuple[str, ...]:
        """The set that holds where ``inherited`` is the next level's."""
        tokens = dict.fromkeys(inherited if self.is_signed else ())
        for add, token in self.tokens:
            if add:
                tokens[token] = None
            else:
                tokens.pop(token, None)
        return tuple(tokens)


def parse_failures(items: list[object], field: Field) -> FailureList:
    """:raises runwisp.config.problems.Rejected: naming every token that is wrong"""
    tokens, faults, signs = list[tuple[bool, str]](), list[Fault](), set[bool]()
    for number, item in enumerate(items):
        text = str(item).strip()
        if not text:
            continue
        is_signed = text[0] in "+-"
        signs.add(is_signed)
        token = text[1:] if is_signed else text
        fault = _fault(token)
        if fault is not None:
            faults.append(Fault(*fault, steps=(number,)))
        tokens.append((text[0] != "-", _plain(token)))
    if len(signs) > 1:
        rule = (
            "mixes tokens with and without a sign; sign all (adjust the inherited set) or none (replace it)"
        )
        faults.append(Fault(ProblemClass.CONFLICT, rule))
    if faults:
        raise Rejected(tuple(faults))
    return FailureList(True in signs, tuple(tokens))


def _fault(token: str) -> tuple[ProblemClass, str, str | None] | None:
    if token == EndReason.SUCCESS:
        return ProblemClass.CONFLICT, "is success, and a run cannot be both: drop it", None
    if not token[:1].isdecimal():
        if token in REASONS:
            return None
        return (
            ProblemClass.ENUM,
            f"must be one of {', '.join(REASONS)}, an exit code or a range of them",
            token,
        )
    match = _EXIT_CODES.fullmatch(token)
    if match is None or (match[2] and int(match[2]) < int(match[1])):
        return ProblemClass.FORMAT, 'must be an exit code or a range like "42" or "1-23"', token
    if not 1 <= int(match[1]) <= int(match[2] or match[1]) <= 255:
        return ProblemClass.RANGE, "must be within the exit codes 1 to 255", token
    return None


def _plain(token: str) -> str:
    """An exit token without leading zeros."""
    return (
        re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", token) if token[:1].isdecimal() else token
    )
