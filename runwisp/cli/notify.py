"""``runwisp notify test`` (spec: interfaces, notify test; notifications, test message)."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress

import click

from runwisp.cli.completing import configured_notifiers, words
from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.failures import UnknownWord
from runwisp.cli.options import Globals
from runwisp.cli.output import paint, say
from runwisp.errors import NotDelivered, StorageError
from runwisp.notify.targets import find_notifier
from runwisp.store import fingerprint
from runwisp.store.connection import open_reader
from runwisp.store.datadir import DataDir

_ACTIONS = ("test",)


def _known(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value not in _ACTIONS:
        raise UnknownWord("action", value, _ACTIONS, ctx)
    return value


@click.command("notify", short_help="send a test message")
@click.argument("action", metavar="test", callback=_known, shell_complete=words(_ACTIONS))
@click.argument("notifier_id", metavar="ID", shell_complete=configured_notifiers)
@click.pass_obj
def command(settings: Globals, action: str, notifier_id: str) -> None:
    """Send one test message through the notifier ID, and show what was sent and what came back.

    ID may have a target, as in a list of notifiers. No daemon is needed, and nothing is recorded. Secrets are
    not shown. The exit code is 1 if the message is not accepted.

    \b
    Examples:
      runwisp notify test ops
      runwisp notify test 'ops:#billing'
    """
    config = load_config(find_config(settings))
    notifier = find_notifier(config.notifiers, notifier_id)
    # It takes a moment to import: a mistyped name is not to wait for it.
    from runwisp.notify.channel import Undelivered
    from runwisp.notify.trial import run_trial

    try:
        exchange = run_trial(config, notifier, _fingerprint(settings))
    except Undelivered as error:
        raise NotDelivered(str(error)) from error
    say(f"type:    {notifier.type}")
    say(f"address: {exchange.address}")
    say("sent:")
    say("\n".join(f"    {line}" for line in exchange.sent.splitlines()))
    if exchange.answer is None:
        raise NotDelivered(exchange.error or "not accepted")
    say(f"answer:  {exchange.answer}")
    say(f"{paint('✓', 'success', sys.stdout)} accepted")


def _fingerprint(settings: Globals) -> str:
    """The name of the daemon that uses the same data directory, or that one would have which starts here."""
    with suppress(StorageError), closing(open_reader(DataDir(settings.data).database)) as connection:
        known = fingerprint.find(connection.cursor(), os.environ)
        if known is not None:
            return known
    computed = fingerprint.compute(fingerprint.read_machine_id(), os.getcwd())
    return os.environ.get(fingerprint.VARIABLE) or computed
