"""What the real daemon listens at: who gets in, what stands in the way of a start, and how it lets go."""

from __future__ import annotations

import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.system.program import Daemon, running, wait_until
from tests.system.talk import SocketConnection, ask, over_tcp

pytestmark = pytest.mark.system


def refused(daemon: Daemon) -> str:
    """What the daemon, which does not start, says last."""
    daemon.start(is_ready=False)
    assert daemon.wait() == 1
    return daemon.lines[-1]


def test_it_answers_on_tcp_and_at_the_socket_which_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with running(tmp_path, "") as daemon:
            control = daemon.data / "runwisp.sock"
            for connection in (over_tcp(daemon.port), SocketConnection(control)):
                answer = ask(connection, "/health")
                assert (answer.status, answer.body) == (200, b"OK")
            assert stat.S_IMODE(control.stat().st_mode) == 0o600
            assert stat.S_IMODE(daemon.data.stat().st_mode) == 0o700
            assert daemon.said(f"url=http://127.0.0.1:{daemon.port}")
            assert daemon.stop() == 0
            assert not control.exists()
    finally:
        os.umask(before)


def test_it_is_ready_and_only_the_socket_needs_no_session(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon:
        answer = ask(over_tcp(daemon.port), "/ready")
        checks = {"database": True, "scheduler": True, "running": True}
        assert (answer.status, answer.json()) == (200, {"ready": True, "checks": checks})
        assert ask(over_tcp(daemon.port), "/api/runs").status == 401
        assert ask(SocketConnection(daemon.data / "runwisp.sock"), "/api/runs").status == 200


def test_a_taken_port_ends_the_start_before_anything_is_touched(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, '[tasks.t]\nrun_on_start = true\nrun = "touch started"\n')
    with socket.create_server(("127.0.0.1", daemon.port)):
        last = refused(daemon)
    assert f"cannot listen on 127.0.0.1:{daemon.port}: the port is taken" in last
    assert f"ss -ltnp 'sport = :{daemon.port}'" in last
    assert "--port" in last
    assert not (daemon.data / "runwisp.db").exists()
    assert not (daemon.data / "runwisp.sock").exists()
    assert not (daemon.data / "runwisp.pid").exists()


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon:
        daemon.kill()
        assert (daemon.data / "runwisp.sock").is_socket()
        daemon.start()
        assert ask(SocketConnection(daemon.data / "runwisp.sock"), "/health").status == 200


def test_a_daemon_does_not_take_the_socket_of_another(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with running(tmp_path, "") as daemon:
        other = Daemon(tmp_path / "other", "", {"RUNWISP_SOCKET": str(daemon.data / "runwisp.sock")})
        assert "another daemon answers there" in refused(other)
        assert ask(SocketConnection(daemon.data / "runwisp.sock"), "/health").status == 200


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_socket_is_left_where_it_is(tmp_path: Path, kind: str) -> None:
    daemon = Daemon(tmp_path, "")
    daemon.data.mkdir()
    path = daemon.data / "runwisp.sock"
    if kind == "link":
        path.symlink_to(tmp_path / "runwisp.toml")
    else:
        path.write_text("precious")
    assert str(path) in refused(daemon)
    assert path.is_symlink() or path.read_text() == "precious"


def test_a_path_that_is_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 100)
    last = refused(Daemon(tmp_path, "", {"RUNWISP_SOCKET": str(path)}))
    assert str(path) in last
    assert "--socket" in last


CLIENT = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.settimeout(30)
try:
    client.sendall(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    print(client.recv(100))
except (BrokenPipeError, ConnectionResetError):
    print(b"")
"""


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that another user may enter, which those of the tests are not."""
    with TemporaryDirectory(prefix="runwisp-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


# Nobody but root can be somebody else.
if os.geteuid() == 0:
    NOBODY = pwd.getpwnam("nobody").pw_uid

    def test_another_user_is_turned_away_without_a_byte(tmp_path: Path) -> None:
        with open_directory() as place:
            control = place / "runwisp.sock"
            with running(tmp_path, "", {"RUNWISP_SOCKET": str(control)}) as daemon:
                # The mode alone would keep the other user out.
                control.chmod(0o666)
                command = [sys.executable, "-c", CLIENT, str(control), str(NOBODY)]
                client = subprocess.run(command, capture_output=True, text=True, timeout=60)
                assert client.stdout == "b''\n", client.stderr
                wait_until(lambda: daemon.said(f"user {NOBODY}"), "the warning")
                assert ask(SocketConnection(control), "/health").status == 200

    class Theirs(Daemon):
        """A daemon of somebody who is not root."""

        def command(self) -> list[str]:
            return ["setpriv", f"--reuid={NOBODY}", "--clear-groups", *super().command()]

    def test_root_is_no_exception() -> None:
        with open_directory() as home:
            os.chown(home, NOBODY, -1)
            with Theirs(home, "") as daemon:
                with pytest.raises((ConnectionError, BadStatusLine)):
                    ask(SocketConnection(daemon.data / "runwisp.sock"), "/health")
                wait_until(lambda: daemon.said("user 0"), "the warning")
                assert daemon.stop() == 0
