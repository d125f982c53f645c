"""The JSON Schema of ``runwisp.toml``, made from the tables of keys (spec: config, runwisp schema).

The program prints the file that was generated; ``python -m runwisp.config.schema`` prints what it has to be.
The schema is looser than the loader where JSON Schema has no words for a rule: what depends on two keys, on
other files or on the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from runwisp.config.fields import Field, Form, Kind, Table
from runwisp.config.notify_fields import NOTIFIER, NOTIFIER_TYPES, NOTIFIERS
from runwisp.config.shapes import (
    MAX_CATCH_UP,
    MAX_ENV_ENTRIES,
    Boolean,
    CatchUpRule,
    Integer,
    Listing,
    Nested,
    StartRule,
    StringMap,
    Text,
    words,
)
from runwisp.config.tables import TABLES

Schema: TypeAlias = dict[str, object]

FILE = Path(__file__).with_name("runwisp.schema.json")

#: What a reference to a variable or file looks like to a schema: anything may come of it.
_REFERENCE = r"\$\{"
_UNIT_NAME = r"^\s*[A-Za-z0-9._:-]{1,100}\s*$"


def embedded() -> bytes:
    """The generated schema, as it ships with the program."""
    return FILE.read_bytes()


def text() -> str:
    """The schema as the generated file has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Schema:
    """The schema of the whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:runwisp:config",
        "title": "runwisp.toml",
        "type": "object",
        "properties": {name: _top_level(table) for name, table in TABLES.items()},
        "additionalProperties": False,
        "$defs": {name: _table(table) for name, table in TABLES.items()},
    }


def _top_level(table: Table) -> Schema:
    one: Schema = {"$ref": f"#/$defs/{table.name}"}
    if table.form is Form.SINGLE:
        return one
    if table.form is Form.LISTED:
        return {"type": "array", "items": one}
    named: Schema = {"type": "object", "additionalProperties": one}
    if table is not NOTIFIERS:
        named["propertyNames"] = {"pattern": _UNIT_NAME}
    return named


def _table(table: Table) -> Schema:
    schema: Schema = {"type": "object", "properties": _properties(table), "additionalProperties": False}
    required = [_spelled(table, field) for field in table.fields if _is_always_required(table, field)]
    if required:
        schema["required"] = required
    rules = [_one_of_names(field.name, alias) for field, alias in _pairs(table)]
    if table in (NOTIFIER, NOTIFIERS):
        rules += [_of_type(table, type_, keys) for type_, keys in NOTIFIER_TYPES.items()]
    if rules:
        schema["allOf"] = rules
    return schema


def _properties(table: Table) -> Schema:
    by_spelling = {name: table.by_name[canonical] for name, canonical in table.canonical.items()}
    for name, target in table.moved.items():
        by_spelling[name] = TABLES[target].by_name[name]
    return {name: _property(table, field, name) for name, field in by_spelling.items()}


def _property(table: Table, field: Field, spelling: str) -> Schema:
    schema = _table(table.nested[field.name]) if field.name in table.nested else _value(field)
    described = {"description": _plain(field.help), **schema}
    if spelling in table.moved:
        described["description"] = f"Other name of [{table.moved[spelling]}] {spelling}."
    elif spelling != field.name:
        described["description"] = f"Other name of {field.name}."
    if field.default is not None:
        described["default"] = field.default
    return described


def _value(field: Field) -> Schema:
    """What values of a key look like."""
    kind = field.kind
    if isinstance(kind, Listing):
        return _listing(kind, field)
    if isinstance(kind, StringMap):
        return _string_map(kind)
    if isinstance(kind, StartRule):
        return {"anyOf": [{"type": "boolean"}, {"enum": words(field)}, _matches(r"^\s*$")]}
    if isinstance(kind, CatchUpRule):
        count: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_CATCH_UP}
        return {"anyOf": [{"enum": words(field)}, count, _matches(rf"^\s*$|{_REFERENCE}")]}
    return _single(kind, field)


def _single(kind: Kind, field: Field) -> Schema:
    """What a value looks like that is no list, no table and no mixture."""
    if isinstance(kind, Boolean):
        return {"type": "boolean"}
    if isinstance(kind, Integer):
        return _integer(field)
    if isinstance(kind, Nested):
        return {"type": "object"}
    if isinstance(kind, Text):
        return _words(kind, field) if field.words else _text(kind, field)
    raise TypeError(f"no schema for the kind {kind.title}")


def _integer(field: Field) -> Schema:
    schema: Schema = {"type": "integer"}
    if field.limits:
        schema["minimum"] = field.limits.minimum
        if field.limits.maximum is not None:
            schema["maximum"] = field.limits.maximum
    return schema


def _text(kind: Text, field: Field) -> Schema:
    if not kind.pattern:
        return _matches(r"\S") if field.required else {"type": "string"}
    alternatives = [f"^(?:{kind.pattern})$"]
    if kind.blank_is_unset and not field.required:
        alternatives.append(r"^\s*$")
    if field.substituted:
        alternatives.append(_REFERENCE)
    return _matches("|".join(alternatives))


def _words(kind: Text, field: Field) -> Schema:
    alternatives = [_REFERENCE] if field.substituted else []
    if kind.blank_is_unset and not field.required:
        alternatives.insert(0, r"^\s*$")
    return {"anyOf": [{"enum": [*words(field), *field.word_aliases]}, _matches("|".join(alternatives))]}


def _listing(kind: Listing, field: Field) -> Schema:
    item = _single(kind.item, field)
    schema: Schema = {"type": "array", "items": item}
    if field.required:
        schema["minItems"] = 1
    return {"anyOf": [schema, item]} if kind.lone else schema


def _string_map(kind: StringMap) -> Schema:
    value: Schema = {"type": "string"}
    if kind.max_bytes is not None:
        value["maxLength"] = kind.max_bytes
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^(?:{kind.key_pattern})$"},
        "additionalProperties": value,
        "maxProperties": MAX_ENV_ENTRIES,
    }


def _matches(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _pairs(table: Table) -> Iterable[tuple[Field, str]]:
    """Keys with each of their other names, where both are valid."""
    return (
        (table.by_name[name], alias)
        for alias, name in table.canonical.items()
        if alias != name and name in table.canonical
    )


def _one_of_names(name: str, alias: str) -> Schema:
    return {"not": {"required": [name, alias]}}


def _spelled(table: Table, field: Field) -> str:
    """The name that a required key has in this table."""
    return next(spelling for spelling, name in table.canonical.items() if name == field.name)


def _is_always_required(table: Table, field: Field) -> bool:
    return field.required and (table not in (NOTIFIER, NOTIFIERS) or field.name in ("id", "type"))


def _of_type(table: Table, type_: str, keys: Iterable[Field]) -> Schema:
    """The rule that a notifier of a type has all keys which that needs, and no key of other types."""
    own = {field.name: field for field in keys}
    others = [name for name in table.by_name if name not in {"id", "type", *own}]
    then: Schema = {"properties": dict.fromkeys(others, False)}
    required = [name for name, field in own.items() if field.required]
    if required:
        then["required"] = required
    return {"if": {"properties": {"type": {"const": type_}}, "required": ["type"]}, "then": then}


def _plain(help_text: str) -> str:
    """A help text without the marks of reStructuredText."""
    return help_text.replace("``", "")


if __name__ == "__main__":
    print(text(), end="")
