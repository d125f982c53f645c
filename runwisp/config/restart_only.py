"""What to say about keys that a reload cannot apply (spec: config, reload)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runwisp.config.source import Unreadable, read_source
from runwisp.errors import Problem, ProblemClass


def restart_problems(path: Path, keys: Iterable[str]) -> list[Problem]:
    """A problem for each of the changed ``keys``, with its place in the root file ``path``.

    The place is that of the table if the key has gone from it. This reads the file, and so may block.
    """
    return [
        Problem(ProblemClass.CONFLICT, f"{key}: needs restart", key, str(path), *place)
        for key, place in _places(path, keys)
    ]


def _places(path: Path, keys: Iterable[str]) -> Iterable[tuple[str, tuple[int | None, int | None]]]:
    try:
        source = read_source(path, str(path), path.parent, {})
    except Unreadable:
        # It was good a moment ago; the reload after this one will say what is wrong with it now.
        return [(key, (None, None)) for key in keys]
    return [(key, source.locate(tuple(key.split(".")))) for key in keys]
