"""``runwisp daemon``: the same program as ``twistd runwisp``, in the foreground."""

from __future__ import annotations

import click

from runwisp.cli.options import Globals


@click.command("daemon", short_help="run the daemon in the foreground")
@click.pass_obj
def command(settings: Globals) -> None:
    """Run the daemon in the foreground until SIGTERM or Ctrl-C.

    It fires the tasks and keeps the services of the configuration alive, and records every run in the data
    directory. It logs to stderr, and exits with 0 when it is asked to stop and with 1 if it cannot start.

    \b
    Examples:
      runwisp daemon
      runwisp daemon --config /etc/runwisp/runwisp.toml --data /var/lib/runwisp
    """
    from twisted.scripts._twistd_unix import ServerOptions
    from twisted.scripts.twistd import runApp

    options = ServerOptions()
    options.parseOptions(["--nodaemon", "--pidfile=", "--no_save", "runwisp", *settings.flags()])
    runApp(options)
