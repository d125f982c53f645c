"""Files that ``[daemon] include`` adds (spec: config, several files)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from runwisp.config.globs import compile_glob
from runwisp.config.section_fields import DAEMON, NOTIFY, SCHEDULER, STORAGE
from runwisp.config.source import Unreadable, read_source
from runwisp.config.structure import Structure, find_structure
from runwisp.config.tables import DEFAULTS
from runwisp.errors import Problem, ProblemClass

_ROOT_ONLY = (SCHEDULER, STORAGE, DAEMON, DEFAULTS, NOTIFY)
_MAGIC = frozenset("*?[\\")


def read_included(
    globs: Iterable[str], root: Structure, home: Path, environ: Mapping[str, str], problems: list[Problem]
) -> list[Structure]:
    """The files that ``globs`` match, in order, without the root file; their faults go to ``problems``."""
    found = []
    for path in matches(globs, root.source.path):
        try:
            structure = find_structure(read_source(path, str(path), home, environ, "daemon.include"))
        except Unreadable as error:
            problems.append(error.problem)
            continue
        problems += structure.problems
        problems += _refused_tables(structure, root)
        found.append(structure)
    return found


def _refused_tables(structure: Structure, root: Structure) -> Iterable[Problem]:
    for entry in structure.of(*_ROOT_ONLY):
        if "include" in entry.values:
            message = (
                f"daemon.include: only {root.source.name} may include files; drop it from {entry.source.name}"
            )
            yield entry.problem(ProblemClass.CONFLICT, message, "include")
        elif entry.values:
            message = f"{entry.table.title} belongs into {root.source.name}; drop it from {entry.source.name}"
            yield entry.problem(ProblemClass.CONFLICT, message)


def matches(globs: Iterable[str], root: Path) -> list[Path]:
    """The files that absolute ``globs`` match, sorted, without ``root``."""
    found = {os.path.normpath(path) for glob in globs for path in expand(glob)}
    return [Path(path) for path in sorted(found) if os.path.realpath(path) != os.path.realpath(root)]


def expand(glob: str) -> list[str]:
    """The paths that exist and match an absolute ``glob``; ``*`` and ``?`` do not match a leading dot."""
    paths = ["/"]
    for part in filter(None, glob.split("/")):
        paths = [found for path in paths for found in _below(path, part)]
    return paths


def _below(directory: str, part: str) -> list[str]:
    if not _MAGIC & set(part):
        path = os.path.join(directory, part)
        return [path] if os.path.lexists(path) else []
    pattern = compile_glob(part)
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return [
        os.path.join(directory, name)
        for name in names
        if pattern.fullmatch(name) and (not name.startswith(".") or part.startswith("."))
    ]
