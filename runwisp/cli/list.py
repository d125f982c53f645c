"""``runwisp list``: the units that the configuration defines (spec: interfaces, list)."""

from __future__ import annotations

import click

from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import print_json, say, table
from runwisp.errors import RunWispError
from runwisp.model import Kind, Service, Task

HEADER = ("NAME", "SCHEDULE", "CONCURRENCY", "POLICY", "API", "DESCRIPTION")

_DESCRIPTION_WIDTH = 50


def _failure(error: RunWispError) -> dict[str, object]:
    return {"tasks": [], "error": str(error)}


@click.command("list", cls=JsonCommand, failure=_failure, short_help="list the configured tasks and services")
@click.pass_obj
def command(settings: Globals, as_json: bool) -> None:
    """List the tasks and services of the configuration by name.

    \b
    Examples:
      runwisp list
      runwisp list --json --config jobs.toml
    """
    path = find_config(settings)
    config = load_config(path)
    units: list[Task | Service] = [*config.tasks.values(), *config.services.values()]
    units.sort(key=lambda unit: unit.name)
    if as_json:
        print_json({"tasks": [_document(unit) for unit in units], "error": None})
    elif units:
        say(table(HEADER, [_row(unit) for unit in units]))
    else:
        say(f"{path} defines no tasks and no services")


def _row(unit: Task | Service) -> tuple[str, ...]:
    if isinstance(unit, Task):
        schedule, concurrency = unit.cron or "(manual)", unit.parallelism
    else:
        schedule, concurrency = f"(service x{unit.instances})", unit.instances
    api = "yes" if unit.api_trigger else "no"
    return unit.name, schedule, str(concurrency), unit.on_overlap, api, _shortened(unit.description)


def _shortened(description: str) -> str:
    line = " ".join(description.split())
    return line if len(line) <= _DESCRIPTION_WIDTH else line[: _DESCRIPTION_WIDTH - 3] + "..."


def _document(unit: Task | Service) -> dict[str, object]:
    task = unit if isinstance(unit, Task) else None
    return {
        "name": unit.name,
        "kind": Kind.SERVICE if task is None else Kind.TASK,
        "schedule": task.cron if task is not None else None,
        "parallelism": task.parallelism if task is not None else None,
        "instances": unit.instances if isinstance(unit, Service) else None,
        "on_overlap": unit.on_overlap,
        "api_trigger": unit.api_trigger,
        "group": unit.group,
        "description": unit.description,
    }
