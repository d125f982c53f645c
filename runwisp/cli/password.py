"""``runwisp password`` (spec: interfaces, password)."""

from __future__ import annotations

import click

from runwisp.cli.connecting import connected
from runwisp.cli.options import Globals
from runwisp.cli.output import say
from runwisp.client.api import Api
from runwisp.client.errors import NotFound
from runwisp.errors import AuthenticationOff, PasswordSetByOperator, RunWispError


@click.command("password", short_help="print the generated password")
@click.pass_obj
def command(settings: Globals) -> None:
    """Print the password that the running daemon has made for itself.

    The exit code is 3 if the password was set by whoever runs the daemon, who then knows it, 4 if the daemon
    does not take us for local, and 5 if it wants no password at all.

    \b
    Examples:
      runwisp password
      runwisp password --data /var/lib/runwisp
    """
    with connected(settings) as api:
        try:
            password = api.password()
        except NotFound as error:
            raise _none(api, str(error)) from error
    say(password)


def _none(api: Api, detail: str) -> RunWispError:
    return PasswordSetByOperator(detail) if api.daemon().auth_required else AuthenticationOff(detail)
