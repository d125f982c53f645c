from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from runwisp.web.channel import HEADERS_S
from runwisp.web.listen.redirect import to_https


def answer(request: bytes) -> str:
    transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.7", 4711))
    clock = Clock()
    channel = to_https(clock).buildProtocol(None)
    channel.makeConnection(transport)
    channel.dataReceived(request)
    channel.stop_the_watch()
    text: str = transport.value().decode()
    return text


def location(text: str) -> str | None:
    found = [line.partition(": ")[2] for line in text.split("\r\n") if line.startswith("Location: ")]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("box", "/"),
        ("box:9477", "/api/runs?limit=5&cursor=a%2Fb"),
        ("[::1]:9477", "/"),
        ("127.0.0.1", "//evil.example/x"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "PUT"])
def test_everybody_is_sent_to_the_same_place_with_https(host: str, target: str, method: str) -> None:
    text = answer(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode())
    assert text.startswith("HTTP/1.1 308 ")
    assert location(text) == f"https://{host}{target}"


@pytest.mark.parametrize("host", ["", " ", "a/b", "a\\b", "user@box", "a?b", "a#b", "a%41", "a b"])
def test_a_host_that_could_lead_elsewhere_is_refused(host: str) -> None:
    text = answer(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert text.startswith("HTTP/1.1 400 ")
    assert location(text) is None


@pytest.mark.parametrize("lines", ["", "Host: a\r\nHost: b\r\n"])
def test_no_host_and_two_hosts_are_refused(lines: str) -> None:
    assert answer(f"GET / HTTP/1.1\r\n{lines}\r\n".encode()).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "evil.example"])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    assert answer(f"GET {target} HTTP/1.1\r\nHost: box\r\n\r\n".encode()).startswith("HTTP/1.1 400 ")


def test_a_body_is_not_awaited() -> None:
    text = answer(b"POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 1073741824\r\n\r\n")
    assert text.startswith("HTTP/1.1 308 ")


def test_slow_headers_are_not_awaited_for_ever() -> None:
    clock, transport = Clock(), StringTransport()
    channel = to_https(clock).buildProtocol(None)
    channel.makeConnection(transport)
    channel.dataReceived(b"GET / HTTP/1.1\r\n")
    clock.advance(HEADERS_S)
    assert transport.disconnecting
    channel.stop_the_watch()
