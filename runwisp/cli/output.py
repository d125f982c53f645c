"""What commands print: results, JSON documents, tables and errors (spec: interfaces, output).

Each stream is judged alone: it gets colour only when it is a terminal and ``NO_COLOR`` is unset.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from runwisp.errors import ConfigErrors, Problem, RunWispError, UnknownUnit

SCHEMA_VERSION = 1

#: Styles by name, as parameters of the SGR escape sequence.
SGR = {
    "success": "32",
    "danger": "31",
    "warning": "33",
    "info": "36",
    "neutral": "2",
    "badge": "1;41;97",
}

_GAP = " " * 3


def is_coloured(stream: TextIO) -> bool:
    """True if ``stream`` shows colours to a person who wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def paint(text: str, style: str, stream: TextIO) -> str:
    """``text`` in a style of :data:`SGR`, plain where ``stream`` has no colour."""
    return f"\x1b[{SGR[style]}m{text}\x1b[0m" if is_coloured(stream) else text


def say(text: str = "") -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Print a line that is not part of the result: progress, a warning, an outcome.

    What is on its way to stdout goes first, so that both streams in one file keep their order.
    """
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


def print_json(document: Mapping[str, object]) -> None:
    """Print the one JSON document of a command; the schema version is added."""
    say(json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2, ensure_ascii=False))


def print_error(error: RunWispError) -> None:
    """Print an error with everything that helps to fix it on stderr."""
    note(f"{paint('ERROR', 'badge', sys.stderr)} {error}")
    details = _details(error)
    if details:
        note("\n" + "\n".join(details))


def _details(error: RunWispError) -> list[str]:
    if isinstance(error, ConfigErrors):
        return [describe_problem(problem) for problem in error.problems]
    if isinstance(error, UnknownUnit) and error.suggestion is not None:
        return [*error.hints, error.listed]
    return [*error.hints]


def describe_problem(problem: Problem) -> str:
    """One line: place, message and, where it is known, the key."""
    return f"{problem} [{problem.key}]" if problem.key else str(problem)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[int, Sequence[str]] = {}
) -> str:
    """Columns at least three blanks apart, with a dashed rule below the header; no blanks at line ends.

    ``styles`` gives the style of each cell of a column, by the number of that column.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str], style_of: Mapping[int, str]) -> str:
        padded = []
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            shown = paint(cell, style_of[column], sys.stdout) if column in style_of else cell
            padded.append(shown + " " * (width - len(cell)))
        return _GAP.join(padded).rstrip()

    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    body = [
        line(cells, {column: names[number] for column, names in styles.items()})
        for number, cells in enumerate(rows)
    ]
    return "\n".join([line(header, {}), rule, *body])
