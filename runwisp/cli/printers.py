"""Prints the lines of runs, for people and for programs (spec: interfaces, logs)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, islice
from typing import Protocol, TextIO

from runwisp.cli.documents import run_document
from runwisp.cli.output import is_coloured, note, say
from runwisp.cli.wording import outcome
from runwisp.logs.reader import LogLine
from runwisp.model import Run, Stream, UnixMs

#: Parameters of SGR for the prefixes of different units; red is left to what went wrong.
_COLOURS = ("36", "32", "33", "34", "35", "96", "92", "93", "94", "95")
_SGR = re.compile(r"\x1b\[[0-9;:]*m")
_BATCH = 500

#: json.dumps would make a new encoder for each line.
_encode = json.JSONEncoder(ensure_ascii=False).encode


def tell_rotation(run: Run, first_available: int) -> None:
    """Say that lines are gone which were asked for."""
    note(f"{run.label}: older lines are gone, the first one available is {first_available}")


class Printer(Protocol):
    """Shows the lines of runs."""

    def print(self, run: Run, lines: Iterable[LogLine]) -> None:
        """Print some lines of the run."""

    def end(self, run: Run) -> None:
        """Print what became of the run, which has ended."""


class TextPrinter:
    """Lines of stdout go to stdout, all others to stderr; with several runs each line says whose it is.

    :param runs: those that will be printed, as far as they are known
    :param is_mixed: there may be more of them
    :param stdout: where lines of stdout go instead
    """

    def __init__(
        self,
        runs: Sequence[Run],
        now: Callable[[], UnixMs],
        *,
        is_mixed: bool = False,
        stdout: TextIO | None = None,
    ) -> None:
        self._now = now
        self._stdout = stdout or sys.stdout
        self._is_mixed = is_mixed or len(runs) > 1
        self._width = max((len(run.label) for run in runs), default=0)
        self._colours: dict[str, str] = {}
        self._label = runs[0].label if runs else None

    def print(self, run: Run, lines: Iterable[LogLine]) -> None:
        for is_stdout, group in groupby(lines, lambda line: line.stream is Stream.STDOUT):
            self._write(run, group, self._stdout if is_stdout else sys.stderr)

    def end(self, run: Run) -> None:
        note(outcome(run, self._now()))

    def _write(self, run: Run, lines: Iterable[LogLine], stream: TextIO) -> None:
        keeps_style = is_coloured(stream)
        prefix = self._prefix(run, keeps_style)
        texts = (line.text if keeps_style else _SGR.sub("", line.text) for line in lines)
        while batch := "".join(f"{prefix}{text}\n" for text in islice(texts, _BATCH)):
            stream.write(batch)
        # The other stream is next, perhaps into the same file.
        stream.flush()

    def _prefix(self, run: Run, has_colour: bool) -> str:
        label = run.label
        self._label = self._label or label
        self._is_mixed = self._is_mixed or label != self._label
        if not self._is_mixed:
            return ""
        self._width = max(self._width, len(label))
        colour = self._colours.setdefault(run.task_name, _COLOURS[len(self._colours) % len(_COLOURS)])
        text = f"{label:{self._width}} | "
        return f"\x1b[{colour}m{text}\x1b[0m" if has_colour else text


class JsonPrinter:
    """One object for each line, and one for the end of each run that has ended."""

    def print(self, run: Run, lines: Iterable[LogLine]) -> None:
        for line in lines:
            document = {
                "type": "line",
                "task": run.task_name,
                "run_id": run.id,
                "n": line.n,
                "ts": line.ts,
                "stream": line.stream.name.lower(),
                "text": line.text,
            }
            say(_encode(document))
        sys.stdout.flush()

    def end(self, run: Run) -> None:
        say(_encode({"type": "end", **run_document(run)}))
        sys.stdout.flush()
