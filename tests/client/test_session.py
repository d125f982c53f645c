"""Logging in, and remembering that."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runwisp.client.address import parse_url
from runwisp.client.certificates import Pins
from runwisp.client.errors import LoginRejected, Unauthenticated
from runwisp.client.session import Session, TokenCache, response
from runwisp.client.transport import Transport
from tests.client.fake_daemon import FakeDaemon, answer, streamed
from tests.client.network import PASSWORD, Gate


@pytest.fixture
def gate(here: Path) -> Iterator[Gate]:
    with FakeDaemon(("127.0.0.1", 0)) as daemon:
        gate = Gate(daemon)
        daemon.on("GET", "/api/x", gate.guarded(answer("secret")))
        yield gate


def transport(gate: Gate, here: Path, password: str = PASSWORD) -> Transport:
    url = f"http://127.0.0.1:{gate.daemon.port}"
    address = parse_url(url, Pins(here / "pins", print))
    return Transport(address, Session(url, TokenCache(here / "cache/runwisp"), lambda: password))


def test_the_response_is_the_digest_of_password_and_nonce() -> None:
    # printf 'a:b' | sha256sum
    assert response("a", "b") == "6783a31eabf68ccc0660f935c0826282bdd2241f3a80a9f2d10d59aea9ebb5d8"


def test_one_logs_in_when_asked_to_and_once(gate: Gate, here: Path) -> None:
    with closing(transport(gate, here)) as client:
        assert [client.ask("GET", "/api/x") for _ in range(3)] == ["secret"] * 3
    assert gate.logins == 1


def test_the_next_command_has_the_token_still(gate: Gate, here: Path) -> None:
    for _ in range(2):
        with closing(transport(gate, here)) as client:
            client.ask("GET", "/api/x")
    assert gate.logins == 1
    (file,) = (here / "cache/runwisp").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_token_that_is_no_longer_taken_is_replaced(gate: Gate, here: Path) -> None:
    with closing(transport(gate, here)) as client:
        client.ask("GET", "/api/x")
        gate.tokens[:] = ["token-9"]
        assert client.ask("GET", "/api/x") == "secret"
        gate.tokens.clear()
        gate.daemon.on("GET", "/api/stream", gate.guarded(streamed()))
        assert [event.name for event in client.stream("/api/stream")] == ["ping"]
    assert gate.logins == 3


def test_there_is_one_login_and_no_more(gate: Gate, here: Path) -> None:
    gate.daemon.on("GET", "/api/y", Gate(gate.daemon).guarded(answer(1)))
    gate.daemon.on("POST", "/api/auth/login", answer({"token": "worthless", "expires_at": None}))
    with closing(transport(gate, here)) as client, pytest.raises(Unauthenticated):
        client.ask("GET", "/api/y")
    assert gate.logins == 1


def test_a_wrong_password_is_told(gate: Gate, here: Path) -> None:
    with closing(transport(gate, here, "wrong")) as client, pytest.raises(LoginRejected):
        client.ask("GET", "/api/x")
    assert not (here / "cache").exists()


def test_the_password_never_leaves(gate: Gate, here: Path) -> None:
    with closing(transport(gate, here)) as client:
        client.ask("GET", "/api/x")
    assert PASSWORD not in str(gate.daemon.requests)


def test_a_token_that_others_could_read_or_have_put_there_is_not_used(here: Path) -> None:
    cache = TokenCache(here)
    cache.put("http://a", "token")
    assert (cache.get("http://a"), cache.get("http://b")) == ("token", None)
    (file,) = here.glob("token-*")
    file.chmod(0o640)
    assert cache.get("http://a") is None
    file.chmod(0o600)
    file.rename(here / "elsewhere")
    file.symlink_to(here / "elsewhere")
    assert cache.get("http://a") is None


def test_no_place_for_tokens_is_no_obstacle(here: Path) -> None:
    (here / "file").touch()
    cache = TokenCache(here / "file/runwisp")
    cache.put("http://a", "token")
    assert cache.get("http://a") is None
