"""What may stand where the cursor is: words, paths and names, for the completion of shells.

Names come from the configuration for what needs no daemon, else from the daemon. If there are none to be had
nothing is said: nobody has asked for anything yet (spec: interfaces, completion).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, TypeAlias

from click import Context, Parameter

from runwisp.cli.given import settings_of
from runwisp.cli.options import LOG_FORMATS, LOG_LEVELS
from runwisp.errors import RunWispError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from runwisp.client.resources import RemoteUnit
    from runwisp.config.settings import Config

    Items: TypeAlias = list[CompletionItem[str]]
    Completer: TypeAlias = Callable[[Context, Parameter, str], Items]

#: The environment variable that asks for completions in place of a command.
VARIABLE = "_RUNWISP_COMPLETE"

#: How long the daemon may take: whoever has pressed a key does not wait longer.
_PATIENCE_S = 0.5


def files(ctx: Context, param: Parameter, incomplete: str) -> Items:
    return [_item(incomplete, type="file")]


def directories(ctx: Context, param: Parameter, incomplete: str) -> Items:
    return [_item(incomplete, type="dir")]


def words(known: Sequence[str]) -> Completer:
    """One of the words."""
    return lambda ctx, param, incomplete: beginning(incomplete, dict.fromkeys(known, ""))


def word_lists(known: Sequence[str]) -> Completer:
    """Some of the words with commas between, of which the last one is completed."""

    def complete(ctx: Context, param: Parameter, incomplete: str) -> Items:
        head, comma, _ = incomplete.rpartition(",")
        missing = [word for word in known if word not in head.split(",")]
        return beginning(incomplete, {f"{head}{comma}{word}": "" for word in missing})

    return complete


def configured_tasks(ctx: Context, param: Parameter, incomplete: str) -> Items:
    """The tasks of the configuration that may be run by hand."""
    config = _config(ctx)
    tasks = config.tasks.values() if config is not None else ()
    return beginning(incomplete, {task.name: task.description for task in tasks if task.api_trigger})


def configured_notifiers(ctx: Context, param: Parameter, incomplete: str) -> Items:
    """The notifiers of the configuration."""
    config = _config(ctx)
    return beginning(incomplete, dict.fromkeys(config.notifiers, "") if config is not None else {})


def units(fits: Callable[[RemoteUnit], bool] = lambda unit: True) -> Completer:
    """The units of the daemon that fit and are not in the line yet."""

    def complete(ctx: Context, param: Parameter, incomplete: str) -> Items:
        given = ctx.params.get(param.name or "") or ()
        fitting = [unit for unit in _units(ctx) if unit.name not in given and fits(unit)]
        return beginning(incomplete, {unit.name: str(unit.document["description"]) for unit in fitting})

    return complete


def groups(ctx: Context, param: Parameter, incomplete: str) -> Items:
    """The groups of the daemon's units."""
    return beginning(incomplete, {unit.group: "" for unit in _units(ctx) if unit.group})


#: Of the global flags, by their keys.
OF_GLOBAL_FLAGS: Mapping[str, Completer] = {
    "config": files,
    "data": directories,
    "socket": files,
    "log_level": words(LOG_LEVELS),
    "log_format": words(LOG_FORMATS),
}


def _config(ctx: Context) -> Config | None:
    from runwisp.cli.configuration import find_config, load_config

    with suppress(RunWispError):
        return load_config(find_config(settings_of(ctx)))
    return None


def _units(ctx: Context) -> Sequence[RemoteUnit]:
    from runwisp.client.address import SocketAddress
    from runwisp.client.api import Api
    from runwisp.client.transport import Transport

    with suppress(RunWispError):
        address = SocketAddress(settings_of(ctx).socket)
        with closing(Transport(address, None, _PATIENCE_S)) as transport:
            return Api(transport).units()
    return []


def beginning(incomplete: str, found: Mapping[str, str]) -> Items:
    """Of what was found, with descriptions, that which goes on from what is there."""
    return [
        _item(name, help=" ".join(text.split()) or None)
        for name, text in found.items()
        if name.startswith(incomplete)
    ]


def _item(value: str, type: str = "plain", help: str | None = None) -> CompletionItem[str]:
    # Every command imports this module, and hardly any call completes anything.
    from click.shell_completion import CompletionItem

    return CompletionItem(value, type, help)
