"""Certificates that are pinned."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from runwisp.client.address import parse_url
from runwisp.client.certificates import CertificateChanged, Pins
from runwisp.client.transport import Transport
from tests.client.fake_daemon import FakeDaemon
from tests.client.network import certificate


def health(port: int, pins: Pins) -> bool:
    with closing(Transport(parse_url(f"https://localhost:{port}", pins))) as transport:
        return transport.is_healthy()


def test_the_first_certificate_is_pinned_and_another_one_refused_until_the_pin_is_gone(here: Path) -> None:
    told: list[str] = []
    pins = Pins(here / "state/known", told.append)
    first, first_print, _ = certificate(here, "first")
    second, second_print, _ = certificate(here, "second")
    with FakeDaemon(("127.0.0.1", 0), first) as daemon:
        port = daemon.port
        assert [health(port, pins) for _ in range(2)] == [True] * 2
    authority = f"localhost:{port}"
    assert pins.file.read_text() == f"{authority} {first_print}\n"
    assert stat.S_IMODE(pins.file.stat().st_mode) == 0o600
    assert told == [f"trusting the certificate of {authority} from now on: {first_print}"]
    with FakeDaemon(("127.0.0.1", port), second) as daemon:
        with pytest.raises(CertificateChanged) as caught:
            health(port, pins)
        assert daemon.requests == []
        shown = "\n".join(caught.value.hints)
        assert first_print in shown
        assert second_print in shown
        assert str(pins.file) in shown
        pins.file.write_text("")
        assert health(port, pins)


def test_a_certificate_that_the_system_trusts_is_not_pinned(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = Pins(here / "known", print)
    context, _, file = certificate(here, "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FakeDaemon(("127.0.0.1", 0), context) as daemon:
        assert health(daemon.port, pins)
    assert not pins.file.exists()


def test_a_pin_holds_also_against_a_certificate_that_the_system_trusts(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = Pins(here / "known", print)
    context, _, file = certificate(here, "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FakeDaemon(("127.0.0.1", 0), context) as daemon:
        pins.add(f"localhost:{daemon.port}", "sha256:00")
        with pytest.raises(CertificateChanged):
            health(daemon.port, pins)
