"""Shows a daemon in the terminal UI."""

from __future__ import annotations

import sys

from runwisp.cli.options import Globals
from runwisp.client.address import SocketAddress
from runwisp.errors import RunWispError


def show(settings: Globals, *, is_owner: bool) -> None:
    """Show the daemon that answers at the socket, and stop it afterwards if that is wanted."""
    from runwisp.tui.entry import attach

    if attach(SocketAddress(settings.socket), is_owner=is_owner):
        from runwisp.cli.lifecycle import stop_daemon

        stop_daemon(settings, is_local=False)


def require_terminal() -> None:
    """
    :raises RunWispError: nobody would see the screen, or no key could be pressed
    """
    if not is_interactive():
        error = RunWispError("the terminal UI needs a terminal at its input and output")
        error.hints = ["`runwisp status` and `runwisp runs` do without"]
        raise error


def is_interactive() -> bool:
    """A person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
