"""The real daemon, started by twistd, with real processes."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from runwisp.model import EndReason, Run, Status
from tests.system.program import BIN, Daemon, is_alive, reserve_port, running, runwisp, wait_until

pytestmark = pytest.mark.system

STUBBORN = "trap '' TERM; echo armed; while :; do sleep 0.1; done"


def ended(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.ENDED]


def in_flight(rows: list[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.RUNNING and run.process_group is not None]


def printed(daemon: Daemon, run: Run) -> str:
    return daemon.run("logs", run.id).stdout


def test_it_runs_tasks_keeps_services_and_records_everything(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        run = "echo out; echo err >&2"
        [tasks.fails]
        cron = "* * * * * *"
        run = "exit 7"
        [tasks.nothing]
        cron = "* * * * * *"
        working_dir = "/does/not/exist"
        run = "true"
        [services.web]
        instances = 3
        restart_delay = "0s"
        run = "sleep 0.3"
    """
    with running(tmp_path, config) as daemon:
        tick = daemon.wait_for_rows("tick", lambda rows: len(ended(rows)) >= 2, "two slots")[0]
        assert (tick.end_reason, tick.exit_code, tick.triggered_by) == ("success", 0, "cron")
        out = daemon.run("logs", tick.id)
        assert (out.stdout, out.stderr.splitlines()[0]) == ("out\n", "err")
        fails = daemon.wait_for_rows("fails", lambda rows: bool(ended(rows)), "one slot")[0]
        assert (fails.end_reason, fails.exit_code, fails.is_failure) == ("failed", 7, True)
        nothing = daemon.wait_for_rows("nothing", lambda rows: bool(ended(rows)), "one slot")[0]
        assert (nothing.end_reason, nothing.exit_code) == ("failed", -1)
        assert nothing.message is not None
        assert "/does/not/exist" in nothing.message
        web = daemon.wait_for_rows("web", lambda rows: len(ended(rows)) >= 6, "each replica twice")
        assert {run.replica_index for run in web} == {0, 1, 2}
        assert daemon.stop() == 0
        assert all(run.status is Status.ENDED for run in daemon.rows())
        slots = [run.created_at // 1000 for run in daemon.rows("tick")]
        assert slots == list(range(slots[0], slots[0] + len(slots)))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_shutdown_stops_every_process_and_exits_with_0(tmp_path: Path, signum: signal.Signals) -> None:
    config = f"""
        [services.tree]
        instances = 2
        run = "sleep 600 & sleep 601 & wait"
        [services.stubborn]
        graceful_stop = "200ms"
        run = "{STUBBORN}"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: len(in_flight(daemon.rows())) == 3, "all processes")
        stubborn = in_flight(daemon.rows("stubborn"))[0]
        wait_until(lambda: "armed" in printed(daemon, stubborn), "the trap")
        assert daemon.stop(signum) == 0
        assert daemon.said("stopped took=")
        assert [run.end_reason for run in daemon.rows()] == [EndReason.STOPPED] * 3
        sessions = {run.process_group for run in daemon.rows()}
    assert not [pid for pid in processes() if is_alive(pid) and session_of(pid) in sessions]
    assert not (daemon.data / "runwisp.pid").exists()


def test_what_outlives_the_shutdown_timeout_is_killed_and_says_so(tmp_path: Path) -> None:
    config = f"""
        [daemon]
        shutdown_timeout = "300ms"
        [services.stubborn]
        graceful_stop = "1h"
        run = "{STUBBORN}"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: bool(in_flight(daemon.rows())), "the process")
        wait_until(lambda: "armed" in printed(daemon, daemon.rows()[0]), "the trap")
        assert daemon.stop() == 0
        assert [run.end_reason for run in daemon.rows()] == [EndReason.DAEMON_STOPPED]


