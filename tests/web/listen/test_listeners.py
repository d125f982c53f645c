"""All listeners together, on the real reactor."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs

from runwisp.config.settings import DaemonSettings, Tls
from runwisp.errors import CannotListen
from runwisp.web.channel import ApiSite
from runwisp.web.listen.certificate import self_signed
from runwisp.web.listen.listeners import Listeners, Places
from tests.system.program import reserve_port
from tests.system.talk import Answer, SocketConnection, ask, over_tcp, over_tls
from tests.web.requests import resource
from tests.web.sample import SampleApi
from tests.web.settings import SETTINGS

Make = Callable[..., Listeners]


@pytest.fixture
def make(reactor: PosixReactorBase, tmp_path: Path) -> Make:
    def make(settings: DaemonSettings = SETTINGS, host: str = "127.0.0.1") -> Listeners:
        control, tls = tmp_path / "runwisp.sock", tmp_path / "tls"
        places = Places(host=host, port=reserve_port(), socket=control, tls=tls)
        return Listeners(reactor, places, settings, time.time)

    return make


def site(reactor: PosixReactorBase) -> ApiSite:
    return ApiSite(resource(SampleApi(), clock=reactor), reactor)


def port_of(listeners: Listeners) -> int:
    return int(listeners.url.rpartition(":")[2])


async def pulse(get: Callable[[], Answer]) -> bytes:
    answer = await deferToThread(get)
    assert answer.status == 200
    return answer.body


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_who_comes_before_the_opening_is_answered_after_it(
    reactor: PosixReactorBase, make: Make, tmp_path: Path
) -> None:
    listeners, ours = make(), site(reactor)
    listeners.bind()
    early = [over_tcp(port_of(listeners)), SocketConnection(tmp_path / "runwisp.sock")]
    for connection in early:
        connection.request("GET", "/pulse")
    listeners.open(ours, None)
    for connection in early:
        response = await deferToThread(connection.getresponse)
        assert await deferToThread(response.read) == b"alive"
        connection.close()
    await listeners.close()
    await ours.close()
    assert is_free(port_of(listeners))
    assert not (tmp_path / "runwisp.sock").exists()


def test_what_is_never_opened_can_be_let_go_of_more_than_once(make: Make, tmp_path: Path) -> None:
    listeners = make()
    listeners.bind()
    for _ in range(2):
        listeners.abandon()
        assert is_free(port_of(listeners))
        assert not (tmp_path / "runwisp.sock").exists()


def test_what_is_taken_before_a_refusal_is_known_to_be_let_go_of(make: Make, tmp_path: Path) -> None:
    (tmp_path / "tls").symlink_to(tmp_path)
    listeners = make(evolve(SETTINGS, tls=Tls.AUTO), "0.0.0.0")
    with pytest.raises(CannotListen, match="symbolic link"):
        listeners.bind()
    listeners.abandon()
    assert is_free(port_of(listeners))
    assert not (tmp_path / "runwisp.sock").exists()


async def test_the_port_of_the_metrics_answers_by_itself_and_is_released_too(
    reactor: PosixReactorBase, make: Make
) -> None:
    port = reserve_port()
    listeners = make(evolve(SETTINGS, metrics_enabled=True, metrics_listen=f"localhost:{port}"))
    main, metrics = ApiSite(resource(), reactor), site(reactor)
    listeners.bind()
    listeners.open(main, metrics)
    assert await pulse(lambda: ask(over_tcp(port), "/pulse")) == b"alive"
    answer = await deferToThread(ask, over_tcp(port_of(listeners)), "/pulse")
    assert answer.status == 404
    await listeners.close()
    await main.close()
    await metrics.close()
    assert is_free(port)


def test_a_taken_port_of_the_metrics_is_named_with_its_key(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listeners = make(evolve(SETTINGS, metrics_enabled=True, metrics_listen=f"127.0.0.1:{port}"))
        with pytest.raises(CannotListen) as caught:
            listeners.bind()
        listeners.abandon()
    assert "metrics_listen" in caught.value.hints[1]


async def test_a_bad_pair_is_not_taken_at_a_reload_and_a_good_one_is(
    reactor: PosixReactorBase, make: Make, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    pair = self_signed(tmp_path / "own", ("127.0.0.1",), now)
    other = self_signed(tmp_path / "other", ("127.0.0.1",), now)
    settings = evolve(SETTINGS, tls_cert=str(pair.certificate), tls_key=str(pair.key))
    listeners, ours = make(settings), site(reactor)
    listeners.bind()
    listeners.open(ours, None)
    shown = tmp_path / "shown.pem"
    shown.write_bytes(pair.certificate.read_bytes())
    before = listeners.fingerprint

    pair.certificate.write_bytes(other.certificate.read_bytes())
    with capturedLogs() as events:
        listeners.refresh()
    assert [event["log_level"].name for event in events] == ["error"]
    assert listeners.fingerprint == before
    assert await pulse(lambda: ask(over_tls(port_of(listeners), trusted=shown), "/pulse")) == b"alive"

    pair.key.write_bytes(other.key.read_bytes())
    listeners.refresh()
    assert listeners.fingerprint != before
    shown = other.certificate
    assert await pulse(lambda: ask(over_tls(port_of(listeners), trusted=shown), "/pulse")) == b"alive"
    await listeners.close()
    await ours.close()


@pytest.mark.parametrize(
    ("host", "changes", "is_tls", "warns"),
    [
        ("127.0.0.1", {}, False, False),
        ("127.0.0.1", {"tls": Tls.AUTO}, False, False),
        ("::1", {"tls": Tls.AUTO}, False, False),
        ("localhost", {"tls": Tls.AUTO}, False, False),
        ("0.0.0.0", {}, False, True),
        ("::", {}, False, True),
        ("0.0.0.0", {"trusted_proxies": ("10.0.0.1",)}, False, False),
        ("0.0.0.0", {"tls": Tls.AUTO}, True, False),
        ("::", {"tls": Tls.AUTO}, True, False),
    ],
)
def test_tls_is_for_those_who_are_not_on_loopback_and_its_lack_is_warned_of(
    make: Make,
    host: str,
    changes: dict[str, Any],  # Any: values of various fields
    is_tls: bool,
    warns: bool,
) -> None:
    listeners = make(evolve(SETTINGS, **changes), host)
    with capturedLogs() as events:
        listeners.bind()
    listeners.abandon()
    assert listeners.is_tls is is_tls
    assert listeners.url.startswith("https://" if is_tls else "http://")
    assert any(event["log_level"].name == "warn" for event in events) is warns
