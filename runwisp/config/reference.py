"""The reference of all keys as reStructuredText, made from the tables of keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from runwisp.config.fields import Field, Spelling, Table
from runwisp.config.notify_fields import ID, NOTIFIER_TYPES, TYPE
from runwisp.config.shapes import DAY_S, MAX_CATCH_UP, CatchUpRule, Listing, limit_text, words
from runwisp.config.tables import DEFAULTS, TABLES


def body(name: str) -> str:
    """The keys of a table as a definition list, without a heading."""
    table = TABLES[name]
    if name == "notifier":
        return _notifier_body()
    return "\n".join(_entry(field, table, prefix) for field, prefix in _with_nested(table))


def _notifier_body() -> str:
    """The keys of all notifiers, then those of each type."""
    table = TABLES["notifier"]
    parts = [_entry(field, table, "") for field in (ID, TYPE)]
    for type_, fields in NOTIFIER_TYPES.items():
        parts.append(f'.. rubric:: type = "{type_}"\n')
        parts += [_entry(field, table, "") for field in fields]
    return "\n".join(parts)


def _with_nested(table: Table) -> Iterator[tuple[Field, str]]:
    """The keys of a table, those of tables inside in place of these, with what goes before their name."""
    for field in table.fields:
        inner = table.nested.get(field.name)
        if inner is None:
            yield field, ""
        else:
            yield from ((nested, f"{field.name}.") for nested in inner.fields)


def _entry(field: Field, table: Table, prefix: str) -> str:
    term = " : ".join([f"``{prefix}{field.name}``", _type(field), *_default(field)])
    sentences = [field.help, *_words(field), *_notes(field, table)]
    return f"{term}\n    {' '.join(sentences)}\n"


def _type(field: Field) -> str:
    limits = _limits(field)
    return f"{field.kind.title}, {limits}" if limits else field.kind.title


def _limits(field: Field) -> str:
    """The limits that tell something: not that a duration is at most a hundred years."""
    limits = field.limits
    if limits and field.kind.title == "duration" and limits.maximum == 36_500 * DAY_S:
        return "more than 0" if limits.above else ""
    return limit_text(field)


def _default(field: Field) -> Iterable[str]:
    if field.required:
        yield "required"
    elif field.default_text:
        yield f"default {field.default_text}"
    elif field.default is not None:
        yield f"default ``{json.dumps(field.default)}``"


def _words(field: Field) -> Iterable[str]:
    if not field.words:
        return
    listed = [f'``"{word}"``' for word in words(field)]
    yield f"{'Any' if isinstance(field.kind, Listing) else 'One'} of {', '.join(listed)}."
    if isinstance(field.kind, CatchUpRule):
        yield f"A number from 0 to {MAX_CATCH_UP} makes up for only that many, the newest."


def _notes(field: Field, table: Table) -> Iterable[str]:
    if field.aliases and table.spelling is Spelling.ANY:
        yield f"Also written ``{field.aliases[0]}``."
    if field.inherited and table is not DEFAULTS:
        yield "Inherited from ``[defaults]``."
