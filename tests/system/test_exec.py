"""``runwisp exec``: a task in a process of its own, seen from the shell."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from runwisp.model import EndReason
from tests.system.program import BIN, Daemon, running

pytestmark = pytest.mark.system

CONFIG = """
    [tasks.hello]
    run = "echo to stdout; echo to stderr >&2"
    [tasks.fails]
    run = "exit 5"
    [tasks.retried]
    retry_attempts = 2
    retry_delay = "0s"
    run = "test $RUNWISP_RETRY_ATTEMPT = 2"
    [tasks.dies]
    run = "kill -9 $$"
    [tasks.long]
    graceful_stop = "10s"
    run = "trap 'echo bye; exit 3' TERM; echo begun; while :; do sleep 0.05; done"
    [tasks.locked]
    api_trigger = false
    cron = "@daily"
    run = "true"
    [services.web]
    run = "sleep 600"
"""


@pytest.fixture
def idle(tmp_path: Path) -> Daemon:
    """A configuration and its data directory, with no daemon running."""
    return Daemon(tmp_path, CONFIG)


def test_the_output_appears_on_its_streams_and_the_run_is_recorded(idle: Daemon) -> None:
    result = idle.run("exec", "hello")
    assert (result.returncode, result.stdout, result.stderr) == (0, "to stdout\n", "to stderr\n")
    (run,) = idle.rows()
    assert (run.end_reason, run.triggered_by, run.trigger_source) == ("success", "api", "cli")
    assert idle.run("logs", "hello").stdout == "to stdout\n"
    assert not (idle.data / "runwisp.pid").exists()


def test_the_exit_code_is_that_of_the_task(idle: Daemon) -> None:
    assert idle.run("exec", "fails").returncode == 5


def test_a_task_ended_by_a_signal_does_not_yield_0(idle: Daemon) -> None:
    assert idle.run("exec", "dies").returncode == 1


def test_retries_are_followed_to_the_last_attempt(idle: Daemon) -> None:
    assert idle.run("exec", "retried").returncode == 0
    assert [(run.retry_attempt, run.end_reason) for run in idle.rows()] == [
        (0, "failed"),
        (1, "failed"),
        (2, "success"),
    ]


def test_with_json_stdout_is_one_document_about_the_outcome(idle: Daemon) -> None:
    result = idle.run("exec", "--json", "hello")
    document = json.loads(result.stdout)
    (run,) = idle.rows()
    assert document["run_id"] == run.id
    assert (document["end_reason"], document["exit_code"], document["is_failure"]) == ("success", 0, False)
    assert sorted(result.stderr.splitlines()) == ["to stderr", "to stdout"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("helo", "did you mean 'hello'"), ("web", "service"), ("locked", "api_trigger")],
)
def test_what_must_not_be_run_is_refused_and_nothing_is_made(idle: Daemon, name: str, says: str) -> None:
    result = idle.run("exec", name)
    assert result.returncode == 1
    assert says in result.stderr
    assert not idle.data.exists()


def test_it_is_refused_while_a_daemon_holds_the_data_directory(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        result = daemon.run("exec", "hello")
        assert result.returncode == 1
        assert f"process {daemon.process.pid}" in result.stderr
        assert daemon.rows("hello") == []
        assert daemon.stop() == 0


def test_interrupting_it_climbs_the_stop_ladder(idle: Daemon) -> None:
    process = subprocess.Popen(
        [BIN / "runwisp", "-c", idle.config, "--data", idle.data, "exec", "long"],
        cwd=idle.home,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "bye\n")
    (run,) = idle.rows()
    assert (run.end_reason, run.exit_code) == (EndReason.STOPPED, 3)
