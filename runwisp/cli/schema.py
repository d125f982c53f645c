"""``runwisp schema``: the JSON Schema of the configuration (spec: config, schema)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import runwisp


@click.command("schema", short_help="print the JSON Schema of the configuration")
def command() -> None:
    """Print the JSON Schema of runwisp.toml, for editors and other programs.

    \b
    Examples:
      runwisp schema > runwisp.schema.json
    """
    path = Path(runwisp.__file__).parent / "config" / "runwisp.schema.json"
    sys.stdout.buffer.write(path.read_bytes())
