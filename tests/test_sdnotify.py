from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from runwisp.model import Seconds
from runwisp.sdnotify import Notifier


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(10)
    listener.bind(str(tmp_path / "notify") if request.param == "file" else "")
    yield listener
    listener.close()


def address_of(manager: socket.socket) -> str:
    name = manager.getsockname()
    return name if isinstance(name, str) else "@" + os.fsdecode(name[1:])


def test_each_message_is_a_datagram(manager: socket.socket) -> None:
    notifier = Notifier.from_environ({"NOTIFY_SOCKET": address_of(manager)})
    assert notifier.is_wanted
    notifier.ready()
    notifier.status("3 tasks\n2 services")
    notifier.reloading(123456789)
    notifier.ready()
    notifier.watchdog()
    notifier.extend_timeout(20_000_000)
    notifier.stopping()
    assert [manager.recv(4096) for _ in range(7)] == [
        b"READY=1",
        b"STATUS=3 tasks 2 services",
        b"RELOADING=1\nMONOTONIC_USEC=123456789",
        b"READY=1",
        b"WATCHDOG=1",
        b"EXTEND_TIMEOUT_USEC=20000000",
        b"STOPPING=1",
    ]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_manager_nothing_happens(environ: dict[str, str]) -> None:
    errors: list[OSError] = []
    notifier = Notifier.from_environ(environ, errors.append)
    notifier.ready()
    assert not notifier.is_wanted
    assert errors == []


def test_only_the_first_failure_is_reported(tmp_path: Path) -> None:
    errors: list[OSError] = []
    notifier = Notifier.from_environ({"NOTIFY_SOCKET": str(tmp_path / "gone")}, errors.append)
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    assert [type(error) for error in errors] == [FileNotFoundError]


def test_a_failure_may_go_unreported() -> None:
    before = len(os.listdir("/proc/self/fd"))
    Notifier("/nowhere/notify").ready()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_manager_that_does_not_read_is_not_waited_for(manager: socket.socket) -> None:
    errors: list[OSError] = []
    notifier = Notifier(address_of(manager), on_error=errors.append)
    for _ in range(2000):
        notifier.watchdog()
    assert [type(error) for error in errors] == [BlockingIOError]


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, Seconds(30)),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, Seconds(1.5)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_watches_the_process_it_names(environ: dict[str, str], interval: Seconds | None) -> None:
    assert Notifier.from_environ(environ).watchdog_interval == interval
