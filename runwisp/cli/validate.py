"""``runwisp validate``: the loader of the daemon, and nothing else (spec: config, validate)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from runwisp.cli.completing import files
from runwisp.cli.configuration import find_config, load_config
from runwisp.cli.documents import problem_document
from runwisp.cli.json_command import JsonCommand
from runwisp.cli.options import Globals
from runwisp.cli.output import describe_problem, paint, print_json, say
from runwisp.config.settings import Config
from runwisp.errors import ConfigErrors, ConfigNotFound, Problem, ProblemClass, RunWispError


def _failure(error: RunWispError) -> dict[str, object]:
    if isinstance(error, ConfigErrors):
        path, problems = error.path, error.problems
    else:
        class_ = ProblemClass.IO if isinstance(error, ConfigNotFound) else None
        path, problems = None, (Problem(class_, str(error)),)
    return {
        "valid": False,
        "config_path": path,
        "timezone": None,
        "timezone_source": None,
        "tasks": 0,
        "services": 0,
        "notifiers": 0,
        "warnings": [],
        "errors": [problem_document(problem) for problem in problems],
    }


@click.command("validate", cls=JsonCommand, failure=_failure, short_help="check the configuration")
@click.argument("path", required=False, shell_complete=files)
@click.pass_obj
def command(settings: Globals, path: str | None, as_json: bool) -> None:
    """Check the configuration, PATH or the one that the daemon would use, and list everything wrong with it.

    Nothing is started and nothing is written.

    \b
    Examples:
      runwisp validate
      runwisp validate --json /etc/runwisp/runwisp.toml
    """
    chosen = find_config(settings, path)
    config = load_config(chosen)
    if as_json:
        print_json(_document(chosen, config))
        return
    say(f"{paint('✓', 'success', sys.stdout)} {chosen} is valid.")
    say(f"  tasks:    {len(config.tasks)}")
    say(f"  services: {len(config.services)}")
    say(f"  notifiers: {len(config.notifiers)}")
    say(f"  timezone: {config.timezone} ({config.timezone_source})")
    for warning in config.warnings:
        say(f"{paint('!', 'warning', sys.stdout)} {describe_problem(warning)}")


def _document(path: Path, config: Config) -> dict[str, object]:
    return {
        "valid": True,
        "config_path": str(path),
        "timezone": config.timezone,
        "timezone_source": config.timezone_source,
        "tasks": len(config.tasks),
        "services": len(config.services),
        "notifiers": len(config.notifiers),
        "warnings": [problem_document(warning) for warning in config.warnings],
        "errors": [],
    }
