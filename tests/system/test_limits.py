"""What clients that mean no good get from the real daemon, while others are served."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.system.program import Daemon, running, wait_until
from tests.system.talk import SocketConnection, ask, over_tcp, whole

pytestmark = pytest.mark.system

GIGABYTE = 2**30
MEBIBYTE = 2**20
STUBBORN = "trap '' TERM; echo armed; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("limited"), "") as daemon:
        yield daemon


@contextmanager
def connected(daemon: Daemon) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "head",
    [
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * 100_000,
        "GET /health HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 15_000,
        "GET /health?" + "x" * 100_000 + " HTTP/1.1\r\nHost: localhost",
        "GET /health HTTP/1.1\r\nHost: " + "x" * 100_000,
        "X" * 100_000 + " /health HTTP/1.1\r\nHost: localhost",
        "X" * 100_000,
    ],
    ids=["a header", "many headers", "a query", "a host", "a method", "no line"],
)
def test_a_hundred_thousand_bytes_of_headers_are_refused(limited: Daemon, head: str) -> None:
    for connection in (over_tcp(limited.port), SocketConnection(limited.data / "runwisp.sock")):
        with closing(connection):
            connection.connect()
            connection.sock.sendall(head.encode() + b"\r\n\r\n")
            response = HTTPResponse(connection.sock)
            response.begin()
            answer = whole(response)
            assert (answer.status, answer.json()["type"]) == (431, "urn:runwisp:problem:too-large")
            assert answer.headers["connection"] == "close"


def test_whoever_sends_a_gigabyte_over_the_network_learns_that_it_is_too_much(limited: Daemon) -> None:
    ask(over_tcp(limited.port), "/health")
    before = limited.resident_bytes
    with closing(over_tcp(limited.port)) as connection:
        connection.putrequest("POST", "/api/auth/login")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(GIGABYTE))
        connection.endheaders()
        sent = 0
        with suppress(ConnectionError):
            while sent < GIGABYTE:
                connection.send(b" " * MEBIBYTE)
                sent += MEBIBYTE
        answer = whole(connection.getresponse())
    assert (answer.status, answer.json()["type"]) == (413, "urn:runwisp:problem:too-large")
    assert limited.resident_bytes - before < 20 * MEBIBYTE


def test_a_gigabyte_is_refused_without_being_read(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon:
        connection = SocketConnection(daemon.data / "runwisp.sock")
        with closing(connection):
            connection.putrequest("POST", "/api/runs/bulk/stop")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(GIGABYTE))
            connection.endheaders(b" " * MEBIBYTE)
            answer = whole(connection.getresponse())
        assert (answer.status, answer.json()["type"]) == (413, "urn:runwisp:problem:too-large")


def test_a_client_that_sends_without_end_takes_no_memory_and_no_time_of_others(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon, connected(daemon) as client:
        ask(over_tcp(daemon.port), "/health")
        before = daemon.resident_bytes
        client.sendall(
            b"POST /api/runs/bulk/stop HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(200):
            client.sendall(b"100000\r\n" + b" " * MEBIBYTE + b"\r\n")
            assert ask(over_tcp(daemon.port), "/health").status == 200
        assert daemon.resident_bytes - before < 20 * MEBIBYTE


def test_clients_that_send_headers_slowly_are_cut_off_while_others_are_served(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon, ExitStack() as stack:
        began = time.monotonic()
        slow = [stack.enter_context(connected(daemon)) for _ in range(200)]
        for client in slow:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
            client.settimeout(1)

        def is_cut(client: socket.socket) -> bool:
            try:
                client.sendall(b"X: y\r\n")
                return client.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        while not is_cut(slow[0]):
            assert ask(over_tcp(daemon.port), "/health").status == 200
        assert time.monotonic() - began > 9
        wait_until(lambda: all(is_cut(client) for client in slow), "the end of all of them")


def test_a_shutdown_waits_for_nobody_who_does_not_read_or_finish(tmp_path: Path) -> None:
    with running(tmp_path, "") as daemon, connected(daemon) as idle, connected(daemon) as half:
        half.sendall(b"GET /health HTTP/1.1\r\n")
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(1) == b"H"
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 8
        while idle.recv(65_536):
            pass
        assert half.recv(1) == b""


def test_while_runs_are_stopped_it_says_that_it_is_not_ready(tmp_path: Path) -> None:
    config = f"""
        [services.stubborn]
        graceful_stop = "1h"
        run = "{STUBBORN}"
        [daemon]
        shutdown_timeout = "1h"
    """
    with running(tmp_path, config) as daemon:
        logs = daemon.data / "logs" / "stubborn"
        wait_until(lambda: any(b"armed" in path.read_bytes() for path in logs.glob("*")), "the trap")
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.said("shutting down"), "the signal")

        def is_not_ready() -> bool:
            answer = ask(over_tcp(daemon.port), "/ready")
            return answer.status == 503 and not answer.json()["checks"]["running"]

        wait_until(is_not_ready, "503")
        assert ask(over_tcp(daemon.port), "/health").status == 200
        with closing(over_tcp(daemon.port)) as kept:
            kept.request("GET", "/health")
            kept.getresponse().read()

            def signalled_again_until_it_counts() -> bool:
                daemon.process.send_signal(signal.SIGTERM)
                return daemon.said("second signal")

            wait_until(signalled_again_until_it_counts, "a second signal that is not the first one twice")
            assert daemon.wait() == 1
