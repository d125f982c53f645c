"""What targets mean: names, globs and run ids (spec: interfaces, stop, start, restart; logs)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from attrs import field, frozen

from runwisp.cli.source import Source
from runwisp.config.suggest import closest
from runwisp.errors import RunWispError, UnknownUnit
from runwisp.model import Run, RunId

_MARKS = re.compile(r"[*?\[\]^]")
_RUN_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def is_run_id(target: str) -> bool:
    """The target is the id of a run, not a name or a pattern."""
    return _RUN_ID.fullmatch(target) is not None


def is_pattern(target: str) -> bool:
    """The target is matched against names."""
    return any(mark in target for mark in "*?[")


def no_match(sentence: str, pattern: str, names: Iterable[str]) -> RunWispError:
    """The error of a pattern that none of the names matches, with the name nearest to it."""
    error = RunWispError(sentence)
    nearest = closest(_MARKS.sub("", pattern), names)
    error.hints = [f"did you mean {nearest!r}?"] if nearest is not None else []
    return error


@frozen
class Choice:
    """The runs to show, each once; units that have none yet; and what is wrong with some of the targets."""

    runs: list[Run] = field(factory=list)
    idle_names: list[str] = field(factory=list)
    errors: list[RunWispError] = field(factory=list)


def choose_runs(source: Source, targets: Sequence[str]) -> Choice:
    """The runs that ``targets`` mean, in their order.

    A name or glob stands for the running runs of its units, oldest first, or for the latest ended one.
    """
    choice = Choice()
    for target in targets:
        try:
            runs, idle_names = _choose(source, target)
        except RunWispError as error:
            choice.errors.append(error)
            continue
        choice.runs.extend(run for run in runs if run not in choice.runs)
        choice.idle_names.extend(idle_names)
    return choice


def check_names(source: Source, names: Collection[str]) -> None:
    """Raise for the first name that is neither configured nor has runs.

    :raises UnknownUnit: with the closest known name
    """
    for name in names:
        if not source.knows(name):
            known = source.names()
            raise UnknownUnit(name, known, closest(name, known))


def _choose(source: Source, target: str) -> tuple[list[Run], list[str]]:
    if is_run_id(target):
        run = source.run(RunId(target))
        if run is None:
            raise RunWispError(f"there is no run {target}")
        return [run], []
    by_name = {name: source.active_or_latest(name) for name in _matching(source, target)}
    runs = [run for runs in by_name.values() for run in runs]
    return runs, [name for name, runs in by_name.items() if not runs]


def _matching(source: Source, target: str) -> Iterator[str]:
    if not is_pattern(target):
        check_names(source, [target])
        yield target
        return
    names = [name for name in source.names() if fnmatchcase(name, target)]
    if not names:
        raise no_match(f"no task or service matches {target!r}", target, source.names())
    yield from names
