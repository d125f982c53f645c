"""The daemon at the other end: how its clients get in, and how it comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.independent.session import Client
from tests.system.program import Daemon, running

PASSWORD = "open sesame"


@contextmanager
def protected(home: Path, config: str) -> Iterator[Daemon]:
    """A daemon with :data:`PASSWORD`."""
    with running(home, config, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        yield daemon


def logged_in(daemon: Daemon) -> Client:
    client = Client(daemon.port)
    client.login(PASSWORD)
    return client


def restart(daemon: Daemon, how: str) -> None:
    """Start it again after it was ``stopped`` or ``killed``."""
    if how == "stopped":
        assert daemon.stop() == 0
    else:
        daemon.kill()
    daemon.start()
