"""One file, read: its tables under their canonical names, and where each key stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import tomli
from attrs import field, frozen

from runwisp.config.fields import Place, Table
from runwisp.config.files import CannotRead, read_file
from runwisp.config.positions import Positions, find_positions
from runwisp.config.problems import KeyPath, dotted, one_line
from runwisp.errors import Problem, ProblemClass

#: The largest file, in megabytes.
MAX_FILE_MB = 16


@frozen(eq=False)
class Source:
    """A file of the configuration. ``name`` is what messages call it."""

    name: str
    path: Path
    text: str = field(repr=False)
    data: Mapping[str, object] = field(repr=False)
    place: Place = field(repr=False)

    @cached_property
    def _positions(self) -> Positions:
        return find_positions(self.text)

    def locate(self, path: KeyPath) -> tuple[int | None, int | None]:
        """Line and column of a key as the file spells it, or of the nearest one above it."""
        return self._positions.locate(path) or (None, None)

    def problem(self, class_: ProblemClass | None, message: str, key: str, path: KeyPath) -> Problem:
        line, column = self.locate(path)
        return Problem(class_, one_line(message), key, self.name, line, column)


class Unreadable(Exception):
    """A file is not there, not text or not TOML."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def read_source(
    path: Path, name: str, home: Path, environ: Mapping[str, str], key: str | None = None
) -> Source:
    """Read and decode the file ``path``; ``key`` is the key that names it.

    :raises Unreadable: if that fails
    """
    absolute = path.absolute()
    try:
        content = read_file(path, MAX_FILE_MB)
    except CannotRead as error:
        message = one_line(f"cannot read {absolute}: {error}")
        raise Unreadable(Problem(ProblemClass.IO, message, key, name)) from None
    try:
        # Newlines stay as they are: the TOML reader knows both forms, and columns count characters.
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        good = content[: error.start].decode().removeprefix("\ufeff")
        line, column = good.count("\n") + 1, len(good) - good.rfind("\n")
        message = f"not TOML: expected UTF-8 text at line {line}, column {column}"
        raise Unreadable(Problem(ProblemClass.SYNTAX, message, None, name, line, column)) from None
    return Source(name, absolute, text, _decode(text, name), Place(absolute.parent, home, environ))


def _decode(text: str, name: str) -> Mapping[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        line, column = error.lineno, error.colno
        message = f"not TOML: {error.msg[0].lower()}{error.msg[1:]} at line {line}, column {column}"
        problem = Problem(ProblemClass.SYNTAX, one_line(message), None, name, line, column)
    except (ValueError, RecursionError) as error:
        problem = Problem(ProblemClass.SYNTAX, f"not TOML that can be read: {error}", None, name)
    raise Unreadable(problem)


@frozen(eq=False)
class Entry:
    """A table of a file as it is to be checked.

    ``values`` holds what is written, by canonical key; ``spelled`` leads to the keys that the file writes in
    another way or at another place, ``nested`` to the tables inside. ``key`` is the path that messages give
    for the table, ``label`` the words that begin a message about one of its keys.
    """

    table: Table
    source: Source
    path: KeyPath
    key: str
    label: str
    values: Mapping[str, object] = field(repr=False)
    spelled: Mapping[str, KeyPath] = field(factory=dict, repr=False)
    nested: Mapping[str, Entry] = field(factory=dict, repr=False)

    def written(self, steps: KeyPath) -> KeyPath:
        """The path, as the file spells it, of a key below this table."""
        if not steps:
            return self.path
        return (*self.spelled.get(str(steps[0]), (*self.path, steps[0])), *steps[1:])

    def problem(self, class_: ProblemClass | None, message: str, *steps: str | int) -> Problem:
        """A problem of the key that ``steps`` lead to; ``message`` is complete."""
        key = ".".join(filter(None, (self.key, dotted(steps))))
        return self.source.problem(class_, message, key, self.written(steps))
