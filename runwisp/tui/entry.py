"""Runs the terminal UI: the only place here that takes the reactor."""

from __future__ import annotations

import logging
import time

from runwisp.client.address import Address
from runwisp.lean import import_reactor


def attach(address: Address, *, is_owner: bool) -> bool:
    """Show the daemon at ``address`` until whoever watches quits.

    :param is_owner: this program has started the daemon
    :returns: the daemon is to be shut down
    """
    import_reactor()
    from twisted.internet import reactor
    from twisted.internet.posixbase import PosixReactorBase

    from runwisp.tui.app import App, Ending
    from runwisp.tui.terminal import Terminal
    from runwisp.tui.wire import Wire

    assert isinstance(reactor, PosixReactorBase)
    # Its own clock is that of the wall, and stands still for an hour when that is set back so far.
    reactor.seconds = time.monotonic
    # What the library has to say would go across the screen.
    logging.getLogger("urwid").addHandler(logging.NullHandler())
    app = App(reactor, time.time, Wire(reactor, address), Terminal(), is_owner=is_owner)
    app.run()
    return app.ending is Ending.SHUT_DOWN
