"""What the table of all keys is made of.

The keys themselves stand in the modules ``…_fields``, all tables in :mod:`runwisp.config.tables`. Loading,
the JSON Schema, the reference pages and "did you mean" read them from there, and no default stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

from attrs import frozen


class Unset(Enum):
    """What reading a blank value of some kinds gives: the key counts as absent."""

    UNSET = "unset"


@frozen
class Place:
    """What a value means depends on where its file lies and who loads it.

    ``directory`` is that of the declaring file, ``home`` that of the user of the daemon.
    """

    directory: Path
    home: Path
    environ: Mapping[str, str]

    def resolve(self, path: str) -> str:
        """``path`` made absolute (spec: config, paths)."""
        if path == "~" or path.startswith("~/"):
            return str(self.home / path[2:])
        return str(self.directory / path)


class Kind(Protocol):
    """A sort of value: what it is in TOML and how it becomes a setting."""

    @property
    def title(self) -> str:
        """A word or two for the reference pages."""

    def read(self, value: object, field: Field, place: Place) -> object:
        """The setting that ``value`` of the file stands for.

        :raises runwisp.config.problems.Rejected: if it stands for none
        """


@frozen(kw_only=True)
class Limits:
    """The smallest and the largest value; durations in seconds. ``above`` takes the smallest out."""

    minimum: int
    maximum: int | None = None
    above: bool = False

    def contain(self, value: float) -> bool:
        if value < self.minimum or (self.above and value == self.minimum):
            return False
        return self.maximum is None or value <= self.maximum


@frozen(eq=False)
class Field:
    """A key of ``runwisp.toml``.

    ``default`` is a value as one would write it in the file, None if there is none; ``default_text`` says for
    people what then holds. ``aliases`` are other names of the key, ``word_aliases`` other names of its words.
    ``inherited`` keys of a unit may stand in ``[defaults]``. With ``zero_is_none`` a written zero lifts the
    limit.
    """

    name: str
    kind: Kind
    help: str
    default: object = None
    default_text: str = ""
    limits: Limits | None = None
    words: type[StrEnum] | None = None
    word_aliases: Mapping[str, str] = {}
    aliases: tuple[str, ...] = ()
    inherited: bool = False
    zero_is_none: bool = False
    required: bool = False
    secret: bool = False
    substituted: bool = True


class Spelling(Enum):
    """Which names of its keys a table takes."""

    ANY = "any"
    CANONICAL = "canonical"
    ALIAS = "alias"


class Form(Enum):
    """How a table stands in the file."""

    SINGLE = "[{}]"
    NAMED = "[{}.NAME]"
    LISTED = "[[{}]]"


@frozen(eq=False)
class Table:
    """A table of ``runwisp.toml`` with its keys, in the order in which they are declared.

    ``hints`` say more about keys that do not belong here. ``nested`` are the tables inside, by their key.
    ``moved`` are keys that belong to another single table. ``check_first`` puts names of keys in the
    order in which their problems are reported; the keys it does not name come last.
    """

    name: str
    form: Form
    fields: tuple[Field, ...]
    hints: Mapping[str, str] = {}
    nested: Mapping[str, Table] = {}
    moved: Mapping[str, str] = {}
    check_first: tuple[str, ...] = ()
    spelling: Spelling = Spelling.ANY

    @property
    def title(self) -> str:
        return self.form.value.format(self.name)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Every key, without its aliases."""
        return {field.name: field for field in self.fields}

    @cached_property
    def canonical(self) -> Mapping[str, str]:
        """The canonical name of each spelling that is valid here, in order of declaration."""
        return {name: field.name for field in self.fields for name in self._spellings(field)}

    @cached_property
    def every_spelling(self) -> Mapping[str, str]:
        """The canonical name of each spelling, also of those that are valid in another form of the table."""
        return {name: field.name for field in self.fields for name in (field.name, *field.aliases)}

    def _spellings(self, field: Field) -> tuple[str, ...]:
        if self.spelling is Spelling.ALIAS and field.aliases:
            return field.aliases
        return (field.name,) if self.spelling is Spelling.CANONICAL else (field.name, *field.aliases)

    @cached_property
    def checked(self) -> tuple[Field, ...]:
        """The keys in the order in which their problems are reported."""
        first = {name: number for number, name in enumerate(self.check_first)}
        return tuple(sorted(self.fields, key=lambda field: first.get(field.name, len(first))))
