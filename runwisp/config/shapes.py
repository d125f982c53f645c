"""The shapes of values: strings, numbers, lists, maps, and what each refuses (spec: config, values).

:mod:`runwisp.config.kinds` makes the kinds of this program of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeAlias

from attrs import evolve, frozen

from runwisp.config.fields import Field, Kind, Place, Unset
from runwisp.config.problems import Fault, Rejected, reject
from runwisp.config.substitution import ENV_NAME, substitute
from runwisp.errors import ProblemClass
from runwisp.model import CatchUp, RunOnStart

DAY_S = 86_400
DURATION_TITLE = "duration"
MAX_CATCH_UP = 10_000
MAX_ENV_ENTRIES = 256
MAX_ENV_BYTES = 32_768


#: Makes a setting of the text of a key.
Parse: TypeAlias = Callable[[str, Field, Place], object]


@frozen
class Text:
    """A string. ``rule`` tells what it has to be; ``parse`` raises ValueError if it is not that.

    ``pattern`` is what the whole text matches, for the schema; empty if any text may be right.
    """

    title: str
    rule: str = ""
    parse: Parse = lambda text, field, place: text
    blank_is_unset: bool = False
    pattern: str = ""

    def read(self, value: object, field: Field, place: Place) -> object:
        if not isinstance(value, str):
            raise reject(ProblemClass.TYPE, "must be a string")
        text = substitute(value, place) if field.substituted else value
        if not text.strip():
            if field.required:
                raise reject(ProblemClass.REQUIRED, "must not be blank")
            if self.blank_is_unset:
                return Unset.UNSET
        try:
            return self.parse(text, field, place)
        except ValueError:
            raise reject(ProblemClass.FORMAT, self.rule, text) from None


@frozen
class Boolean:
    title: str = "boolean"

    def read(self, value: object, field: Field, place: Place) -> object:
        if not isinstance(value, bool):
            raise reject(ProblemClass.TYPE, "must be true or false, without quotes")
        return value


@frozen
class Integer:
    """``zero_is_default``: 0 stands for the built-in value."""

    title: str = "integer"
    zero_is_default: bool = False

    def read(self, value: object, field: Field, place: Place) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            raise reject(ProblemClass.TYPE, "must be a whole number, without quotes")
        if field.limits and not field.limits.contain(value):
            raise reject(ProblemClass.RANGE, f"must be {limit_text(field)}")
        return Unset.UNSET if self.zero_is_default and value == 0 else value


@frozen
class Listing:
    """A list of one kind of values. ``lone`` values may stand without brackets."""

    title: str
    item: Kind
    finish: Callable[[list[object], Field], object] = lambda items, field: tuple(items)
    lone: bool = False

    def read(self, value: object, field: Field, place: Place) -> object:
        if self.lone and isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise reject(ProblemClass.TYPE, "must be a list")
        inner = evolve(field, required=False) if field.required else field
        items, faults = [], list[Fault]()
        for number, item in enumerate(value):
            try:
                items.append(self.item.read(item, inner, place))
            except Rejected as error:
                faults += [evolve(fault, steps=(number, *fault.steps)) for fault in error.faults]
        if faults:
            raise Rejected(tuple(faults))
        kept = [item for item in items if item is not Unset.UNSET]
        if field.required and not kept:
            raise reject(ProblemClass.REQUIRED, "must have an entry")
        return self.finish(kept, field)


@frozen
class StringMap:
    """A table of strings in which every key is allowed that ``check`` lets pass."""

    title: str
    check: Callable[[str, str], None]
    key_pattern: str
    max_bytes: int | None = None

    def read(self, value: object, field: Field, place: Place) -> object:
        if not isinstance(value, dict):
            raise reject(ProblemClass.TYPE, "must be a table of strings")
        strings: dict[str, str] = {}
        faults: list[Fault] = []
        for name, written in value.items():
            try:
                strings[name] = self._entry(name, written, place)
            except Rejected as error:
                faults += [evolve(fault, steps=(name,)) for fault in error.faults]
        if len(value) > MAX_ENV_ENTRIES:
            faults.append(Fault(ProblemClass.RANGE, f"must have at most {MAX_ENV_ENTRIES} entries"))
        if faults:
            raise Rejected(tuple(faults))
        return strings

    def _entry(self, name: str, written: object, place: Place) -> str:
        if not isinstance(written, str):
            raise reject(ProblemClass.TYPE, "must be a string")
        text = substitute(written, place)
        self.check(name, text)
        return text


def check_variable(name: str, value: str) -> None:
    """Check an environment variable (spec: config, other values); messages leave the value out.

    :raises runwisp.config.problems.Rejected: if the name or the value cannot be passed to a process
    """
    if not ENV_NAME.fullmatch(name):
        raise reject(ProblemClass.FORMAT, "is not the name of a variable; write names like PATH or my_var2")
    if "\0" in value:
        raise reject(ProblemClass.FORMAT, "must not hold a NUL character")
    # A character never takes more than four bytes.
    if len(value) * 4 > MAX_ENV_BYTES and len(value.encode(errors="surrogateescape")) > MAX_ENV_BYTES:
        raise reject(ProblemClass.RANGE, f"must have at most {MAX_ENV_BYTES} bytes")


def check_header(name: str, value: str) -> None:
    """:raises runwisp.config.problems.Rejected: if a request cannot have this header"""
    if not name.strip():
        raise reject(ProblemClass.FORMAT, "is a header without a name; write names like X-Source")
    if set("\r\n\0") & set(name + value):
        raise reject(ProblemClass.FORMAT, "must be a single line")


@frozen
class Nested:
    """A table inside a table; its keys are checked as those of any table."""

    title: str = "table"

    def read(self, value: object, field: Field, place: Place) -> object:
        if not isinstance(value, dict):
            raise reject(ProblemClass.TYPE, "must be a table")
        return value


@frozen
class StartRule:
    """``run_on_start``: a boolean or a word."""

    title: str = "boolean or word"

    def read(self, value: object, field: Field, place: Place) -> object:
        if isinstance(value, bool):
            return RunOnStart.DAEMON if value else None
        if not isinstance(value, str):
            raise reject(ProblemClass.TYPE, f"must be true, false or {words_text(field)}")
        return parse_word(value, field, place) if value.strip() else Unset.UNSET


@frozen
class CatchUpRule:
    """``catch_up``: a word; an integer is another way to say it (spec: config, aliases)."""

    title: str = "word or count"

    def read(self, value: object, field: Field, place: Place) -> object:
        """A word, or the count of newest missed slots where no word says it."""
        if isinstance(value, int) and not isinstance(value, bool):
            if not 0 <= value <= MAX_CATCH_UP:
                raise reject(ProblemClass.RANGE, f"must be {words_text(field)}, or 0 to {MAX_CATCH_UP}")
            return {0: CatchUp.SKIP, 1: CatchUp.LATEST}.get(value, value)
        if not isinstance(value, str):
            raise reject(ProblemClass.TYPE, f"must be one of the strings {words_text(field)}")
        text = substitute(value, place)
        return parse_word(text, field, place) if text.strip() else Unset.UNSET


def words_text(field: Field) -> str:
    """The words that a key takes, for messages and pages."""
    return ", ".join(words(field))


def words(field: Field) -> Sequence[str]:
    """The canonical words that a key takes."""
    return [word.value for word in field.words or ()]


def limit_text(field: Field) -> str:
    """The limits of a key for messages and pages, such as ``1 to 64``."""
    limits = field.limits
    if limits is None:
        return ""
    unit = "s" if field.kind.title == DURATION_TITLE else ""
    low = f"{limits.minimum}{unit}"
    if limits.maximum is None:
        return f"more than {low}" if limits.above else f"{low} or more"
    high = f"{limits.maximum}{unit}" if unit == "" else f"{limits.maximum // DAY_S}d"
    return f"more than {low}, at most {high}" if limits.above else f"{low} to {high}"


def parse_word(text: str, field: Field, place: Place) -> StrEnum:
    """The word ``text`` among those of ``field``."""
    word = field.word_aliases.get(text, text)
    try:
        assert field.words is not None
        return field.words(word)
    except ValueError:
        raise reject(ProblemClass.ENUM, f"must be one of {words_text(field)}", text) from None
