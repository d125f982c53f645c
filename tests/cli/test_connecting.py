"""What is said where no daemon answers."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest

from tests.cli.calling import runwisp
from tests.client.fake_daemon import FakeDaemon, Reply, Request


@pytest.fixture
def closing(daemon: FakeDaemon) -> FakeDaemon:
    """It closes every connection without a byte, as a daemon does with users that it does not know."""

    def hang_up(request: Request) -> Reply:
        daemon.hang_up()
        return Reply()

    daemon.on("GET", "/health", hang_up)
    return daemon


def test_nobody_listens_at_a_socket_that_was_left_behind(here: Path) -> None:
    (here / "data").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(here / "data/runwisp.sock"))
    done = runwisp("status")
    assert done.code == 1
    assert done.err == (
        f"ERROR no daemon answers at {here}/data/runwisp.sock: connection refused\n\n"
        "start one with `runwisp daemon`, or name the data directory of the daemon with --data DIR\n"
    )


def test_who_is_not_let_in_is_told_whose_daemon_it_is(
    closing: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = os.geteuid()
    monkeypatch.setattr("runwisp.cli.connecting.os.geteuid", lambda: owner + 1)
    done = runwisp("status")
    assert (done.code, done.out) == (1, "")
    assert f"try `sudo -u {pwd.getpwuid(owner).pw_name} runwisp" in done.err


def test_a_daemon_of_our_own_that_closes_is_one_with_a_reason(closing: FakeDaemon) -> None:
    done = runwisp("status")
    assert "the connection was closed without an answer\n\nits log says why\n" in done.err


def test_a_daemon_that_does_not_answer_is_not_taken_for_none(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runwisp.client.transport.HEALTH_TIMEOUT_S", 0.05)
    (here / "data").mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(here / "data/runwisp.sock"))
        silent.listen()
        done = runwisp("status")
    assert done.code == 1
    assert "it takes too long\n\nits log says what it is doing" in done.err


def test_a_socket_elsewhere_is_named(here: Path) -> None:
    assert f"no daemon answers at {here}/x.sock" in runwisp("status", "--socket", "x.sock").err
