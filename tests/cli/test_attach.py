"""``runwisp`` alone, and ``runwisp tui``."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from attrs import define, field

from runwisp.cli import attach, showing
from runwisp.cli.options import Globals
from runwisp.cli.starter import STARTER
from runwisp.config.loader import load
from tests.cli.calling import Outcome, runwisp
from tests.client.fake_daemon import FakeDaemon, answer

CONFIG = "[tasks.hello]\nrun = 'true'\n"


@define
class Stage:
    """What was shown, started and stopped, in this order, at a terminal."""

    happened: list[str] = field(factory=list)

    def show(self, settings: Globals, *, is_owner: bool) -> None:
        self.happened.append(f"show {settings.socket.parent.name} as {'owner' if is_owner else 'guest'}")

    def spawn(self, settings: Globals, work_dir: Path) -> None:
        self.happened.append("spawn")

    def stop(self, settings: Globals, *, is_local: bool) -> None:
        self.happened.append(f"stop {settings.data.name}")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(showing, "is_interactive", lambda: True)
    monkeypatch.setattr(attach, "is_interactive", lambda: True)
    monkeypatch.setattr(attach, "show", stage.show)
    monkeypatch.setattr(attach, "spawn_daemon", stage.spawn)
    monkeypatch.setattr(attach, "when_healthy", lambda *_: None)
    monkeypatch.setattr(attach, "stop_daemon", stage.stop)
    return stage


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def other(here: Path) -> Iterator[FakeDaemon]:
    """Another daemon, which has the port."""
    with FakeDaemon(("127.0.0.1", 0)) as other:
        identity = {
            "name": "runwisp",
            "version": "9.9",
            "fingerprint": "calm-lake",
            "pid": 4711,
            "data_dir": "/srv/other",
            "config_path": "/srv/runwisp.toml",
            "socket_path": "/srv/other/runwisp.sock",
        }
        other.on("GET", "/api/daemon/identity", answer(identity))
        yield other


def test_a_daemon_that_answers_is_shown_and_stays(daemon: FakeDaemon, stage: Stage) -> None:
    assert runwisp().code == 0
    assert stage.happened == ["show data as guest"]


def test_without_a_terminal_a_daemon_that_answers_is_not_shown(daemon: FakeDaemon) -> None:
    done = runwisp()
    assert done.code == 1
    assert "needs a terminal" in done.err


def test_without_a_configuration_and_a_terminal_there_is_no_question(here: Path) -> None:
    done = runwisp()
    assert (done.code, done.out) == (1, "")
    assert "no configuration file found" in done.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("typed", ["\n", "y\n", "YES\n", "what\nyes\n"])
def test_a_configuration_to_begin_with_is_offered_and_run(
    here: Path, stage: Stage, free_port: int, typed: str
) -> None:
    done = runwisp("--port", free_port, typed=typed)
    assert done.code == 0
    assert f"{here / 'runwisp.toml'} does not exist" in done.err
    assert (here / "runwisp.toml").read_text() == STARTER
    assert load(here / "runwisp.toml", {}).warnings == ()
    assert stage.happened == ["spawn", "show data as owner"]


@pytest.mark.parametrize("typed", ["n\n", "No\n", "maybe\nn\n", ""])
def test_whoever_wants_no_configuration_gets_none(here: Path, stage: Stage, typed: str) -> None:
    assert runwisp(typed=typed).code == 0
    assert list(here.iterdir()) == []
    assert stage.happened == []


def test_a_configuration_that_is_wrong_is_told_here_and_not_in_a_log(here: Path, stage: Stage) -> None:
    (here / "runwisp.toml").write_text("[tasks.hello]\nrun = 1\n")
    done = runwisp()
    assert done.code == 1
    assert "runwisp.toml:2:1" in done.err
    assert stage.happened == []


@pytest.mark.parametrize(
    ("typed", "happened"),
    [
        ("c\n", ["show other as guest"]),
        ("connect\n", ["show other as guest"]),
        ("s\n", ["stop other", "spawn", "show data as owner"]),
        ("a\n", []),
        ("", []),
        ("x\nabort\n", []),
    ],
)
def test_whoever_has_the_port_is_told_and_one_can_choose(
    here: Path, stage: Stage, other: FakeDaemon, typed: str, happened: list[str]
) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    done = runwisp("--port", other.port, typed=typed)
    assert done.code == 0
    for fact in ("9.9", "4711", "/srv/other", "/srv/runwisp.toml"):
        assert fact in done.err
    assert stage.happened == happened


def test_without_a_terminal_the_facts_and_three_commands_are_told(here: Path, other: FakeDaemon) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    done = runwisp("--port", other.port)
    assert done.code == 1
    for part in ("4711", "runwisp tui --data /srv/other", "runwisp stop --data /srv/other", "--port N"):
        assert part in done.err


def test_a_port_that_something_else_has_is_no_question(here: Path, stage: Stage) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    with FakeDaemon(("127.0.0.1", 0)) as stranger:
        done = runwisp("--port", stranger.port)
    assert done.code == 1
    assert "the port is taken" in done.err
    assert "shows who has it" in done.err
    assert stage.happened == []


def test_a_wrong_flag_is_a_usage_error() -> None:
    done = runwisp("--port", "none")
    assert done.code == 2
    assert "see `runwisp --help`" in done.err


def test_the_terminal_ui_needs_a_daemon(here: Path) -> None:
    done = runwisp("tui")
    assert done.code == 1
    assert "runwisp daemon" in done.err


def test_the_terminal_ui_needs_a_terminal(daemon: FakeDaemon) -> None:
    done = runwisp("tui")
    assert done == Outcome(1, "", done.err)
    assert "needs a terminal" in done.err
