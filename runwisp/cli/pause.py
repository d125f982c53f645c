"""``runwisp pause`` (spec: interfaces, pause, resume)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runwisp.cli.completing import units
from runwisp.cli.verbs import Verb, carry_out
from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit


def is_pausable(unit: RemoteUnit) -> bool:
    """It has a schedule, and may be fired by hand."""
    return unit.cron is not None and unit.api_trigger


@click.command("pause", short_help="let schedules rest")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True, shell_complete=units(is_pausable))
@click.pass_context
def command(ctx: click.Context, targets: Sequence[str]) -> None:
    """Let schedules rest until they are resumed. TARGET is a task with a schedule, or a pattern like 'db-*'.

    Slots that pass meanwhile are not made up for. The tasks can still be triggered.

    \b
    Examples:
      runwisp pause nightly-backup
      runwisp pause 'db-*' reports
    """
    carry_out(
        ctx,
        targets,
        Verb(name="pause", to_unit=_pause, fits=is_pausable),
    )


def _pause(api: Api, unit: RemoteUnit) -> str:
    api.pause(unit.name)
    return "already paused" if unit.is_paused else "paused"
