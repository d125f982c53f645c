"""``runwisp resume`` (spec: interfaces, pause, resume)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runwisp.cli.completing import units
from runwisp.cli.verbs import Verb, carry_out
from runwisp.client.api import Api
from runwisp.client.resources import RemoteUnit


@click.command("resume", short_help="end the rest of schedules")
@click.argument(
    "targets", metavar="TARGET...", nargs=-1, required=True, shell_complete=units(lambda unit: unit.is_paused)
)
@click.pass_context
def command(ctx: click.Context, targets: Sequence[str]) -> None:
    """Let each TARGET follow its schedule again, from its next slot on.

    \b
    Examples:
      runwisp resume nightly-backup
      runwisp resume '*'
    """
    carry_out(ctx, targets, Verb(name="resume", to_unit=_resume, fits=lambda unit: unit.cron is not None))


def _resume(api: Api, unit: RemoteUnit) -> str:
    api.resume(unit.name)
    return "resumed" if unit.is_paused else "was not paused"
