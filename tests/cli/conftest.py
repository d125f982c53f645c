from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.history import History
from tests.client.fake_daemon import FakeDaemon


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current one."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def history(here: Path) -> Iterator[History]:
    """The data directory that commands use here."""
    history = History(here / "data")
    yield history
    history.close()


@pytest.fixture
def daemon(here: Path) -> Iterator[FakeDaemon]:
    """A daemon at the control socket that commands use here."""
    (here / "data").mkdir(mode=0o700)
    with FakeDaemon(here / "data/runwisp.sock") as daemon:
        yield daemon
