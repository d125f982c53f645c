"""``runwisp run-task``, against a daemon that says what it is told to."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.calling import Outcome, runwisp
from tests.client import resources
from tests.client.fake_daemon import (
    FakeDaemon,
    Hold,
    Torn,
    answer,
    event,
    line,
    listed,
    log_stream,
    problem,
    streamed,
)
from tests.client.network import PASSWORD, Gate, certificate

STARTED = resources.live_run(1)
PENDING = resources.live_run(1, status="pending", start_at=None)
ID = resources.run_id(1)
TRIGGER = "/api/tasks/backup/trigger"
LOG = f"/api/runs/{ID}/log/stream"
OUTPUT = [line(1, "one"), line(2, "two", "stderr"), line(3, "\x1b[31mthree\x1b[0m")]


def ends(run: resources.Document, *pieces: bytes) -> bytes:
    return b"".join(pieces) + event("done", {"total_lines": 3, "run": run})


@pytest.fixture
def serves(daemon: FakeDaemon) -> FakeDaemon:
    """It has a task ``backup``, whose run says something and succeeds."""
    daemon.on("POST", TRIGGER, answer(STARTED, 201))
    daemon.on("GET", "/api/tasks", listed([resources.task("backup"), resources.service("web")]))
    daemon.on("GET", LOG, streamed(event("lines", {"items": OUTPUT}, 3), ends(resources.run())))
    daemon.on("GET", "/api/runs", listed([]))
    return daemon


def test_the_output_of_the_run_is_shown_on_the_streams_that_it_used(serves: FakeDaemon) -> None:
    assert runwisp("run-task", "backup") == Outcome(
        0, "one\nthree\n", f"two\nbackup {ID}: success, took 41.6s\n"
    )
    assert serves.asked("POST", TRIGGER)[0].query == {"via": "cli"}


def test_a_run_that_has_to_wait_is_said_to(serves: FakeDaemon) -> None:
    serves.on("POST", TRIGGER, answer(PENDING, 201))
    done = runwisp("run-task", "backup")
    assert done.out == "one\nthree\n"
    assert done.err.startswith(f"backup {ID} waits until there is a slot for it\ntwo\n")


def test_output_survives_streams_that_break(serves: FakeDaemon) -> None:
    texts = [f"line {n}" for n in range(20)]
    serves.on("GET", LOG, log_stream(resources.run(), texts, iter([4, 7, 1])))
    assert runwisp("run-task", "backup").out.splitlines() == texts


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 3),
        ({"end_reason": "timeout", "exit_code": -1}, 1),
        ({"end_reason": "crashed", "exit_code": -2}, 1),
        ({"end_reason": "stopped", "exit_code": 0}, 1),
        ({"end_reason": "skipped", "exit_code": -1, "start_at": None, "duration": None}, 1),
        ({"end_reason": "of a newer daemon", "exit_code": 0}, 1),
    ],
)
def test_the_exit_code_is_that_of_the_run_and_never_0_if_it_failed(
    serves: FakeDaemon, changes: resources.Document, code: int
) -> None:
    serves.on("GET", LOG, streamed(ends(resources.failed_run(1, **changes))))
    assert runwisp("run-task", "backup").code == code


def test_retries_are_followed_to_the_last_attempt(serves: FakeDaemon) -> None:
    second = resources.live_run(2, retry_of_run_id=ID, retry_attempt=1)
    serves.on(
        "GET", LOG, streamed(event("lines", {"items": [line(1, "bad")]}, 1), ends(resources.failed_run(1)))
    )
    serves.on("GET", "/api/runs", listed([second]))
    serves.on(
        "GET",
        f"/api/runs/{resources.run_id(2)}/log/stream",
        streamed(event("lines", {"items": [line(1, "good")]}, 1), ends(resources.run(2, retry_attempt=1))),
    )
    done = runwisp("run-task", "backup")
    assert (done.code, done.out) == (0, "bad\ngood\n")
    assert f"backup {ID}: failed, exit code 3" in done.err


def test_json_is_one_document_and_the_output_goes_to_stderr(serves: FakeDaemon) -> None:
    done = runwisp("run-task", "backup", "--json")
    assert done.document == {
        "schema_version": 1,
        "task": "backup",
        "run_id": ID,
        "status": "ended",
        "end_reason": "success",
        "exit_code": 0,
        "duration": 41.568,
        "is_failure": False,
        "cpu_time": 3.41,
        "peak_memory_bytes": 48234496,
    }
    assert "one\ntwo\nthree\n" in done.err


def test_detached_the_id_is_printed_and_nothing_followed(serves: FakeDaemon) -> None:
    assert runwisp("run-task", "backup", "--detach") == Outcome(0, f"{ID}\n", "")
    assert serves.asked("GET", LOG) == []


def test_a_task_that_is_not_known_is_compared_with_those_that_are(serves: FakeDaemon) -> None:
    serves.on("POST", "/api/tasks/bakcup/trigger", problem(404, "not-found", "There is no task bakcup."))
    assert runwisp("run-task", "bakcup") == Outcome(
        1, "", "ERROR unknown task 'bakcup'\n\ndid you mean 'backup'?\nknown: backup, web\n"
    )
    serves.on("POST", "/api/tasks/xyz/trigger", problem(404, "not-found", "There is no task xyz."))
    done = runwisp("run-task", "xyz", "--json")
    assert (done.code, done.document) == (
        1,
        {"schema_version": 1, "task": "xyz", "error": "unknown task 'xyz'"},
    )
    assert "known: backup, web" in done.err


@pytest.mark.parametrize(
    ("status", "code"), [(403, "locked"), (422, "invalid"), (503, "shutting-down"), (500, "internal")]
)
def test_what_the_daemon_says_is_shown_when_it_refuses(serves: FakeDaemon, status: int, code: str) -> None:
    serves.on("POST", TRIGGER, problem(status, code, "That cannot be done."))
    assert runwisp("run-task", "backup") == Outcome(1, "", "ERROR that cannot be done\n")


def test_losing_the_daemon_while_following_is_an_error(
    serves: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runwisp.cli.run_task.time.sleep", lambda seconds: None)
    serves.on("GET", LOG, streamed(event("lines", {"items": OUTPUT[:1]}, 1), Torn), streamed())
    done = runwisp("run-task", "backup")
    assert (done.code, done.out) == (1, "one\n")
    assert "the connection was lost" in done.err
    assert f"`runwisp logs {ID}`" in done.err


@contextmanager
def interrupted(*args: str) -> Iterator[subprocess.Popen[str]]:
    """``runwisp run-task backup``, which is interrupted after its first line."""
    command = [sys.executable, "-m", "runwisp", "run-task", "backup", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        output = child.stderr if args else child.stdout
        assert output is not None
        assert output.readline() == "one\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        yield child


def test_ctrl_c_ends_following_and_not_the_run(serves: FakeDaemon) -> None:
    serves.on("GET", LOG, streamed(event("lines", {"items": OUTPUT[:1]}, 1), Hold()))
    serves.on("GET", f"/api/runs/{ID}", answer(resources.live_run()))
    with interrupted() as child:
        assert child.stderr is not None
        assert child.stderr.read() == f"\nbackup goes on; see `runwisp logs -f {ID}`\n"
    with interrupted("--json") as child:
        assert child.stdout is not None
        assert json.load(child.stdout)["status"] == "running"
    assert [request.path for request in serves.requests if request.method == "POST"] == [TRIGGER] * 2


def test_without_a_daemon_it_is_said_how_to_get_one(here: Path) -> None:
    done = runwisp("run-task", "backup")
    assert done.code == 1
    assert done.err == (
        f"ERROR no daemon answers at {here}/data/runwisp.sock: there is no such socket\n\n"
        f"there is no data directory {here}/data\n"
        "name that of the daemon with --data DIR, or start one with `runwisp daemon`\n"
    )
    (here / "data").mkdir()
    assert "start one with `runwisp daemon`" in runwisp("run-task", "backup").err


@pytest.fixture
def gate(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A daemon in the network, and an empty home."""
    monkeypatch.setenv("HOME", str(here))
    with FakeDaemon(("127.0.0.1", 0)) as daemon:
        gate = Gate(daemon)
        daemon.on("POST", TRIGGER, gate.guarded(answer(STARTED, 201)))
        yield gate


