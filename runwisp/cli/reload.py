"""``runwisp reload`` (spec: interfaces, reload)."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from runwisp.cli.connecting import connected, is_down
from runwisp.cli.options import Globals
from runwisp.cli.output import note, paint, say
from runwisp.client.errors import Unreachable
from runwisp.client.resources import Reloaded


@click.command("reload", short_help="have the daemon read its configuration again")
@click.pass_obj
def command(settings: Globals) -> None:
    """Have the running daemon read its configuration again, and list what has changed.

    It is checked first: if anything is wrong with it, the daemon goes on with what it has.

    \b
    Examples:
      runwisp reload
    """
    try:
        with connected(settings) as api:
            result = api.reload()
    except Unreachable as error:
        if not is_down(settings, error):
            raise
        note(f"no daemon runs for {settings.data}, so there is nothing to reload")
        return
    for line in _lines(result):
        say(line)


def _lines(result: Reloaded) -> Iterator[str]:
    changes = [
        *((paint("+", "success", sys.stdout), "added  ", name, "") for name in result.added),
        *(
            (paint("~", "warning", sys.stdout), "changed", name, f" ({', '.join(reasons)})")
            for name, reasons in result.changed.items()
        ),
        *((paint("-", "danger", sys.stdout), "removed", name, "") for name in result.removed),
    ]
    if not changes:
        yield "no task changes"
    for mark, verb, name, reasons in changes:
        yield f"{mark} {verb} {name}{reasons}"
    for setting in result.settings:
        yield f"{paint('~', 'warning', sys.stdout)} setting {setting}"
    for warning in result.warnings:
        yield f"{paint('!', 'warning', sys.stdout)} {warning}"
