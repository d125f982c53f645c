"""What time takes away from clients of the real daemon: words, sessions, refusals, and connections.

Its clocks are set ahead, that of the day and the other one, so that nobody has to wait.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest
from attrs import frozen

from tests.system.independent.event_source import EventSource
from tests.system.independent.session import Client, LoginRefused, response_to
from tests.system.program import Daemon, running, wait_until
from tests.system.talk import ask, over_tcp, whole
from tests.system.wall_clock import WallClock

pytestmark = pytest.mark.system

PASSWORD = "open sesame"
#: Of 500 bytes: far more than fits between the daemon and a client that takes nothing.
LINES = 40_000
CONFIG = f"""
[tasks.hello]
env_base = "clean"
run = "echo hello"
[tasks.talks]
env_base = "clean"
run = "seq -f %0500.0f {LINES}"
[tasks.waits]
env_base = "clean"
run = "exec sleep 600"
"""


@frozen
class Traveller:
    """A daemon whose time can be made to pass."""

    daemon: Daemon
    clock: WallClock

    def pass_time(self, seconds: float) -> None:
        """Until the daemon has noticed."""
        self.clock.step(seconds)
        for _ in range(2):
            assert ask(over_tcp(self.daemon.port), "/health").status == 200

    def log_in(self) -> Client:
        """From an address that has not tried yet."""
        client = Client(self.daemon.port)
        client.login(PASSWORD)
        return client


@pytest.fixture(scope="module")
def traveller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traveller]:
    home = tmp_path_factory.mktemp("traveller")
    clock = WallClock(home)
    # The monotonic clock follows as well.
    environ = {name: value for name, value in clock.environ.items() if "MONOTONIC" not in name}
    with running(home, CONFIG, {"RUNWISP_PASSWORD": PASSWORD, **environ}) as daemon:
        yield Traveller(daemon, clock)


def test_a_nonce_is_good_for_a_minute(traveller: Traveller) -> None:
    client = Client(traveller.daemon.port)
    first, second = client.challenge(), client.challenge()
    traveller.pass_time(50)
    assert client.answer(first, response_to(first, PASSWORD)).status == 200
    traveller.pass_time(11)
    assert client.answer(second, response_to(second, PASSWORD)).status == 401


def test_a_ticket_is_good_for_a_minute(traveller: Traveller) -> None:
    client = traveller.log_in()
    first, second = (client.call("POST", "/api/auth/launch-ticket").json()["ticket"] for _ in range(2))
    traveller.pass_time(50)
    assert client.call("GET", f"/api/auth/launch-ticket?ticket={first}", {}).status == 303
    traveller.pass_time(11)
    assert client.call("GET", f"/api/auth/launch-ticket?ticket={second}", {}).status == 401


def test_who_guessed_too_often_may_try_again_after_five_minutes(traveller: Traveller) -> None:
    traveller.pass_time(301)
    client = Client(traveller.daemon.port)
    for _ in range(5):
        assert client.answer("0" * 64, "0" * 64).status == 401
    with pytest.raises(LoginRefused) as caught:
        client.login(PASSWORD)
    assert caught.value.reply.status == 429
    traveller.pass_time(int(caught.value.reply.headers["retry-after"]) + 1)
    client.login(PASSWORD)


@pytest.mark.parametrize("stream", ["events", "daemon/log/stream", "runs/{id}/log/stream"])
def test_a_session_ends_after_a_day_and_with_it_the_streams_that_it_opened(
    traveller: Traveller, stream: str
) -> None:
    client = traveller.log_in()
    assert client.session is not None
    run_id = client.call("POST", "/api/tasks/waits/trigger").json()["id"]
    with closing(client.connect()) as connection:
        connection.request("GET", f"/api/{stream.format(id=run_id)}", headers=client.session.bearer)
        response = connection.getresponse()
        assert response.status == 200
        traveller.pass_time(86_380)
        assert client.call("GET", "/api/runs").status == 200
        traveller.pass_time(21)
        assert client.call("GET", "/api/runs").status == 401
        # It has an end, and that is a proper one.
        assert response.read().startswith(b"event: ping\ndata: {}\n\n")
    anew = traveller.log_in()
    assert anew.call("POST", "/api/tasks/waits/stop?wait=true").status == 200


def test_a_body_that_trickles_in_is_not_awaited_for_more_than_half_a_minute(traveller: Traveller) -> None:
    with closing(over_tcp(traveller.daemon.port)) as connection:
        connection.putrequest("POST", "/api/auth/login")
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", "100"),
            ("Expect", "100-continue"),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 ")
        for _ in range(4):
            connection.send(b"{")
            traveller.pass_time(5)
        assert is_open(connection)
        traveller.pass_time(11)
        assert not is_open(connection)


def test_a_connection_may_be_idle_for_two_minutes(traveller: Traveller) -> None:
    with closing(over_tcp(traveller.daemon.port)) as connection:
        for _ in range(3):
            connection.request("GET", "/health")
            assert whole(connection.getresponse()).status == 200
            traveller.pass_time(110)
            assert is_open(connection)
        traveller.pass_time(11)
        assert not is_open(connection)


def is_open(connection: HTTPConnection) -> bool:
    """The daemon has neither closed it nor sent anything."""
    connection.sock.settimeout(0)
    try:
        return connection.sock.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        connection.sock.settimeout(connection.timeout)


def test_a_follower_that_takes_nothing_costs_little_and_is_cut_off_after_a_minute(
    traveller: Traveller,
) -> None:
    client = traveller.log_in()
    assert client.session is not None
    run = client.call("POST", "/api/tasks/talks/trigger?wait=true").json()
    path = f"/api/runs/{run['id']}/log/stream?from=1"
    with closing(EventSource(client.connect, path, client.session.bearer)) as other:
        numbers = count(1)
        for event in other:
            if event.name == "done":
                break
            if event.name == "lines":
                assert all(line["n"] == next(numbers) for line in event.data()["items"])
        assert next(numbers) == LINES + 1
    before = traveller.daemon.resident_bytes
    with closing(client.connect()) as stuck, closing(client.connect()) as slow:
        for connection in (stuck, slow):
            connection.request("GET", path, headers=client.session.bearer)
        taken = []

        def is_cut_off() -> bool:
            taken.append(some(slow.sock))
            traveller.pass_time(40)
            assert traveller.daemon.resident_bytes - before < 10 * 2**20
            return not is_connected(traveller.daemon, stuck.sock)

        wait_until(is_cut_off, "cut off")
        assert b"event: done" not in rest(stuck.sock)
        # What takes something now and then stays.
        assert b"event: done" in b"".join(taken) + rest(slow.sock)


def some(sock: socket.socket) -> bytes:
    """So much that there is room for the next write."""
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < 5 * 2**20 and (piece := sock.recv(2**20)):
        pieces.append(piece)
    return b"".join(pieces)


def is_connected(daemon: Daemon, sock: socket.socket) -> bool:
    """The other end of ``sock``, which is at the daemon, is still open."""
    ports = f"0100007F:{daemon.port:04X} 0100007F:{sock.getsockname()[1]:04X} 01"
    return ports in Path("/proc/net/tcp").read_text()


def rest(sock: socket.socket) -> bytes:
    """All that comes until the end."""
    pieces = []
    try:
        while piece := sock.recv(2**20):
            pieces.append(piece)
            if b"event: done" in piece:
                break
    except ConnectionError:
        pass
    return b"".join(pieces)