def url(gate: Gate) -> str:
    return f"http://127.0.0.1:{gate.daemon.port}"


HOME = {"XDG_CACHE_HOME": "", "XDG_STATE_HOME": ""}
ENV = {**HOME, "RUNWISP_PASSWORD": PASSWORD}


def test_a_daemon_at_a_url_gets_a_login_and_the_next_command_needs_none(gate: Gate, here: Path) -> None:
    for _ in range(2):
        done = runwisp("run-task", "backup", "--detach", "--url", url(gate), env=ENV)
        assert done == Outcome(0, f"{ID}\n", "")
    assert gate.logins == 1
    assert len(list((here / ".cache/runwisp").glob("token-*"))) == 1


def test_the_url_may_come_from_the_environment_and_the_password_from_the_data_directory(
    gate: Gate, here: Path
) -> None:
    (here / "data").mkdir()
    (here / "data/password").write_text(f"{PASSWORD}\n")
    done = runwisp("run-task", "backup", "--detach", env={**HOME, "RUNWISP_URL": url(gate)})
    assert done == Outcome(0, f"{ID}\n", "")


def test_a_wrong_password_and_too_many_attempts_are_told(gate: Gate) -> None:
    args = ["run-task", "backup", "--url", url(gate)]
    done = runwisp(*args, env={**HOME, "RUNWISP_PASSWORD": "wrong"})
    assert (done.code, done.err.splitlines()[0]) == (1, f"ERROR wrong password for {url(gate)}")
    refusal = problem(429, "rate-limited", "Too many attempts.", headers={"Retry-After": "120"})
    gate.daemon.on("POST", "/api/auth/login", refusal)
    assert runwisp(*args, env=ENV) == Outcome(1, "", "ERROR too many attempts\n\ntry again in 120 s\n")


