"""``runwisp init`` (spec: interfaces, init)."""

from __future__ import annotations

from pathlib import Path

import click

from runwisp.cli.options import Globals
from runwisp.cli.output import say
from runwisp.cli.starter import write_starter
from runwisp.config.loader import FILE_NAME


@click.command("init", short_help="write a configuration to begin with")
@click.option("-f", "--force", is_flag=True, help="Replace the file that is there.")
@click.pass_obj
def command(settings: Globals, force: bool) -> None:
    """Write a configuration with one task to try, and a schedule and a service to fill in.

    It is runwisp.toml here, unless --config names another file. A file that exists stays as it is, except
    with --force.

    \b
    Examples:
      runwisp init
      runwisp init --config /etc/runwisp/runwisp.toml
    """
    path = Path(settings.config or FILE_NAME)
    write_starter(path, is_forced=force)
    say(f"wrote {path}; `runwisp daemon` runs what it says")
