"""Carries out a verb on each of several targets (spec: interfaces, stop, start, restart; pause, resume)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial

import click
from attrs import frozen

from runwisp.cli.connecting import connected
from runwisp.cli.options import Globals
from runwisp.cli.output import note, paint, say
from runwisp.cli.targets import is_pattern, is_run_id, no_match
from runwisp.client.api import Api
from runwisp.client.errors import Unreachable
from runwisp.client.resources import RemoteUnit
from runwisp.config.suggest import closest
from runwisp.errors import RunWispError, UnknownUnit
from runwisp.model import RunId


@frozen(kw_only=True)
class Verb:
    """What is done to a unit or a run; both functions return the line that says so.

    ``fits`` tells which of the units that a pattern matches are meant. ``to_run`` is None if the verb does
    not go with runs.
    """

    name: str
    to_unit: Callable[[Api, RemoteUnit], str]
    fits: Callable[[RemoteUnit], bool]
    to_run: Callable[[Api, RunId], str] | None = None


def carry_out(ctx: click.Context, targets: Sequence[str], verb: Verb) -> None:
    """Do it to each target, in their order; leave with 1 if any of them fails.

    :raises UsageError: one of the targets is a run, and the verb does not go with runs
    """
    for target in targets:
        if is_run_id(target) and verb.to_run is None:
            raise click.UsageError(f"{target} is a run; {verb.name} takes names and patterns", ctx)
    settings: Globals = ctx.obj
    is_complete = True
    with connected(settings) as api:
        units = {unit.name: unit for unit in api.units()}
        done: set[str] = set()
        for target in targets:
            for name, action in _actions(api, units, target, verb):
                if name not in done:
                    done.add(name)
                    is_complete &= _attempt(name, action)
    if not is_complete:
        ctx.exit(1)


def _actions(
    api: Api, units: dict[str, RemoteUnit], target: str, verb: Verb
) -> Iterator[tuple[str, Callable[[], str]]]:
    """What the target means: names of units or runs, each with what is to be done."""
    if verb.to_run is not None and is_run_id(target):
        yield target, partial(verb.to_run, api, RunId(target))
    elif is_pattern(target):
        meant = [unit for unit in units.values() if fnmatchcase(unit.name, target) and verb.fits(unit)]
        for unit in meant:
            yield unit.name, partial(verb.to_unit, api, unit)
        if not meant:
            yield (
                target,
                partial(_fail, no_match(f"nothing to {verb.name} matches {target!r}", target, units)),
            )
    elif target in units:
        yield target, partial(verb.to_unit, api, units[target])
    else:
        yield target, partial(_fail, UnknownUnit(target, units, closest(target, units)))


def _fail(error: RunWispError) -> str:
    raise error


def _attempt(name: str, action: Callable[[], str]) -> bool:
    """Do it and print the line about it; False if it fails."""
    try:
        line = action()
    except Unreachable:
        raise
    except RunWispError as error:
        note(f"{paint('ERROR', 'badge', sys.stderr)} {_sentence(name, error)}")
        return False
    say(f"{name}: {line}")
    return True


def _sentence(name: str, error: RunWispError) -> str:
    """What is wrong with the target, in one line."""
    sentence = str(error) if name in str(error) else f"{name}: {error}"
    return "; ".join([sentence, *error.hints])
