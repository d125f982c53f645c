"""The rules that values of a query or a body obey: each reads a value, and says in JSON Schema what it takes.

The value that a rule reads is one of JSON. What a query has instead, a text, is first turned into that.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

import attrs
from attrs import Attribute, frozen
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from runwisp.model import UnixMs
from runwisp.units import parse_time

Schema: TypeAlias = dict[str, Any]  # Any: JSON Schema is JSON of any shape

#: Integers outside lose digits in JavaScript, and far outside have no place in the database.
LARGEST_INTEGER = 2**53 - 1

ULID_PATTERN = "^[0-9A-HJKMNP-TV-Z]{26}$"
UNIT_NAME_PATTERN = "^[a-zA-Z0-9._:-]{1,100}$"

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,17}", re.ASCII)

#: Where the rule of a field stands in its metadata.
METADATA_KEY = "runwisp.rule"


class Unfit(ValueError):
    """A value breaks its rule; the message continues the sentence "the value …".

    ``place`` leads from the value to the part that is meant, as indices.
    """

    def __init__(self, message: str, place: tuple[int, ...] = ()) -> None:
        self.place = place
        super().__init__(message)


class Rule(ABC):
    """Reads one value, of JSON or of a query."""

    #: A secret is never sent back in the description of a mistake.
    is_secret = False

    @abstractmethod
    def read(self, value: object) -> object:
        """The value as handlers get it.

        :raises Unfit: if ``value``, as it came out of JSON, breaks the rule
        """

    @abstractmethod
    def schema(self) -> Schema:
        """What :meth:`read` takes, as JSON Schema."""

    def from_text(self, text: str) -> object:
        """What a query's text would be in JSON; whether it is allowed, :meth:`read` finds out."""
        return text


@frozen
class Integer(Rule):
    minimum: int
    maximum: int

    def read(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unfit("must be an integer")
        if not self.minimum <= value <= self.maximum:
            raise Unfit(f"must be between {self.minimum} and {self.maximum}")
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def from_text(self, text: str) -> object:
        return int(text) if _INTEGER.fullmatch(text) else text


@frozen
class Line(Integer):
    """The number of a line of a log, or that from its end."""

    def read(self, value: object) -> int:
        if (number := super().read(value)) == 0:
            raise Unfit("must not be 0: lines count from 1, and from the end from -1")
        return number

    def schema(self) -> Schema:
        return {**super().schema(), "not": {"const": 0}}


class Flag(Rule):
    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Unfit("must be true or false")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def from_text(self, text: str) -> object:
        return {"true": True, "false": False}.get(text, text)


class Moment(Rule):
    def read(self, value: object) -> UnixMs:
        try:
            if isinstance(value, str) and _TIME.fullmatch(value):
                return parse_time(value.upper())
        except ValueError:
            pass
        raise Unfit("must be a time with an offset, such as 2026-03-02T02:00:00Z (in a query, + is %2B)")

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}


@frozen
class Text(Rule):
    """Text of a length, counted in characters."""

    shortest: int
    longest: int
    is_secret: bool = False

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise Unfit("must be a string")
        if not self.shortest <= len(value) <= self.longest:
            raise Unfit(f"must have {self.shortest} to {self.longest} characters")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Unfit("has half of a surrogate pair in it")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "minLength": self.shortest, "maxLength": self.longest}


@frozen
class Pattern(Rule):
    """Text of a form that ``name`` stands for."""

    pattern: str
    name: str

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII) or value[-1] == "\n":
            raise Unfit(f"must be {self.name}")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "pattern": self.pattern}


ULID = Pattern(ULID_PATTERN, "a ULID: 26 digits and upper-case letters")
UNIT_NAME = Pattern(UNIT_NAME_PATTERN, "1 to 100 of the characters a-z A-Z 0-9 . _ : -")


@frozen
class Word(Rule):
    """One of some words; a handler gets the member of the enumeration that it stands for."""

    members: Mapping[str, str]

    def read(self, value: object) -> str:
        if isinstance(value, str) and value in self.members:
            return self.members[value]
        raise Unfit(f"must be one of {', '.join(self.members)}")

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.members)}


@frozen
class Several(Rule):
    """A list of values: an array, or in a query a text with commas."""

    item: Rule
    fewest: int
    most: int

    def read(self, value: object) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise Unfit("must be an array")
        if not self.fewest <= len(value) <= self.most:
            raise Unfit(f"must have {self.fewest} to {self.most} items")
        return tuple(self._item(number, item) for number, item in enumerate(value))

    def _item(self, number: int, item: object) -> object:
        try:
            return self.item.read(item)
        except Unfit as error:
            raise Unfit(str(error), (number, *error.place)) from error

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.fewest,
            "maxItems": self.most,
        }

    def from_text(self, text: str) -> object:
        return [self.item.from_text(part) for part in text.split(",")]


@frozen
class Nested(Rule):
    """An object with the fields of a class."""

    cls: type

    def read(self, value: object) -> object:
        return structure(value, self.cls)

    def schema(self) -> Schema:
        return object_schema(self.cls)


def rules_of(cls: type) -> Iterator[tuple[str, Rule, Attribute[Any]]]:
    """Name on the wire, rule and attribute of every field of a query or body class."""
    for attribute in attrs.fields(cls):
        yield attribute.name.removesuffix("_"), attribute.metadata[METADATA_KEY], attribute


def object_schema(cls: type) -> Schema:
    """The JSON Schema of an object with the fields of ``cls``."""
    properties = {name: described(rule, attribute) for name, rule, attribute in rules_of(cls)}
    required = [name for name, _, attribute in rules_of(cls) if is_required(attribute)]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def described(rule: Rule, attribute: Attribute[Any]) -> Schema:
    """The schema of one field, with its default."""
    if is_required(attribute) or attribute.default in (None, ()):
        return rule.schema()
    return {**rule.schema(), "default": attribute.default}


def is_required(attribute: Attribute[Any]) -> bool:
    return attribute.default is attrs.NOTHING


def structure(document: object, cls: type) -> Any:  # Any: an instance of what is passed
    """An instance of ``cls``, whose fields come from :mod:`runwisp.web.params`, made of a JSON object.

    :raises Unfit: if it is no object
    :raises cattrs.ClassValidationError: if keys are unknown or missing, or values break their rules
    """
    if not isinstance(document, dict):
        raise Unfit("must be an object")
    return _structurer(cls)(document, cls)


@cache
def _structurer(cls: type) -> Callable[[Mapping[str, Any], Any], Any]:
    # Any: the function takes options and overrides alike as keywords.
    overrides: dict[str, Any] = {
        attribute.name: override(rename=name, struct_hook=_hook(rule))
        for name, rule, attribute in rules_of(cls)
    }
    return make_dict_structure_fn(
        cls, _CONVERTER, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True, **overrides
    )


def _hook(rule: Rule) -> Callable[[object, object], object]:
    return lambda value, _: rule.read(value)


_CONVERTER = Converter()
