"""``runwisp stop`` (spec: interfaces, stop, start, restart)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runwisp.cli.completing import units
from runwisp.cli.options import Globals
from runwisp.cli.verbs import Verb, carry_out
from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit
from runwisp.model import RunId, Status


@click.command("stop", short_help="stop services, tasks and runs, or the daemon")
@click.argument("targets", metavar="[TARGET]...", nargs=-1, shell_complete=units())
@click.option("--local", is_flag=True, help="The daemon of your own service manager, not that of the system.")
@click.pass_context
def command(ctx: click.Context, targets: Sequence[str], local: bool) -> None:
    """Stop each TARGET: a task, a service, a pattern like 'web-*', or the id of a run; else the daemon.

    A service stays down until it or the daemon is started. Of a task all runs are stopped, waiting ones and
    retries too; its schedule goes on.

    \b
    Examples:
      runwisp stop web
      runwisp stop 'worker-*' 01JA9XQ4Z6M8T2V7C3K5N0RK7Q
      runwisp stop                 # the daemon
    """
    if targets:
        carry_out(ctx, targets, Verb(name="stop", to_unit=_stop, fits=lambda unit: True, to_run=_stop_run))
        return
    from runwisp.cli.lifecycle import stop_daemon

    settings: Globals = ctx.obj
    stop_daemon(settings, is_local=local)


def _stop(api: Api, unit: RemoteUnit) -> str:
    return "stopping" if api.stop(unit.name).is_active else "stopped"


def _stop_run(api: Api, run_id: RunId) -> str:
    return "stopped" if api.stop_run(run_id).status is Status.ENDED else "stopping"