def test_a_second_signal_kills_at_once_and_exits_with_1(tmp_path: Path) -> None:
    config = f"""
        [services.stubborn]
        graceful_stop = "1h"
        run = "{STUBBORN}"
        [daemon]
        shutdown_timeout = "1h"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: bool(in_flight(daemon.rows())), "the process")
        wait_until(lambda: "armed" in printed(daemon, daemon.rows()[0]), "the trap")
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.said("shutting down"), "the first signal")

        def signalled_again_until_it_counts() -> bool:
            daemon.process.send_signal(signal.SIGTERM)
            return daemon.said("second signal")

        wait_until(signalled_again_until_it_counts, "a second signal that is not the first one twice")
        assert daemon.wait() == 1
        assert [run.status for run in daemon.rows()] == [Status.ENDED]


def test_a_hangup_makes_it_reload_and_does_not_end_it(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.said("reloaded"), "the reload")
        assert daemon.stop() == 0


def test_after_a_kill_the_run_is_crashed_its_log_complete_and_its_process_gone(tmp_path: Path) -> None:
    config = """
        [services.s]
        run = "echo one; echo two >&2; printf half; sleep 600"
    """
    with Daemon(tmp_path, config) as daemon:
        run = daemon.wait_for_rows("s", lambda rows: bool(in_flight(rows)), "the process")[0]
        assert run.process_group is not None
        wait_until(lambda: bool(list(daemon.data.glob("logs/s/*.part"))), "the half line")
        daemon.kill()
        assert is_alive(run.process_group)
        daemon.start()
        crashed, again = daemon.wait_for_rows("s", lambda rows: len(in_flight(rows)) == 1, "the restart")
        assert (crashed.id, crashed.end_reason, crashed.exit_code) == (run.id, "crashed", -2)
        assert crashed.is_failure
        assert not is_alive(run.process_group)
        assert again.start_at is not None
        assert crashed.end_at is not None
        assert again.start_at >= crashed.end_at
        log = daemon.run("logs", run.id)
        assert log.stdout.splitlines()[:2] == ["one", "half"]
        assert "two" in log.stderr
        assert "the daemon died" in log.stdout + log.stderr


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon:
        other = subprocess.run(daemon.command(), cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert other.returncode == 1
        assert f"process {daemon.process.pid}" in other.stderr
        assert daemon.stop() == 0


def test_every_problem_of_a_broken_file_is_listed_before_anything_is_touched(tmp_path: Path) -> None:
    config = """
        [tasks.a]
        cron = "61 * * * *"
        run = "true"
        timeout = "-1s"
        [services.b]
        run = "true"
        instances = 0
    """
    daemon = Daemon(tmp_path, config).start(is_ready=False)
    assert daemon.wait() == 1
    for key in ("tasks.a.cron", "tasks.a.timeout", "services.b.instances"):
        assert daemon.said(key), daemon.lines
    assert not daemon.data.exists()


def test_a_missing_file_exits_with_1_and_names_what_was_tried(tmp_path: Path) -> None:
    result = runwisp("--data", "data", "daemon", cwd=tmp_path)
    assert result.returncode == 1
    assert str(tmp_path / "runwisp.toml") in result.stderr
    assert not (tmp_path / "data").exists()


def test_runwisp_daemon_is_the_same_program(tmp_path: Path) -> None:
    (tmp_path / "runwisp.toml").write_text('[services.s]\nrun = "exec sleep 600"\n')
    command = [str(BIN / "runwisp"), "daemon", "--port", str(reserve_port()), "--log-format", "json"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if '"msg": "run started"' in line:
            break
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    assert '"msg": "stopped"' in rest


def test_a_wall_clock_set_back_does_not_hold_a_timeout(tmp_path: Path) -> None:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    step = tmp_path / "step"
    step.write_text("+0")
    environ = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(step),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    config = """
        [tasks.long]
        cron = "* * * * * *"
        on_overlap = "skip"
        timeout = "2s"
        env_base = "clean"
        run = "exec sleep 600"
    """
    with running(tmp_path, config, environ) as daemon:
        run = daemon.wait_for_rows("long", lambda rows: bool(in_flight(rows)), "the start")[0]
        step.write_text("-3600")
        rows = daemon.wait_for_rows(
            "long", lambda rows: any(row.id == run.id for row in ended(rows)), "the timeout"
        )
        assert rows[0].end_reason is EndReason.TIMEOUT
        assert daemon.stop() == 0


def test_the_service_manager_hears_ready_status_watchdog_and_stopping(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        environ = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "300000",
            "CREDENTIALS_DIRECTORY": "/nowhere",
            "RUNWISP_PASSWORD": "secret",
        }
        config = """
            [tasks.env]
            cron = "* * * * * *"
            run = "env"
        """
        heard: list[str] = []

        def hear_until(wanted: str) -> None:
            while not heard or not heard[-1].startswith(wanted):
                heard.append(manager.recv(4096).decode())

        with running(tmp_path, config, environ) as daemon:
            hear_until("WATCHDOG=1")
            assert heard[0] == "READY=1"
            assert heard[1].startswith("STATUS=1 tasks")
            hear_until("WATCHDOG=1")
            env = daemon.wait_for_rows("env", lambda rows: bool(ended(rows)), "a slot")[0]
            assert daemon.stop() == 0
            hear_until("EXTEND_TIMEOUT_USEC=10000000")
            assert "STOPPING=1" in heard
            names = {line.partition("=")[0] for line in printed(daemon, env).splitlines()}
    assert not names & {*environ, "WATCHDOG_PID", "LISTEN_FDS", "INVOCATION_ID", "JOURNAL_STREAM"}
    assert {name for name in names if name.startswith("RUNWISP_")} == {
        "RUNWISP_RUN_ID",
        "RUNWISP_TASK",
        "RUNWISP_RETRY_ATTEMPT",
        "RUNWISP_REPLICA_INDEX",
    }


def test_forking_is_refused_under_a_service_manager(tmp_path: Path) -> None:
    (tmp_path / "runwisp.toml").touch()
    result = subprocess.run(
        [BIN / "twistd", "--pidfile=", "runwisp"],
        cwd=tmp_path,
        env={**os.environ, "NOTIFY_SOCKET": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1
    assert "-n" in result.stderr


def test_it_may_fork_into_the_background(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, '[services.s]\nrun = "exec sleep 600"\n')
    command = [part for part in daemon.command() if part != "-n"]
    assert subprocess.run(command, cwd=tmp_path, timeout=30).returncode == 0
    wait_until(lambda: bool(in_flight(daemon.rows())), "the service")
    pid = int((daemon.data / "runwisp.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_alive(pid), "the end")
    assert [run.end_reason for run in daemon.rows()] == [EndReason.STOPPED]
    assert "ready" in (tmp_path / "twistd.log").read_text()


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_on_a_terminal_it_shows_a_banner_and_never_the_password(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, '[tasks.backup]\ncron = "30 2 * * *"\nrun = "true"\n')
    command = [*daemon.command()[:-2], "--log-format", "auto"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=tmp_path, stderr=theirs) as process, open(ours, "rb") as terminal:
        os.close(theirs)
        shown = b""
        while b"ready" not in shown:
            shown += os.read(terminal.fileno(), 4096)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert b"  backup  30 2 * * *\r\n" in shown
    assert f"http://127.0.0.1:{daemon.port}".encode() in shown
    assert (daemon.data / "password").read_bytes().strip() not in shown
