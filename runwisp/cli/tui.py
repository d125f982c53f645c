"""``runwisp tui`` (spec: interfaces, tui)."""

from __future__ import annotations

import click

from runwisp.cli.connecting import transport_to
from runwisp.cli.options import Globals
from runwisp.client.address import SocketAddress
from runwisp.errors import RunWispError


@click.command("tui", short_help="show the daemon in the terminal")
@click.pass_obj
def command(settings: Globals) -> None:
    """Show the running daemon in this terminal: its tasks and services, their runs and what they print.

    It talks to the daemon over its control socket, without a password. Quitting leaves the daemon running.

    Example: runwisp tui --data /var/lib/runwisp
    """
    with transport_to(settings) as transport:
        if not transport.is_healthy():
            raise RunWispError(f"the daemon at {settings.socket} is not healthy")
    require_terminal()
    from runwisp.tui.entry import attach

    attach(SocketAddress(settings.socket), is_owner=False)


def require_terminal() -> None:
    """
    :raises RunWispError: nobody would see the screen, or no key could be pressed
    """
    from runwisp.cli.output import is_interactive

    if not is_interactive():
        raise RunWispError("the terminal UI needs a terminal at its input and output")
