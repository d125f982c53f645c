from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.web.guard import (
    Authority,
    bearer_token,
    client_address,
    is_in,
    is_known_host,
    is_local_peer,
    is_same_origin,
    networks_of,
    own_names,
    parse_authority,
)


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("localhost", Authority("localhost", None)),
        ("LocalHost:9477", Authority("localhost", 9477)),
        ("jobs.example.net.", Authority("jobs.example.net", None)),
        ("127.0.0.1:80", Authority("127.0.0.1", 80)),
        ("[::1]:9477", Authority("[::1]", 9477)),
        ("[FE80::1]", Authority("[fe80::1]", None)),
        ("my_host:1", Authority("my_host", 1)),
        ("localhost:", Authority("localhost", None)),
    ],
)
def test_a_host_is_read_with_or_without_port(text: str, authority: Authority) -> None:
    assert parse_authority(text) == authority


@given(st.text())
def test_any_text_is_a_host_or_none_and_no_error(text: str) -> None:
    authority = parse_authority(text)
    assert authority is None or (authority.host and authority.host == authority.host.lower())


@given(st.ip_addresses())
def test_an_address_is_always_known(address: IPv4Address | IPv6Address) -> None:
    host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    assert is_known_host(host, ())


def test_names_are_compared_in_lower_case() -> None:
    assert own_names("Box.", "https://JOBS.example.net", ("a",)) == {"box", "jobs.example.net", "a"}
    assert own_names("", None, ()) == frozenset()


@pytest.mark.parametrize(
    ("origin", "host", "is_secure", "is_same"),
    [
        ("http://localhost:9477", "localhost:9477", False, True),
        ("HTTP://LocalHost:9477", "localhost:9477", False, True),
        ("http://localhost:9477/tasks?x#y", "localhost:9477", False, True),
        ("http://localhost", "localhost", False, True),
        ("http://localhost", "localhost:80", False, True),
        ("http://localhost:80", "localhost", False, True),
        ("https://jobs.example.net", "jobs.example.net", False, True),
        ("https://jobs.example.net", "jobs.example.net:443", True, True),
        ("https://jobs.example.net:443", "jobs.example.net", True, True),
        ("http://[::1]:9477", "[::1]:9477", False, True),
        ("https://jobs.example.net.", "jobs.example.net", True, True),
        ("http://localhost:6006", "localhost:9477", False, False),
        ("http://localhost:9477", "localhost:9477", True, False),
        ("http://jobs.example.net", "jobs.example.net", True, False),
        ("https://jobs.example.net", "jobs.example.net:80", False, False),
        ("http://jobs.example.net:443", "jobs.example.net:80", False, False),
        ("http://127.0.0.1:9477", "localhost:9477", False, False),
        ("http://evil.example", "localhost:9477", False, False),
        ("http://localhost:9477.evil.example", "localhost:9477", False, False),
        ("http://localhost:9477@evil.example", "localhost:9477", False, False),
        ("http://user@localhost:9477", "localhost:9477", False, False),
        ("http://user:pass@localhost:9477/", "localhost:9477", False, False),
        ("http://evil.example/@localhost:9477", "localhost:9477", False, False),
        ("http://evil.example\\@localhost:9477", "localhost:9477", False, False),
        ("http://localhost:9477\\@evil.example", "localhost:9477", False, False),
        ("http://evil.example#@localhost:9477", "localhost:9477", False, False),
        ("http://localhost:9477 ", "localhost:9477", False, False),
        (" http://localhost:9477", "localhost:9477", False, False),
        ("http:localhost:9477", "localhost:9477", False, False),
        ("//localhost:9477", "localhost:9477", False, False),
        ("localhost:9477", "localhost:9477", False, False),
        ("ftp://localhost:9477", "localhost:9477", False, False),
        ("file://", "localhost:9477", False, False),
        ("null", "localhost:9477", False, False),
        ("", "localhost:9477", False, False),
    ],
)
def test_same_origin_is_same_host_and_port(origin: str, host: str, is_secure: bool, is_same: bool) -> None:
    authority = parse_authority(host)
    assert authority is not None
    assert is_same_origin(origin, authority, is_secure) is is_same


@given(st.text(), st.booleans())
def test_no_other_text_is_the_same_origin(text: str, is_secure: bool) -> None:
    assert not is_same_origin(text, Authority("localhost", 9477), is_secure)


@given(st.text(alphabet="localhst:9477@/\\#?. ev", max_size=12))
def test_whatever_follows_our_host_makes_it_another_unless_it_is_a_path(tail: str) -> None:
    is_path = tail[:1] in ("/", "?", "#")
    same = is_same_origin("http://localhost:9477" + tail, Authority("localhost", 9477), False)
    assert same is (tail == "" or is_path)


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer a b", None),
        ("Token abc", None),
        ("abc", None),
    ],
)
def test_a_bearer_token_is_the_only_word_after_its_scheme(value: str, token: str | None) -> None:
    assert bearer_token([value]) == token


def test_a_peer_without_address_is_not_local() -> None:
    assert not is_local_peer("", has_proxy_header=False, trusted=())


TRUSTED = networks_of(("10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:198.51.100.0/120"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.1", ["198.51.7.1"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("::ffff:10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("192.0.2.7", ["203.0.113.1"], "203.0.113.1"),
        ("198.51.100.9", ["203.0.113.1"], "203.0.113.1"),
        ("2001:db8::7", ["2a00::1"], "2a00::1"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1, 10.0.0.2,10.0.0.3"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("10.0.0.1", ["[2a00::1]:4711"], "2a00::1"),
        ("10.0.0.1", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1, garbage"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_not_trusted(
    peer: str, forwarded_for: list[str], client: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == client


@given(st.lists(st.text()))
def test_an_untrusted_peer_is_the_client_whatever_it_forwards(forwarded_for: list[str]) -> None:
    assert client_address("203.0.113.1", forwarded_for, TRUSTED) == "203.0.113.1"


@given(st.lists(st.text(alphabet="0123456789.:[], af", max_size=30)))
def test_what_a_client_sends_before_its_proxy_adds_to_it_does_not_count(sent: list[str]) -> None:
    assert client_address("10.0.0.1", [*sent, "203.0.113.9"], TRUSTED) == "203.0.113.9"


def test_networks_are_asked_for_addresses_of_both_kinds() -> None:
    assert is_in("::ffff:198.51.100.9", TRUSTED)
    assert not is_in("198.51.101.9", TRUSTED)
    assert not is_in("nonsense", TRUSTED)
    assert not is_in("10.0.0.1", ())
