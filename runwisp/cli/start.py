"""``runwisp start`` (spec: interfaces, stop, start, restart)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runwisp.cli.completing import units
from runwisp.cli.verbs import Verb, carry_out
from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit


@click.command("start", short_help="start services, trigger tasks")
@click.argument(
    "targets",
    metavar="TARGET...",
    nargs=-1,
    required=True,
    shell_complete=units(lambda unit: unit.api_trigger),
)
@click.pass_context
def command(ctx: click.Context, targets: Sequence[str]) -> None:
    """Start each TARGET: a task, a service, or a pattern like 'web-*'.

    A service that was stopped or given up is kept up again; what is running of it stays untouched. A task
    gets a run unless one is active or waits.

    \b
    Examples:
      runwisp start web
      runwisp start 'worker-*' nightly-backup
    """
    carry_out(ctx, targets, Verb(name="start", to_unit=_start, fits=lambda unit: unit.api_trigger))


def _start(api: Api, before: RemoteUnit) -> str:
    after = api.start(before.name)
    if before.running is not None:
        return "already running" if before.running == before.instances else "starting"
    return started(before, after) or "already active"


def started(before: RemoteUnit, after: RemoteUnit) -> str | None:
    """The run of a task that there is now and was not before, None if there is none."""
    run = after.last_run
    if run is None or (before.last_run is not None and before.last_run.id == run.id):
        return None
    return f"started run {run.id}"
