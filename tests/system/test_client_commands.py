"""The commands that talk to a daemon, against the real one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.system.program import BIN, DEADLINE_S, Daemon, is_alive, running, wait_until

pytestmark = pytest.mark.system

LINES = 60
CONFIG = f"""
[tasks.talk]
run = "for i in $(seq {LINES}); do echo line $i; echo err $i >&2; sleep 0.03; done"

[tasks.flaky]
run = "echo attempt; if [ -e done ]; then exit 0; fi; touch done; exit 3"
retry_attempts = 2
retry_delay = "300ms"

[tasks.hopeless]
run = "exit 7"
retry_attempts = 1
retry_delay = "100ms"

[tasks.tick]
run = "echo tick"
cron = "0 2 * * *"

[tasks.locked]
run = "true"
cron = "0 2 * * *"
api_trigger = false

[tasks.sleeper]
run = "echo up; exec sleep 100"

[services.web]
run = "echo up; exec sleep 100"
instances = 2
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for all tests but those that stop it or want another configuration."""
    with running(tmp_path_factory.mktemp("shared"), CONFIG) as daemon:
        yield daemon


def call(daemon: Daemon, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``runwisp ARGS`` with nothing but ``variables`` of ours in the environment, and a home of its own."""
    return subprocess.run(
        [BIN / "runwisp", "-c", str(daemon.config), "--data", str(daemon.data), *args],
        cwd=daemon.home,
        env={"PATH": os.environ["PATH"], "HOME": str(daemon.home), **variables},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def status(daemon: Daemon, name: str) -> dict[str, Any]:
    """What ``status`` says of a unit."""
    document = json.loads(call(daemon, "status", "--json").stdout)
    found: dict[str, Any] = next(unit for unit in document["tasks"] if unit["name"] == name)
    return found


class Cable:
    """A control socket that leads to another one, and that can be pulled out."""

    def __init__(self, path: Path, target: Path) -> None:
        self.pulls = 0
        self._target = target
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        """Break every connection."""
        with self._lock:
            ends, self._ends = self._ends, []
        self.pulls += bool(ends)
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.pull()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._target))
                with self._lock:
                    self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def test_a_run_is_followed_through_streams_that_break(daemon: Daemon, tmp_path: Path) -> None:
    cable = Cable(tmp_path / "cable", daemon.data / "runwisp.sock")
    command = [str(BIN / "runwisp"), "--socket", str(tmp_path / "cable"), "run-task", "talk"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        out: list[str] = []
        assert child.stdout is not None
        for text in child.stdout:
            out.append(text.rstrip("\n"))
            if len(out) % 10 == 0:
                cable.pull()
        assert child.stderr is not None
        said = child.stderr.read().splitlines()
        assert child.wait(DEADLINE_S) == 0
    cable.close()
    assert cable.pulls >= 3
    assert out == [f"line {n}" for n in range(1, LINES + 1)]
    assert said[:-1] == [f"err {n}" for n in range(1, LINES + 1)]
    assert re.fullmatch(r"talk [0-9A-Z]{26}: success, took .*", said[-1])


def test_retries_are_followed_to_the_last_attempt(daemon: Daemon) -> None:
    done = call(daemon, "run-task", "flaky")
    assert (done.returncode, done.stdout) == (0, "attempt\nattempt\n")
    assert [line.split(": ")[1].split(",")[0] for line in done.stderr.splitlines()] == ["failed", "success"]
    done = call(daemon, "run-task", "hopeless", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["task"]) == (7, 7, "hopeless")
    assert document["run_id"] == daemon.rows("hopeless")[-1].id


def test_a_detached_run_can_be_stopped_by_its_id(daemon: Daemon) -> None:
    run_id = call(daemon, "run-task", "sleeper", "--detach").stdout.strip()
    assert call(daemon, "stop", run_id).returncode == 0
    daemon.wait_for_rows("sleeper", lambda rows: rows[-1].end_reason == "stopped", "stopped")
    done = call(daemon, "stop", run_id)
    assert done.returncode == 1
    assert run_id in done.stderr


def test_what_cannot_be_triggered_says_why(daemon: Daemon) -> None:
    done = call(daemon, "run-task", "locked")
    assert (done.returncode, done.stdout) == (1, "")
    assert "api_trigger = false" in done.stderr
    done = call(daemon, "run-task", "tikc")
    assert (done.returncode, done.stderr) == (
        1,
        "ERROR unknown task 'tikc'\n\ndid you mean 'tick'?\n"
        "known: flaky, hopeless, locked, sleeper, talk, tick, web\n",
    )


def test_a_service_is_stopped_started_and_restarted(daemon: Daemon) -> None:
    def last_runs() -> list[str]:
        return [run.id for run in daemon.rows("web") if run.status != "ended"]

    wait_until(lambda: len(last_runs()) == 2, "both replicas run")
    assert call(daemon, "stop", "web").returncode == 0
    wait_until(lambda: last_runs() == [], "stopped")
    assert call(daemon, "start", "w*").stdout == "web: starting\n"
    wait_until(lambda: len(last_runs()) == 2, "started")
    before = last_runs()
    assert call(daemon, "start", "web").stdout == "web: already running\n"
    assert call(daemon, "restart", "web").stdout == "web: restarting\n"
    wait_until(lambda: len(last_runs()) == 2 and not set(last_runs()) & set(before), "restarted")


def test_a_schedule_rests_and_goes_on(daemon: Daemon) -> None:
    assert status(daemon, "tick")["next_run_at"] is not None
    assert call(daemon, "pause", "tick").stdout == "tick: paused\n"
    assert status(daemon, "tick")["next_run_at"] is None
    assert call(daemon, "run-task", "tick").stdout == "tick\n"
    assert call(daemon, "resume", "tick").stdout == "tick: resumed\n"
    assert status(daemon, "tick")["next_run_at"] is not None
    done = call(daemon, "pause", "web", "locked")
    assert (done.returncode, done.stderr.count("ERROR")) == (1, 2)


@contextmanager
def following(daemon: Daemon, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(BIN / "runwisp"), "--data", str(daemon.data), "logs", "-f", *args]
    with subprocess.Popen(
        command, cwd=daemon.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        deadline = threading.Timer(DEADLINE_S, child.kill)
        deadline.start()
        try:
            yield child
            child.send_signal(signal.SIGINT)
            assert child.wait(DEADLINE_S) == 0
        finally:
            deadline.cancel()
            child.kill()


def test_following_shows_new_runs_and_ends_with_ctrl_c(daemon: Daemon) -> None:
    call(daemon, "run-task", "tick")
    with following(daemon, "tick") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "tick\n"
        run_id = call(daemon, "run-task", "tick", "--detach").stdout.strip()
        assert child.stdout.readline() == "tick\n"
        assert child.stderr is not None
        outcomes = [child.stderr.readline() for _ in range(2)]
    assert outcomes[1].startswith(f"tick {run_id}: success")


def test_following_a_run_ends_with_it(daemon: Daemon) -> None:
    run_id = call(daemon, "run-task", "talk", "--detach").stdout.strip()
    done = call(daemon, "logs", "-f", run_id, "--json", "-n", "1000")
    *lines, end = map(json.loads, done.stdout.splitlines())
    assert [line["n"] for line in lines] == list(range(1, 2 * LINES + 1))
    assert (end["type"], end["id"], end["end_reason"]) == ("end", run_id, "success")


def test_the_daemon_and_the_data_directory_tell_the_same(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        for name in ("flaky", "tick"):
            call(daemon, "run-task", name)
        asked = [["runs", "flaky", "tick", "--json"], ["logs", "flaky"], ["logs", "t*", "--json", "-n", "5"]]
        told = [call(daemon, *args).stdout for args in asked]
        daemon.stop()
        assert [call(daemon, *args).stdout for args in asked] == told
        assert told[1] == "attempt\n"
        done = call(daemon, "logs", "-f", "tick")
    assert (done.returncode, "no daemon answers" in done.stderr) == (1, True)


def test_a_reload_applies_what_is_good_and_refuses_what_is_not(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        assert call(daemon, "reload").stdout == "no task changes\n"
        changed = CONFIG.replace("echo tick", "echo tock") + '[tasks.new]\nrun = "true"\n'
        daemon.config.write_text(changed.replace("[tasks.sleeper]", "[tasks.rester]"))
        assert "`runwisp reload`" in call(daemon, "status").stdout
        assert call(daemon, "reload").stdout.splitlines() == [
            "+ added   new",
            "+ added   rester",
            "~ changed tick (run)",
            "- removed sleeper",
        ]
        daemon.config.write_text(changed + '[tasks.bad]\nrun = "true"\nretry_atempts = 1\n')
        done = call(daemon, "reload")
        assert (done.returncode, done.stdout) == (1, "")
        place = changed.count("\n") + 3
        assert f"runwisp.toml:{place}:1:" in done.stderr
        assert "retry_attempts" in done.stderr
        assert call(daemon, "run-task", "tick").stdout == "tock\n"
        daemon.stop()
        done = call(daemon, "reload")
        assert (done.returncode, "no daemon runs" in done.stderr) == (0, True)


def test_the_password_is_told_with_exit_codes_of_its_own(daemon: Daemon, tmp_path: Path) -> None:
    done = call(daemon, "password")
    assert (done.returncode, done.stdout) == (0, (daemon.data / "password").read_text())
    for name, variables, code in [
        ("set", {"RUNWISP_PASSWORD": "known to the operator"}, 3),
        ("off", {"RUNWISP_NO_AUTH": "1"}, 5),
    ]:
        (tmp_path / name).mkdir()
        with running(tmp_path / name, CONFIG, variables) as other:
            done = call(other, "password")
            assert (done.returncode, done.stdout) == (code, "")
            other.stop()
            assert call(other, "password").returncode == 1


def test_a_daemon_in_the_network_gets_a_login(daemon: Daemon, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{daemon.port}"
    args = ["--data", str(tmp_path), "run-task", "tick", "--url", url]
    done = call(daemon, *args, RUNWISP_PASSWORD="wrong")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"wrong password for {url}" in done.stderr
    assert call(daemon, *args).returncode == 1
    done = call(daemon, *args, RUNWISP_PASSWORD=(daemon.data / "password").read_text().strip())
    assert (done.returncode, done.stdout) == (0, "tick\n")
    assert call(daemon, *args).stdout == "tick\n"


def test_a_certificate_of_the_daemon_is_pinned(tmp_path: Path) -> None:
    config = CONFIG + '[daemon]\ntls = "auto"\n'
    with _Public(tmp_path, config) as daemon:
        url = f"https://127.0.0.1:{daemon.port}"
        done = call(daemon, "run-task", "tick", "--url", url)
        assert (done.returncode, done.stdout) == (0, "tick\n")
        pinned = re.findall(r"sha256:[0-9a-f]{64}", done.stderr)
        assert any(pinned[0] in line for line in daemon.lines)
        assert "sha256" not in call(daemon, "run-task", "tick", "--url", url).stderr
        daemon.stop()
        for file in (daemon.data / "tls").iterdir():
            file.unlink()
        daemon.start()
        done = call(daemon, "run-task", "tick", "--url", url)
        assert (done.returncode, done.stdout) == (1, "")
        assert len({pinned[0], *re.findall(r"sha256:[0-9a-f]{64}", done.stderr)}) == 2
        done = call(daemon, "run-task", "tick", "--url", url.replace("https", "http"))
        assert (done.returncode, url in done.stderr) == (1, True)


class _Public(Daemon):
    """Listens on every address."""

    def command(self) -> list[str]:
        return [*super().command(), "--host", "0.0.0.0"]


def test_the_daemon_is_restarted_and_stopped(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        started_by_hand = daemon.process.pid
        first_runs = daemon.wait_for_rows("web", lambda rows: len(rows) == 2, "up")
        done = call(daemon, "restart")
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"restarted, http://127.0.0.1:{daemon.port}\n"
        assert daemon.wait() == 0
        pid = int((daemon.data / "runwisp.pid").read_text())
        assert pid != started_by_hand
        rows = daemon.wait_for_rows("web", lambda rows: len(rows) == 4, "up again")
        assert {run.end_reason for run in rows[:2]} == {"stopped"}
        assert [run.id for run in rows[:2]] == [run.id for run in first_runs]
        done = call(daemon, "stop")
        assert (done.returncode, done.stdout) == (0, f"stopped (process {pid})\n")
        assert not is_alive(pid)
        done = call(daemon, "stop")
        assert (done.returncode, "no daemon runs" in done.stderr) == (0, True)


def test_a_daemon_that_could_not_start_again_is_not_stopped(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        daemon.config.write_text(CONFIG.replace("retry_delay", "retry_dealy"))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        done = subprocess.run(
            [BIN / "runwisp", "--data", str(daemon.data), "restart"],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"ERROR {daemon.config} is not valid\n\n{daemon.config}:")
        assert daemon.is_running
        assert call(daemon, "status").returncode == 0
        daemon.stop()
        done = call(daemon, "restart")
        assert (done.returncode, "retry_delay" in done.stderr) == (1, True)


def test_a_run_is_followed_to_its_end_through_a_restart_of_the_daemon(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        command = [str(BIN / "runwisp"), "--data", str(daemon.data), "run-task", "sleeper"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "up\n"
            daemon.stop()
            daemon.start()
            out, said = child.communicate(timeout=DEADLINE_S)
        run = daemon.rows("sleeper")[-1]
    assert (child.returncode, out) == (1, "")
    # A busy machine may take longer to start a daemon than the command waits for one.
    assert said.splitlines()[-1].startswith((f"sleeper {run.id}: stopped", "what has become of it"))


def test_a_daemon_that_does_not_come_up_again_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        done = call(daemon, "restart", RUNWISP_NO_AUTH="perhaps")
        assert done.returncode == 1
        assert "was started and has ended" in done.stderr
        assert "RUNWISP_NO_AUTH" in done.stderr
