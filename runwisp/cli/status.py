"""``runwisp status``: whether the daemon is well (spec: interfaces, status)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from runwisp.cli.connecting import transport_to
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import paint, print_json, say
from runwisp.client.transport import Transport
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

#: What the daemon has told, None if it has not.
Told = Mapping[str, Any] | None


def _failure(error: RunWispError) -> dict[str, object]:
    return {"healthy": False, **dict.fromkeys(_DAEMON), "system": None, "tasks": [], "error": str(error)}


@click.command("status", cls=JsonCommand, failure=_failure, short_help="show whether the daemon is well")
@click.pass_obj
def command(settings: Globals, as_json: bool) -> None:
    """Show whether the daemon is well; the exit code is 0 if it is, and 1 if it does not answer.

    \b
    Examples:
      runwisp status
      runwisp status --json --data /var/lib/runwisp
    """
    with transport_to(settings) as transport:
        if not transport.is_healthy():
            raise RunWispError(f"the daemon at {settings.socket} is not healthy")
        daemon, system = _told(transport, "/api/daemon"), _told(transport, "/api/system")
        units = _told(transport, "/api/tasks") if as_json else None
    if as_json:
        print_json(_document(daemon, system, units["items"] if units is not None else []))
    else:
        _show(daemon, system)


def _told(transport: Transport, path: str) -> Told:
    """What the daemon says there; health does not depend on it."""
    try:
        told: Mapping[str, Any] = transport.ask("GET", path)
    except RunWispError:
        return None
    return told


def _show(daemon: Told, system: Told) -> None:
    where = f" at :{daemon['port']}" if daemon is not None else ""
    say(f"RunWisp is {paint('healthy', 'success', sys.stdout)}{where}")
    if daemon is not None:
        say(f"  Version:  {daemon['version']}")
        say(f"  Uptime:   {span(daemon['uptime'])}")
    if system is not None:
        cores = system["cpu_cores"]
        say(f"  CPU:      {cores} {'core' if cores == 1 else 'cores'}")
        say(f"  Host:     {system['host']}")
    if daemon is not None:
        stale = ["the configuration has changed on disk; `runwisp reload` applies it"]
        for warning in [*(stale if daemon["config_stale"] else []), *daemon["config_warnings"]]:
            say(f"{paint('!', 'warning', sys.stdout)} {warning}")


def span(seconds: float) -> str:
    """How long, in the two largest units that matter: ``3h 12m``."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s" if minutes else f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"


def _document(daemon: Told, system: Told, units: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    return {
        "healthy": True,
        **(_part(daemon, _DAEMON) if daemon is not None else dict.fromkeys(_DAEMON)),
        "system": _part(system, _SYSTEM) if system is not None else None,
        "tasks": [{**_part(unit, _UNIT), "last_run": _last_run(unit["last_run"])} for unit in units],
        "error": None,
    }


def _last_run(run: Told) -> dict[str, object] | None:
    return _part(run, _LAST_RUN) if run is not None else None


def _part(told: Mapping[str, Any], keys: Sequence[str]) -> dict[str, object]:
    return {key: told[key] for key in keys}
