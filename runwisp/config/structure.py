"""The first look at a decoded file: are all tables and keys known, and which entries does it have?

Other names of keys end here: entries have the canonical ones (spec: config, aliases; unknown keys).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve, field

from runwisp.config.fields import Form, Table
from runwisp.config.notify_fields import NOTIFIER
from runwisp.config.problems import KeyPath, dotted, shown
from runwisp.config.source import Entry, Source
from runwisp.config.suggest import closest
from runwisp.config.tables import TABLES
from runwisp.errors import Problem, ProblemClass


@define
class Structure:
    """The entries of one file by the key of their table, and what is wrong with its keys."""

    source: Source
    problems: list[Problem] = field(factory=list)
    entries: dict[str, list[Entry]] = field(factory=dict)

    def of(self, *tables: Table) -> list[Entry]:
        return [entry for table in tables for entry in self.entries.get(table.name, ())]


def find_structure(source: Source) -> Structure:
    """Sort what ``source`` holds into entries; unknown keys are left out and reported."""
    found = Structure(source)
    for key, value in source.data.items():
        table = TABLES.get(key)
        if table is None:
            kind = "table" if isinstance(value, dict | list) else "key"
            message = f"unknown {kind} {shown(key)}" + _suggestion(key, {name: name for name in TABLES})
            _add(found, ProblemClass.UNKNOWN, message, (key,))
            continue
        found.entries[key] = [
            _entry(found, table, path, data, _label(table, path, data))
            for path, data in _parts(found, table, value)
        ]
    _move_keys(found)
    found.problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    return found


def _parts(found: Structure, table: Table, value: object) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    """The tables that stand under the key of ``table``, with their paths."""
    parts: Iterable[tuple[KeyPath, object]] = [((table.name,), value)]
    if table.form is Form.NAMED and isinstance(value, dict):
        parts = (((table.name, name), part) for name, part in value.items())
    elif table.form is Form.LISTED and isinstance(value, list):
        parts = (((table.name, number), part) for number, part in enumerate(value))
    for path, part in parts:
        if isinstance(part, dict) and (len(path) > 1 or table.form is Form.SINGLE):
            yield path, part
        else:
            _add(found, ProblemClass.TYPE, f"{dotted(path)} must be a table, written as {table.title}", path)


def _label(table: Table, path: KeyPath, data: Mapping[str, object]) -> str:
    """How messages about the keys of an entry begin."""
    if table.form is Form.SINGLE:
        return f"{table.name}."
    if table.form is Form.NAMED:
        return f"{table.name.removesuffix('s')} {shown(str(path[1]).strip())}: "
    if table is not NOTIFIER:
        return f"route {path[1]}: "
    name = data.get("id")
    return f"notifier {shown(name.strip()) if isinstance(name, str) else path[1]}: "


def _entry(found: Structure, table: Table, path: KeyPath, data: Mapping[str, object], label: str) -> Entry:
    values: dict[str, object] = {}
    spelled: dict[str, KeyPath] = {}
    nested: dict[str, Entry] = {}
    for written, value in data.items():
        name = table.every_spelling.get(written)
        if name is not None and written != name and name in data:
            message = f"{label}{written} is another name of {name}, which is set too; drop {written}"
            _add(found, ProblemClass.CONFLICT, message, (*path, written))
        elif written in table.moved:
            values[written] = value
        elif name is None or written not in table.canonical:
            if written != name or not any(alias in data for alias in table.by_name[name].aliases):
                _unknown(found, table, path, written, value, label)
        else:
            values[name] = value
            if written != name:
                spelled[name] = (*path, written)
            if name in table.nested and isinstance(value, dict):
                nested[name] = _entry(found, table.nested[name], (*path, name), value, f"{label}{name}.")
    return Entry(table, found.source, path, dotted(path), label, values, spelled, nested)


def _unknown(found: Structure, table: Table, path: KeyPath, written: str, value: object, label: str) -> None:
    place = label if label.endswith(": ") else f"{label.removesuffix('.')}: "
    message = f"{place}unknown key {shown(written)}"
    suggestion = _suggestion(written, {**table.canonical, **{name: name for name in table.moved}})
    hint = table.hints.get(written, "")
    if not hint and not suggestion and table.form is Form.NAMED and isinstance(value, dict):
        hint = f'a name with a dot is quoted: [{table.name}."{path[1]}.{written}"]'
    _add(found, ProblemClass.UNKNOWN, message + suggestion + (hint and f"; {hint}"), (*path, written))


def _suggestion(written: str, canonical: Mapping[str, str]) -> str:
    """ "did you mean", if one of the keys of ``canonical`` is near enough."""
    nearest = closest(written, canonical)
    if nearest is None:
        return ""
    name = canonical[nearest]
    return f"; did you mean {nearest}?" if name == nearest else f"; did you mean {nearest} (that is, {name})?"


def _move_keys(found: Structure) -> None:
    """Hand keys that belong to another table over to it."""
    for entry in [entry for entries in found.entries.values() for entry in entries]:
        for name, target in entry.table.moved.items():
            if name in entry.values:
                _move(found, entry, name, TABLES[target])


def _move(found: Structure, entry: Entry, name: str, table: Table) -> None:
    values = dict(entry.values)
    value, path = values.pop(name), entry.written((name,))
    found.entries[entry.table.name] = [evolve(entry, values=values)]
    targets = found.entries.get(table.name) or [
        Entry(table, found.source, entry.path, table.name, f"{table.name}.", {})
    ]
    if name in targets[0].values:
        message = (
            f"{dotted(path)} is another name of {table.name}.{name}, which is set too; drop {dotted(path)}"
        )
        _add(found, ProblemClass.CONFLICT, message, path)
        return
    moved = evolve(
        targets[0], values={**targets[0].values, name: value}, spelled={**targets[0].spelled, name: path}
    )
    found.entries[table.name] = [moved]


def _add(found: Structure, class_: ProblemClass, message: str, path: KeyPath) -> None:
    found.problems.append(found.source.problem(class_, message, dotted(path), path))
