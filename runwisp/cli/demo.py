"""``runwisp demo``: a daemon with a past to look at, gone afterwards (spec: interfaces, demo)."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from random import Random

import click
from attrs import evolve

from runwisp.cli.given import flags_of
from runwisp.cli.options import Globals
from runwisp.cli.output import note, say
from runwisp.errors import CannotListen, RunWispError
from runwisp.units import now_ms

#: Flags that say where a demo lies, which is nobody's business unless it is to stay.
_PLACES = ("config", "data", "socket")


@click.command("demo", short_help="try a made-up shop")
@click.option("--no-tui", is_flag=True, help="Leave the daemon running in the background.")
@click.option("--seed-only", is_flag=True, help="Write the files to --config and --data, and start nothing.")
@click.pass_context
def command(ctx: click.Context, no_tui: bool, seed_only: bool) -> None:
    """Start a daemon with made-up tasks, services and some hundred runs, and show it in the terminal.

    Its files are in a temporary directory, which is removed when the daemon is stopped.

    \b
    Examples:
      runwisp demo
      runwisp demo --no-tui --port 8080
    """
    settings: Globals = ctx.obj
    if seed_only:
        if no_tui:
            raise click.UsageError("--seed-only starts nothing that --no-tui could leave alone", ctx)
        _write(Path(settings.config or "runwisp.toml"), settings.data)
        say(f"wrote {settings.config or 'runwisp.toml'} and a past in {settings.data}")
        return
    for key in _PLACES:
        if key in flags_of(ctx):
            raise click.UsageError(f"--{key} goes with --seed-only: a demo is in a directory of its own", ctx)
    if not no_tui:
        from runwisp.cli.showing import require_terminal

        require_terminal()
    _run(settings, is_shown=not no_tui)


def _run(settings: Globals, *, is_shown: bool) -> None:
    """Start the daemon in a new directory, and show it or leave it."""
    from runwisp.cli.lifecycle import START_S, spawn_daemon, when_healthy

    note("starting the demo")
    home = Path(tempfile.mkdtemp(prefix="runwisp-demo-"))
    child = None
    try:
        data = home / "data"
        config = home / "runwisp.toml"
        settings = evolve(
            settings, config=str(config), data=data, socket=data / "runwisp.sock", port=_port(settings)
        )
        _write(config, data)
        child = spawn_daemon(settings, home, is_work_dir_removed=True)
        url = when_healthy(settings, START_S, child).url
    except BaseException:
        if child is not None and child.poll() is None:
            # The shell that waits for the daemon, and the daemon with it.
            os.killpg(child.pid, signal.SIGTERM)
        shutil.rmtree(home)
        raise
    try:
        if is_shown:
            from runwisp.cli.showing import show

            show(settings, is_owner=True)
    finally:
        if _is_over(data):
            child.wait()
        else:
            _tell(url, data)


def _is_over(data: Path) -> bool:
    """No daemon uses the directory, which may be gone."""
    from runwisp.store.datadir import DataDir

    return DataDir(data).owner() is None


def _tell(url: str, data: Path) -> None:
    say(f"the demo is at {url}")
    note(f"to see it here:     runwisp tui --data {data}")
    note(f"for its password:   runwisp password --data {data}")
    note(f"to end it:          runwisp stop --data {data}")


def _write(config: Path, data: Path) -> None:
    """Write the configuration, and into the data directory what its units have done so far.

    :raises RunWispError: there is something already
    """
    from runwisp.cli.starter import write_starter
    from runwisp.config.loader import load
    from runwisp.demo.history import seed
    from runwisp.store.datadir import DataDir

    if DataDir(data).database.exists():
        raise RunWispError(f"{data} has a past already")
    write_starter(config, files("runwisp.demo").joinpath("runwisp.toml").read_text("utf-8"))
    seed(load(config, os.environ), DataDir(data), now_ms(time.time), Random())


def _port(settings: Globals) -> int:
    """The one that was asked for, else the usual one or any that is free.

    :raises CannotListen: the one that was asked for is taken
    """
    from runwisp.cli.port import check_port, free_port

    try:
        check_port(settings.host, settings.port)
    except CannotListen:
        if "port" in settings.given:
            raise
        return free_port(settings.host)
    return settings.port
