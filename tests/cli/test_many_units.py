"""Five thousand tasks: everything is listed once, and nothing floods the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import runwisp
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, answer, listed, problem

NAMES = [f"job-{number:04}" for number in range(5000)]


@pytest.fixture
def configured(here: Path) -> Path:
    text = "".join(f'[tasks.{name}]\ncron = "@daily"\nrun = "true"\n' for name in NAMES)
    (here / "runwisp.toml").write_text(text)
    return here


@pytest.fixture
def served(daemon: FakeDaemon) -> FakeDaemon:
    daemon.on("GET", "/api/tasks", listed([resources.task(name, description="") for name in NAMES]))
    return daemon


def test_all_are_listed_in_order(configured: Path) -> None:
    header, rule, *rows = runwisp("list").out.splitlines()
    assert [row.partition(" ")[0] for row in rows] == NAMES
    assert len(header) <= len(rule) < 80
    tasks = runwisp("list", "--json").document["tasks"]
    assert isinstance(tasks, list)
    assert [task["name"] for task in tasks] == NAMES


def test_all_are_validated(configured: Path) -> None:
    assert runwisp("validate", "--json").document["tasks"] == 5000


def test_an_unknown_name_is_answered_with_some_of_them(configured: Path) -> None:
    for command in ("exec", "runs"):
        done = runwisp(command, "nothing-like-them")
        assert done.code == 1
        assert done.err.endswith("job-0049 and 4950 more\n")
    assert "did you mean 'job-1234'?\nknown: job-0000, " in runwisp("exec", "jbo-1234").err


def test_the_status_has_all_of_them(served: FakeDaemon) -> None:
    served.on("GET", "/api/daemon", answer(resources.daemon()))
    served.on("GET", "/api/system", answer(resources.system()))
    tasks = runwisp("status", "--json").document["tasks"]
    assert isinstance(tasks, list)
    assert [task["name"] for task in tasks] == NAMES


def test_a_pattern_takes_those_that_it_means(served: FakeDaemon) -> None:
    served.on("POST", "/api/tasks/job-[0-9]+/pause", answer(resources.task()))
    done = runwisp("pause", "job-12*")
    assert done.out.splitlines() == [f"job-12{number:02}: paused" for number in range(100)]


def test_a_name_that_the_daemon_does_not_know_is_compared_with_all(served: FakeDaemon) -> None:
    served.on("POST", "/api/tasks/jbo-4321/trigger", problem(404, "not-found", "There is no such task."))
    done = runwisp("run-task", "jbo-4321")
    assert "did you mean 'job-4321'?" in done.err
    assert done.err.endswith("and 4950 more\n")
