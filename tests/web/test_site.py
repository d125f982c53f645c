"""The site on a real connection: what the transports of other tests cannot show."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from runwisp.web.channel import MAX_HEADER_BLOCK, ApiSite
from runwisp.web.routing import MAX_BODY, Outlet
from tests.web.requests import request_bytes, resource
from tests.web.sample import SampleApi

DEADLINE_S = 10.0


@asynccontextmanager
async def served(reactor: PosixReactorBase, api: SampleApi) -> AsyncIterator[int]:
    """The port at which ``api`` is served."""
    site = ApiSite(resource(api, clock=reactor), reactor)
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    try:
        yield port.getHost().port
    finally:
        await port.stopListening()
        await site.close()


def exchange(port: int, data: bytes) -> bytes:
    """Send everything, and only then read what comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def is_reset(port: int, data: bytes) -> bool:
    try:
        exchange(port, data)
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request_bytes("POST", "/api/things", body=b" " * (MAX_BODY * 3)), b"413"),
        (request_bytes("GET", "/api/things", headers={"X": "x" * MAX_HEADER_BLOCK * 3}), b"431"),
        (b"nonsense\r\n" * 100_000, b"400"),
    ],
    ids=["body", "headers", "nonsense"],
)
async def test_who_sends_far_too_much_before_reading_still_learns_why(
    reactor: PosixReactorBase, data: bytes, status: bytes
) -> None:
    async with served(reactor, SampleApi()) as port:
        answer = await deferToThread(exchange, port, data)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"}")


async def test_a_stream_that_breaks_off_is_reset(
    reactor: PosixReactorBase, logged_failures: list[Failure]
) -> None:
    async def write(outlet: Outlet) -> None:
        outlet.write(b"half")
        raise ZeroDivisionError

    async with served(reactor, SampleApi(write=write)) as port:
        assert await deferToThread(is_reset, port, request_bytes("GET", "/api/raw"))
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()


async def test_a_handler_learns_that_its_client_has_left(reactor: PosixReactorBase) -> None:
    left: Deferred[None] = Deferred()

    async def write(outlet: Outlet) -> None:
        try:
            await Deferred()
        finally:
            left.callback(None)

    def look_and_leave(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            connection.sendall(request_bytes("GET", "/api/events"))
            connection.recv(1)

    async with served(reactor, SampleApi(write=write)) as port:
        await deferToThread(look_and_leave, port)
        await left.addTimeout(DEADLINE_S, reactor)


async def test_a_client_that_reads_nothing_gets_nothing_more(reactor: PosixReactorBase) -> None:
    """What the daemon writes for it is no more than what the kernel holds and one piece."""
    written = 0

    async def write(outlet: Outlet) -> None:
        nonlocal written
        for _ in range(2000):
            await outlet.ready()
            outlet.write(b"x" * 65_536)
            written += 65_536

    def read_one_byte(port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        connection.sendall(request_bytes("GET", "/api/raw"))
        connection.recv(1)
        return connection

    async with served(reactor, SampleApi(write=write)) as port:
        connection = await deferToThread(read_one_byte, port)
        assert written < 64 * 2**20
        connection.close()
