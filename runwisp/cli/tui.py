"""``runwisp tui`` (spec: interfaces, tui)."""

from __future__ import annotations

import click

from runwisp.cli.connecting import transport_to
from runwisp.cli.options import Globals
from runwisp.cli.showing import require_terminal, show
from runwisp.errors import RunWispError


@click.command("tui", short_help="show the daemon in the terminal")
@click.pass_obj
def command(settings: Globals) -> None:
    """Show the running daemon in this terminal: its tasks and services, their runs and what they print.

    It talks to the daemon over its control socket, without a password. Quitting leaves the daemon running.

    \b
    Examples:
      runwisp tui
      runwisp tui --data /var/lib/runwisp
    """
    with transport_to(settings) as transport:
        if not transport.is_healthy():
            raise RunWispError(f"the daemon at {settings.socket} is not healthy")
    require_terminal()
    show(settings, is_owner=False)
