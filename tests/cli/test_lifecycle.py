"""``runwisp restart`` and ``stop`` for daemons of a service manager, which no test may have for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runwisp.cli import manager
from runwisp.cli.manager import SystemdUnit
from tests.cli.calling import Outcome, runwisp
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, answer

UNIT = SystemdUnit("runwisp.service", False)
URL = "http://127.0.0.1:9477"


@pytest.fixture
def config(here: Path) -> Path:
    """The configuration of the daemon, elsewhere."""
    (here / "etc").mkdir()
    path = here / "etc/jobs.toml"
    path.write_text('[tasks.a]\nrun = "true"\n')
    return path


@pytest.fixture
def told(config: Path, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the manager of the daemon is told to do."""
    verbs: list[str] = []
    daemon.on("GET", "/api/daemon", answer(resources.daemon(config_path=str(config), service_managed=True)))
    daemon.on("GET", "/api/system", answer(resources.system()))
    monkeypatch.setattr(manager, "unit_of", lambda cgroups: UNIT)
    monkeypatch.setattr(SystemdUnit, "tell", lambda unit, verb: verbs.append(f"{verb} {unit.name}"))
    return verbs


def test_a_daemon_of_the_manager_is_restarted_by_it(told: list[str]) -> None:
    assert runwisp("restart") == Outcome(0, f"restarted, {URL}\n", "")
    assert told == ["restart runwisp.service"]


def test_it_is_stopped_by_it_too(told: list[str]) -> None:
    assert runwisp("stop") == Outcome(0, f"stopped (process {os.getpid()})\n", "")
    assert told == ["stop runwisp.service"]


def test_it_is_left_alone_if_it_could_not_start_again(told: list[str], config: Path) -> None:
    config.write_text('[tasks.a]\nrum = "true"\n')
    done = runwisp("restart")
    assert (done.code, done.out, told) == (1, "", [])
    assert done.err.startswith(f"ERROR {config} is not valid\n\n{config}:2:1: ")


def test_what_its_configuration_takes_from_the_environment_comes_from_the_daemons(
    told: list[str], config: Path
) -> None:
    # This process stands in for the daemon, whose environment is the one that it was started with.
    config.write_text('[tasks.a]\nrun = "true"\nenv = { X = "${PATH}" }\n')
    assert runwisp("restart").code == 0
    config.write_text('[tasks.a]\nrun = "true"\nenv = { X = "${ONLY_OURS}" }\n')
    assert runwisp("restart", env={"ONLY_OURS": "1"}).code == 1
    assert told == ["restart runwisp.service"]
