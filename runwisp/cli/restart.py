"""``runwisp restart`` (spec: interfaces, stop, start, restart)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runwisp.cli.completing import units
from runwisp.cli.options import Globals
from runwisp.cli.start import started
from runwisp.cli.verbs import Verb, carry_out
from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit


@click.command("restart", short_help="restart services and tasks, or the daemon")
@click.argument(
    "targets", metavar="[TARGET]...", nargs=-1, shell_complete=units(lambda unit: unit.api_trigger)
)
@click.option("--local", is_flag=True, help="The daemon of your own service manager, not that of the system.")
@click.pass_context
def command(ctx: click.Context, targets: Sequence[str], local: bool) -> None:
    """Restart each TARGET: a task, a service, or a pattern like 'web-*'; without one, the daemon.

    Every replica of a service is stopped and started again. A task is stopped and then gets one new run.

    \b
    Examples:
      runwisp restart web
      runwisp restart 'worker-*'
      runwisp restart              # the daemon
    """
    if targets:
        carry_out(ctx, targets, Verb(name="restart", to_unit=_restart, fits=lambda unit: unit.api_trigger))
        return
    from runwisp.cli.lifecycle import restart_daemon

    settings: Globals = ctx.obj
    restart_daemon(settings, is_local=local)


def _restart(api: Api, before: RemoteUnit) -> str:
    after = api.restart(before.name)
    return (started(before, after) if before.running is None else None) or "restarting"
