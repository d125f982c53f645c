"""The global flags of one call, which may stand before and after the name of the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runwisp.cli.options import Globals, resolve

_GIVEN = "runwisp.cli.flags"


def remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep a flag that was given; the last one of its kind counts."""
    if value is not None:
        ctx.meta.setdefault(_GIVEN, {})[param.name] = value


def settings_of(ctx: click.Context) -> Globals:
    """What the flags that were given, the variables and the defaults come to.

    :raises UsageError: a value is not one that its flag can have
    """
    return resolve(ctx.meta.get(_GIVEN, {}), os.environ, Path.cwd(), os.geteuid() == 0)


def flags_of(ctx: click.Context) -> frozenset[str]:
    """The keys of the flags that were given, those that came from variables left out."""
    return frozenset(ctx.meta.get(_GIVEN, {}))


def is_debugging(meta: Mapping[str, Any]) -> bool:  # what click keeps for all contexts of a call
    """The log level is ``debug``, whatever else is wrong with the flags."""
    return (meta.get(_GIVEN, {}).get("log_level") or os.environ.get("RUNWISP_LOG_LEVEL")) == "debug"
