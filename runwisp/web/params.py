"""Makers for the fields of the classes that routes name as their query or body.

Each returns an attrs field, given by keyword, that knows the rule for its value::

    @frozen
    class RunsQuery:
        limit: int = integer(50, minimum=1, maximum=1000)
        status: tuple[str, ...] = words((*Status, *EndReason, "failure"))

A list is written with commas in a query and as an array in a body. An attribute that would be a keyword of
Python ends in an underscore (``from_``), which its name on the wire lacks. What is not given has the default,
None unless the maker is told one; ``null`` is not taken for any value.

They return Any for the same reason as :func:`attrs.field`: the annotation names the type of the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import NOTHING, field

from runwisp.web.rules import (
    LARGEST_INTEGER,
    METADATA_KEY,
    ULID,
    UNIT_NAME,
    Flag,
    Integer,
    Line,
    Moment,
    Nested,
    Rule,
    Several,
    Text,
    Word,
)

#: The longest list that a query or body may have where nothing else is said.
MANY = 10_000
#: The longest list of words, of which there are only few.
SOME = 100
#: The longest cursor (spec: rest, paging).
LONGEST_CURSOR = 512


def integer(
    default: int | None = None,
    *,
    minimum: int = -LARGEST_INTEGER,
    maximum: int = LARGEST_INTEGER,
    is_required: bool = False,
) -> Any:
    return _field(Integer(minimum, maximum), default, is_required)


def line(default: int | None = None) -> Any:
    return _field(Line(-LARGEST_INTEGER, LARGEST_INTEGER), default)


def flag(default: bool = False) -> Any:
    return _field(Flag(), default)


def moment() -> Any:
    """A time of RFC 3339; the value is a ``UnixMs``."""
    return _field(Moment(), None)


def word(members: Iterable[str], default: str | None = None, *, is_required: bool = False) -> Any:
    """One of the members, which may be those of an enumeration; the value is the member."""
    return _field(_word(members), default, is_required)


def words(members: Iterable[str]) -> Any:
    """Any of the members; the value is a tuple of them, empty when not given."""
    return _field(Several(_word(members), 1, SOME), ())


def names() -> Any:
    """Names of units, which need not exist; the value is a tuple, empty when not given."""
    return _field(Several(UNIT_NAME, 1, MANY), ())


def text(
    default: str | None = None,
    *,
    shortest: int = 0,
    longest: int,
    is_required: bool = False,
    is_secret: bool = False,
) -> Any:
    """Text; a secret is not repeated in the description of a mistake."""
    return _field(Text(shortest, longest, is_secret), default, is_required)


def cursor() -> Any:
    """The opaque place in a list that an answer named."""
    return text(shortest=1, longest=LONGEST_CURSOR)


def ulid(*, is_required: bool = False) -> Any:
    return _field(ULID, None, is_required)


def ulids(*, most: int = MANY) -> Any:
    """Ids; the value is a tuple, empty when not given."""
    return _field(Several(ULID, 0, most), ())


def nested(cls: type, default: object = None) -> Any:
    """An object with the fields of ``cls``, in a body."""
    return _field(Nested(cls), default)


def _word(members: Iterable[str]) -> Word:
    return Word({str(member): member for member in members})


def _field(rule: Rule, default: object, is_required: bool = False) -> Any:
    return field(default=NOTHING if is_required else default, kw_only=True, metadata={METADATA_KEY: rule})