def test_without_a_password_and_a_terminal_it_is_said_where_to_put_one(gate: Gate) -> None:
    done = runwisp("run-task", "backup", "--url", url(gate), env=HOME)
    assert done.code == 1
    assert "set RUNWISP_PASSWORD" in done.err


def test_on_a_terminal_the_password_is_asked_for_without_an_echo(gate: Gate, here: Path) -> None:
    command = [sys.executable, "-m", "runwisp", "run-task", "backup", "--detach", "--url", url(gate)]
    child, terminal = pty.fork()
    if child == 0:
        environ = {**os.environ, **HOME, "HOME": str(here)}
        environ.pop("RUNWISP_PASSWORD", None)
        os.execve(sys.executable, command, environ)
    said = b""
    while not said.endswith(b": "):
        said += os.read(terminal, 1024)
    os.write(terminal, PASSWORD.encode() + b"\n")
    while ID.encode() not in said:
        said += os.read(terminal, 1024)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert f"Password for {url(gate)}: ".encode() in said
    assert PASSWORD.encode() not in said


def test_a_changed_certificate_is_refused_with_both_fingerprints(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here))
    first, first_print, _ = certificate(here, "first")
    second, second_print, _ = certificate(here, "second")
    with FakeDaemon(("127.0.0.1", 0), first) as daemon:
        port = daemon.port
        daemon.on("POST", TRIGGER, answer(STARTED, 201))
        args = ["run-task", "backup", "--detach", "--url", f"https://127.0.0.1:{port}"]
        assert first_print in runwisp(*args, env=ENV).err
    with FakeDaemon(("127.0.0.1", port), second):
        done = runwisp(*args, env=ENV)
    assert (done.code, done.out) == (1, "")
    assert f"pinned: {first_print}\nnow:    {second_print}\n" in done.err


@pytest.mark.parametrize("address", ["localhost:9477", "ftp://localhost"])
def test_what_is_no_url_is_a_usage_error(here: Path, address: str) -> None:
    assert runwisp("run-task", "backup", "--url", address).code == 2
