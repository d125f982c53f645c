"""Who is compared with whom, and the alternation of both sides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from subprocess import SubprocessError

from attrs import define, field, frozen

from benchmarks.figures import Reading, Result, Row, Unmeasured, judge


class MeasurementFailed(Exception):
    """A contender did not do what was to be measured."""


@frozen
class Bench:
    """The place where contenders work.

    ``scratch`` is an empty directory on a disk, removed at the end. Peers are installed into ``tools`` and
    stay there. ``is_quick`` asks for a smaller amount of the same work.
    """

    scratch: Path
    tools: Path
    is_quick: bool


Measure = Callable[[], Reading]


@frozen
class Contender:
    """One side of a comparison. ``prepare`` sets it up and, at its end, takes everything away again."""

    name: str
    prepare: Callable[[Bench], AbstractContextManager[Measure]]


@frozen
class Contest:
    """Contenders with the same task.

    They take turns, so that drift of the machine hits all of them. Those which only sit there are watched
    ``at_once``: none disturbs another, and the wait is shared.
    """

    name: str
    contenders: tuple[Contender, ...]
    at_once: bool = False


@define
class Readings:
    """What a contest gave: the readings of each contender, and the reason why one dropped out."""

    readings: dict[str, list[Reading]] = field(factory=dict)
    failures: dict[str, str] = field(factory=dict)

    def result(self, row: Row) -> Result | Unmeasured:
        for side in (row.subject, row.peer):
            if side in self.failures:
                return Unmeasured(row, f"{side}: {self.failures[side]}")
        return judge(row, self.readings[row.subject], self.readings[row.peer])


def hold(contest: Contest, wanted: Iterable[str], bench: Bench, repetitions: int) -> Readings:
    """Let the ``wanted`` contenders take ``repetitions`` turns each."""
    names = frozenset(wanted)
    outcome = Readings()
    with ExitStack() as stack:
        measures: dict[str, Measure] = {}
        for contender in contest.contenders:
            if contender.name in names:
                try:
                    measures[contender.name] = stack.enter_context(contender.prepare(bench))
                except (MeasurementFailed, SubprocessError, OSError) as error:
                    outcome.failures[contender.name] = str(error)
                    _progress(f"{contest.name}: {contender.name}: {error}")
        for repetition in range(repetitions):
            for name, reading in _turn(measures, contest.at_once).items():
                if isinstance(reading, str):
                    outcome.failures[name] = reading
                    del measures[name]
                else:
                    outcome.readings.setdefault(name, []).append(reading)
                _progress(f"{contest.name} {repetition + 1}/{repetitions}: {name}: {_words(reading)}")
    return outcome


def _turn(measures: Mapping[str, Measure], at_once: bool) -> dict[str, Reading | str]:
    with ThreadPoolExecutor(max(1, len(measures)) if at_once else 1) as pool:
        return dict(zip(measures, pool.map(_attempt, measures.values()), strict=True))


def _attempt(measure: Measure) -> Reading | str:
    try:
        return measure()
    except (MeasurementFailed, SubprocessError, OSError) as error:
        return str(error)


def _words(reading: Reading | str) -> str:
    if isinstance(reading, str):
        return reading
    return ", ".join(f"{quantity} {figure:.4g}" for quantity, figure in reading.items())


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
