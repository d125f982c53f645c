"""``runwisp status``: whether the daemon is well (spec: interfaces, status)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from runwisp.cli.connecting import connected
from runwisp.cli.documents import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import paint, print_json, say
from runwisp.client.resources import DaemonInfo, RemoteRun, RemoteUnit, SystemStats
from runwisp.errors import RunWispError

_DAEMON = (
    "version",
    "port",
    "external_url",
    "fingerprint",
    "config_stale",
    "config_warnings",
    "resolved_timezone",
    "timezone_source",
)
_SYSTEM = ("uptime", "cpu_cores", "host", "os", "arch", "work_dir")
_UNIT = ("name", "kind", "cron", "api_trigger", "next_run_at")
_LAST_RUN = (
    "id",
    "status",
    "end_reason",
    "exit_code",
    "triggered_by",
    "start_at",
    "end_at",
    "duration",
    "is_failure",
    "next_retry_at",
)

T = TypeVar("T")


def _failure(error: RunWispError) -> dict[str, object]:
    return {"healthy": False, **dict.fromkeys(_DAEMON), "system": None, "tasks": [], "error": str(error)}


@click.command("status", cls=JsonCommand, failure=_failure, short_help="show whether the daemon is well")
@click.pass_obj
def command(settings: Globals, as_json: bool) -> None:
    """Show whether the daemon is well; the exit code is 0 if it is, and 1 if it does not answer.

    Example: runwisp status --data /var/lib/runwisp
    """
    with connected(settings) as api:
        if not api.is_healthy():
            raise RunWispError(f"the daemon at {settings.socket} is not healthy")
        daemon, system = _if_told(api.daemon), _if_told(api.system)
        units = _if_told(api.units) if as_json else None
    if as_json:
        print_json(_document(daemon, system, units or []))
    else:
        _show(daemon, system)


def _if_told(ask: Callable[[], T]) -> T | None:
    """The answer; health does not depend on it."""
    try:
        return ask()
    except RunWispError:
        return None


def _show(daemon: DaemonInfo | None, system: SystemStats | None) -> None:
    where = f" at :{daemon.port}" if daemon is not None else ""
    say(f"RunWisp is {paint('healthy', 'success', sys.stdout)}{where}")
    if daemon is not None:
        say(f"  Version:  {daemon.version}")
        say(f"  Uptime:   {span(daemon.uptime)}")
    if system is not None:
        say(f"  CPU:      {system.cpu_cores} {'core' if system.cpu_cores == 1 else 'cores'}")
        say(f"  Host:     {system.host}")
    if daemon is not None:
        stale = ["the configuration has changed on disk; `runwisp reload` applies it"]
        for warning in [*(stale if daemon.config_stale else []), *daemon.config_warnings]:
            say(f"{paint('!', 'warning', sys.stdout)} {warning}")


def span(seconds: float) -> str:
    """How long, in the two largest units that matter: ``3h 12m``."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s" if minutes else f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"


def _document(
    daemon: DaemonInfo | None, system: SystemStats | None, units: Sequence[RemoteUnit]
) -> dict[str, object]:
    return {
        "healthy": True,
        **{key: daemon.document.get(key) if daemon is not None else None for key in _DAEMON},
        "system": {key: system.document.get(key) for key in _SYSTEM} if system is not None else None,
        "tasks": [
            {**{key: unit.document.get(key) for key in _UNIT}, "last_run": _last_run(unit.last_run)}
            for unit in units
        ],
        "error": None,
    }


def _last_run(run: RemoteRun | None) -> dict[str, object] | None:
    return {key: run.document.get(key) for key in _LAST_RUN} if run is not None else None
