"""Errors of the API as data: RFC 9457, with the codes of this program (spec: rest, errors)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import field, frozen


class Code(StrEnum):
    """What went wrong, for programs; each goes with one status."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    REJECTED = "rejected"
    LOCKED = "locked"
    CROSS_ORIGIN = "cross-origin"
    HOST = "host"
    LOCAL_ONLY = "local-only"
    NOT_FOUND = "not-found"
    METHOD = "method"
    WRONG_KIND = "wrong-kind"
    WRONG_STATE = "wrong-state"
    TOO_LARGE = "too-large"
    MEDIA_TYPE = "media-type"
    INVALID = "invalid"
    CONFIG = "config"
    RATE_LIMITED = "rate-limited"
    INTERNAL = "internal"
    STREAM_LIMIT = "stream-limit"
    SHUTTING_DOWN = "shutting-down"


@frozen(kw_only=True)
class Flaw:
    """One wrong value of a request, or of a configuration file that was to be loaded.

    ``location`` is a place in the request such as ``query.limit``, ``path.id``, ``body.ids[3]`` or
    ``header.Last-Event-ID``, or a key of the configuration.
    """

    message: str
    location: str | None = None
    value: object = None
    file: str | None = None
    line: int | None = None
    column: int | None = None


@frozen
class Problem(Exception):
    """Raised anywhere while a request is handled, and answered as ``application/problem+json``.

    ``detail`` says what is wrong and what to do, in one or two sentences that are safe to show.
    """

    status: int
    code: Code
    detail: str
    errors: Sequence[Flaw] = ()
    headers: Mapping[str, str] = field(factory=dict)


def not_found(detail: str) -> Problem:
    return Problem(404, Code.NOT_FOUND, detail)


def invalid(flaws: Sequence[Flaw]) -> Problem:
    """Values of the request break their rules."""
    count = "1 value" if len(flaws) == 1 else f"{len(flaws)} values"
    return Problem(422, Code.INVALID, f"{count} in the request cannot be used.", tuple(flaws))
