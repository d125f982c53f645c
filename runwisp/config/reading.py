"""From the text of an entry to its settings, key by key, as the tables of keys say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from attrs import define, field

from runwisp.config.fields import Field, Place, Unset
from runwisp.config.problems import Rejected, dotted
from runwisp.config.source import Entry
from runwisp.errors import Problem, ProblemClass

#: Where built-in values are read: they name no file and no variable.
NOWHERE = Place(Path("/"), Path("/"), {})


@define
class Report:
    """All that is found wrong or odd in a configuration."""

    problems: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)

    def add(self, entry: Entry, class_: ProblemClass, rule: str, *steps: str | int) -> None:
        """Report a key of ``entry``: ``rule`` continues the sentence that the key begins."""
        self.problems.append(entry.problem(class_, f"{entry.label}{dotted(steps)} {rule}", *steps))

    def warn(self, entry: Entry, message: str, *steps: str | int) -> None:
        self.warnings.append(entry.problem(None, message, *steps))


def read_entry(entry: Entry, fields: Iterable[Field], report: Report) -> dict[str, object]:
    """The settings that ``entry`` writes, by key, without blank and refused ones; the latter are reported."""
    settings: dict[str, object] = {}
    for key in fields:
        if key.name not in entry.values:
            continue
        try:
            setting = key.kind.read(entry.values[key.name], key, entry.source.place)
        except Rejected as error:
            for fault in error.faults:
                sentence = fault.sentence(key.secret)
                report.add(entry, fault.class_, sentence, key.name, *fault.steps)
        else:
            if setting is not Unset.UNSET:
                settings[key.name] = setting
    return settings


@cache
def built_in(key: Field) -> object:
    """The built-in setting of a key; None if it has none."""
    return None if key.default is None else key.kind.read(key.default, key, NOWHERE)


def completed(
    keys: Iterable[Field], settings: Mapping[str, object], inherited: Mapping[str, object] = {}
) -> dict[str, object]:
    """A setting for every one of ``keys``: the written one, else the inherited, else the built-in."""
    complete: dict[str, object] = {}
    for key in keys:
        if key.name in settings:
            setting = settings[key.name]
        elif key.inherited and key.name in inherited:
            setting = inherited[key.name]
        else:
            setting = built_in(key)
        complete[key.name] = None if key.zero_is_none and setting == 0 else setting
    return complete
