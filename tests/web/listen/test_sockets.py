from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from twisted.logger import capturedLogs

from runwisp.errors import CannotListen
from runwisp.web.listen.sockets import (
    ControlSocket,
    addresses_of,
    bind_control,
    bind_tcp,
    is_loopback,
    url_host,
)


@contextmanager
def bound(path: Path) -> Iterator[ControlSocket]:
    control = bind_control(path)
    with control.listening:
        yield control


@contextmanager
def listening_at(host: str) -> Iterator[int]:
    with socket.create_server((host, 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with listening_at("127.0.0.1") as port:
        return port


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("::", ["127.0.0.1", "::1"]),
        ("localhost", ["127.0.0.1"]),
    ],
)
def test_a_connection_waits_at_each_address_until_somebody_accepts_it(
    host: str, reachable: list[str]
) -> None:
    port = free_port()
    sockets = bind_tcp(host, port)
    try:
        for address in reachable:
            socket.create_connection((address, port), timeout=5).close()
    finally:
        for one in sockets:
            one.close()
    assert not any(one.getblocking() for one in sockets if one.fileno() >= 0)


def test_a_taken_port_is_named_with_a_way_to_find_who_has_it_and_the_flag_for_another() -> None:
    with listening_at("127.0.0.1") as port, pytest.raises(CannotListen) as caught:
        bind_tcp("127.0.0.1", port)
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: the port is taken"
    assert f"ss -ltnp 'sport = :{port}'" in caught.value.hints[0]
    assert "--port" in caught.value.hints[1]


def test_a_port_that_is_taken_at_one_address_of_a_name_leaves_none_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.getaddrinfo

    def two_addresses(host: str, *arguments: object, **options: object) -> list[object]:
        names = ("127.0.0.2", "127.0.0.1") if host == "twice" else (host,)
        return [found for name in names for found in real(name, *arguments, **options)]  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    with listening_at("127.0.0.1") as port:
        with pytest.raises(CannotListen, match="the port is taken"):
            bind_tcp("twice", port)
        bind_tcp("127.0.0.2", port)[0].close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen) as caught:
        bind_tcp("192.0.2.1", free_port())
    assert "--host" in caught.value.hints[0]


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on no\.such\.host\.invalid"):
        addresses_of("no.such.host.invalid")


def test_a_port_is_free_again_when_its_sockets_are_closed() -> None:
    port = free_port()
    for _ in range(2):
        for one in bind_tcp("127.0.0.1", port):
            one.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        *((address, True) for address in ("127.0.0.1", "127.8.9.1", "::1")),
        *((address, False) for address in ("0.0.0.0", "::", "10.0.0.1", "fe80::1%eth0")),
    ],
)
def test_only_addresses_that_nobody_else_can_reach_are_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_an_ipv6_address_is_bracketed_in_a_url() -> None:
    assert [url_host(host) for host in ("::1", "127.0.0.1", "localhost")] == [
        "[::1]",
        "127.0.0.1",
        "localhost",
    ]


def test_the_control_socket_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with bound(tmp_path / "s") as control:
            status = control.path.lstat()
            assert stat.S_ISSOCK(status.st_mode)
            assert stat.S_IMODE(status.st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_the_control_socket_is_private_from_the_moment_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []

    def note(path: Path, mode: int) -> None:
        modes.append(stat.S_IMODE(path.lstat().st_mode))

    monkeypatch.setattr(Path, "chmod", note)
    before = os.umask(0)
    try:
        with bound(tmp_path / "s"):
            assert modes == [0o600]
    finally:
        os.umask(before)


def test_a_directory_that_is_missing_is_made_private(tmp_path: Path) -> None:
    with bound(tmp_path / "new" / "s"):
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_socket_that_nobody_listens_at_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(path):
        pass
    assert path.is_socket()
    with bound(path), closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(path))


def test_a_socket_that_somebody_listens_at_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(path), closing(socket.socket(socket.AF_UNIX)) as client:
        with pytest.raises(CannotListen, match="another daemon answers there"):
            bind_control(path)
        client.connect(str(path))


def test_somebody_whose_queue_is_full_is_alive_too(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(str(path))
        busy.listen(0)
        client.connect(str(path))
        with pytest.raises(CannotListen, match="another daemon answers there"):
            bind_control(path)
        assert path.is_socket()


@pytest.mark.parametrize("kind", ["a file", "a directory", "a link", "a dangling link", "a socket's link"])
def test_what_is_no_socket_stays(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "s", tmp_path / "target"
    if kind == "a file":
        path.write_text("precious")
    elif kind == "a directory":
        path.mkdir()
    else:
        path.symlink_to(target)
    if kind == "a link":
        target.write_text("precious")
    elif kind == "a socket's link":
        with bound(target):
            pass
    before = (path.lstat().st_ino, target.exists())
    with pytest.raises(CannotListen, match=r"symbolic link|not a socket"):
        bind_control(path)
    assert (path.lstat().st_ino, target.exists()) == before


def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 108)
    with pytest.raises(CannotListen) as caught:
        bind_control(path)
    assert str(path) in str(caught.value)
    assert "107 bytes" in str(caught.value)


def test_the_longest_path_that_the_system_takes_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with bound(Path("x" * 107)):
        assert Path("x" * 107).is_socket()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_file_system_without_modes_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "chmod", refuse)
    with capturedLogs() as events, bound(tmp_path / "s") as control:
        assert control.path.is_socket()
    assert [event["log_level"].name for event in events] == ["warn"]


def test_any_other_refusal_of_the_mode_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(CannotListen, match="no"):
        bind_control(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_removing_it_spares_a_socket_that_somebody_else_has_put_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(path) as first:
        path.unlink()
        with bound(path) as second:
            first.remove()
            assert path.is_socket()
            second.remove()
            assert not path.exists()
            second.remove()
