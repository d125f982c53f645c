from __future__ import annotations

import pytest
from attrs import evolve
from zope.interface.verify import verifyObject

from runwisp.config.settings import DaemonSettings
from runwisp.model import UnixMs
from runwisp.web.auth.auth import Auth
from runwisp.web.auth.passwords import Password, Source
from runwisp.web.auth.tokens import Tokens
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.guard import (
    PROXY_HEADERS,
    Gate,
    parse_authority,
)
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Access, Route
from tests.web.settings import SETTINGS

NOW = UnixMs(1_772_416_800_000)
TOKENS = Tokens(b"s" * 32)
TOKEN = TOKENS.issue(NOW)
HOST = ("Host", "localhost:9477")
COOKIE = ("Cookie", f"runwisp_jwt={TOKEN.text}")
BEARER = ("Authorization", f"Bearer {TOKEN.text}")
OWN_ORIGIN = ("Origin", "http://localhost:9477")
FOREIGN_ORIGIN = ("Origin", "http://localhost:6006")

Headers = tuple[tuple[str, str], ...]


def gate(settings: DaemonSettings = SETTINGS, *, is_off: bool = False, bind_host: str = "127.0.0.1") -> Gate:
    password = None if is_off else Password("secret", Source.FILE)
    auth = Auth(password, TOKENS, lambda: NOW / 1000, lambda: 0.0)
    return Gate(auth, bind_host, lambda: settings)


def request(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/api/tasks",
    address: str = "192.0.2.1",
    is_tls: bool = False,
    is_socket: bool = False,
) -> RequestFacts:
    def named(name: str) -> tuple[str, ...]:
        return tuple(value for key, value in headers if key.lower() == name.lower())

    return RequestFacts(
        method=method,
        path=path,
        is_socket=is_socket,
        address="" if is_socket else address,
        is_tls=is_tls,
        header=lambda name: named(name)[-1] if named(name) else None,
        headers=named,
        cookies=dict(item.split("=", 1) for value in named("cookie") for item in value.split("; ")),
    )


def a_route(access: Access) -> Route:
    return Route(
        method="POST",
        path="/api/x",
        access=access,
        summary="",
        answers={200: None},
        problems=(),
        query=None,
        body=None,
        is_body_optional=False,
        max_body=1024,
        operation_id="x",
        tag="x",
    )


def refusal(gate: Gate, access: Access, facts: RequestFacts) -> tuple[int, Code] | None:
    """How ``gate`` refuses a route, None if it admits."""
    try:
        gate.admit(a_route(access), facts, gate.caller(facts))
    except Problem as problem:
        return problem.status, problem.code
    return None


def host_refusal(gate: Gate, facts: RequestFacts) -> tuple[int, Code] | None:
    try:
        gate.check_host(facts)
    except Problem as problem:
        return problem.status, problem.code
    return None


CROSS_ORIGIN = (403, Code.CROSS_ORIGIN)
UNAUTHENTICATED = (401, Code.UNAUTHENTICATED)
LOCAL_ONLY = (403, Code.LOCAL_ONLY)


def test_the_gate_is_what_the_site_asks() -> None:
    assert verifyObject(IGate, gate())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ":9477",
        ".",
        "localhost:http",
        "localhost:65536",
        "localhost:0",
        "localhost:123456",
        "localhost:٣",
        "::1",
        "[::1",
        "[]",
        "[127.0.0.1]",
        "[::g]",
        "localhost/evil",
        "user@localhost",
        "local host",
        "localhost, evil.example",
        "lo\\calhost",
        "local%68ost",
        "localhost\n",
        "ｌocalhost",
        "localhost#",
        "localhost?x",
    ],
)
def test_a_malformed_host_is_none(text: str) -> None:
    assert parse_authority(text) is None
    assert host_refusal(gate(), request(("Host", text))) == (400, Code.MALFORMED)


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("localhost.", True),
        ("app.localhost:9477", True),
        ("127.0.0.1", True),
        ("203.0.113.9:9477", True),
        ("[::1]:9477", True),
        ("[2001:db8::1]", True),
        ("box.lan:8080", True),
        ("Jobs.Example.net", True),
        ("jobs.internal.", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("127.0.0.1.evil.example", False),
        ("127.1", False),
        ("0x7f000001", False),
        ("2130706433", False),
        ("example.net", False),
        ("sub.jobs.example.net", False),
        ("jobs.example.net.evil.example", False),
    ],
)
def test_only_names_of_this_daemon_are_known(host: str, is_known: bool) -> None:
    settings = evolve(
        SETTINGS, external_url="https://jobs.example.net:8443/x", allowed_hosts=("jobs.internal",)
    )
    expected = None if is_known else (403, Code.HOST)
    assert host_refusal(gate(settings, bind_host="Box.lan"), request(("Host", host))) == expected


def test_a_listed_host_passes_as_soon_as_the_settings_list_it() -> None:
    facts = request(("Host", "jobs.internal"))
    assert host_refusal(gate(), facts) == (403, Code.HOST)
    assert host_refusal(gate(evolve(SETTINGS, allowed_hosts=("jobs.internal",))), facts) is None


def test_the_refusal_of_a_host_says_what_to_set() -> None:
    with pytest.raises(Problem) as caught:
        gate().check_host(request(("Host", "evil.example")))
    assert "external_url or allowed_hosts" in caught.value.detail


def test_no_host_and_two_hosts_are_malformed() -> None:
    assert host_refusal(gate(), request()) == (400, Code.MALFORMED)
    assert host_refusal(gate(), request(HOST, ("Host", "evil.example"))) == (400, Code.MALFORMED)


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_may_name_any_host(path: str) -> None:
    assert host_refusal(gate(), request(("Host", "evil.example"), path=path)) is None
    assert host_refusal(gate(), request(path=path)) is None
    assert host_refusal(gate(), request(("Host", "evil.example"), path=path + "/")) == (403, Code.HOST)


def test_the_socket_may_name_any_host() -> None:
    assert host_refusal(gate(), request(("Host", "evil.example"), is_socket=True)) is None
    assert host_refusal(gate(), request(is_socket=True)) is None


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((COOKIE, OWN_ORIGIN), None),
        ((COOKIE, ("Referer", "http://localhost:9477/tasks")), None),
        ((COOKIE, OWN_ORIGIN, ("Referer", "http://evil.example/")), None),
        ((COOKIE,), CROSS_ORIGIN),
        ((COOKIE, FOREIGN_ORIGIN), CROSS_ORIGIN),
        ((COOKIE, FOREIGN_ORIGIN, ("Referer", "http://localhost:9477/")), CROSS_ORIGIN),
        ((COOKIE, OWN_ORIGIN, FOREIGN_ORIGIN), CROSS_ORIGIN),
        ((COOKIE, ("Origin", "null")), CROSS_ORIGIN),
        ((COOKIE, ("Origin", "")), CROSS_ORIGIN),
        ((COOKIE, ("Referer", "http://evil.example/")), CROSS_ORIGIN),
        ((COOKIE, ("Sec-Fetch-Site", "same-origin")), CROSS_ORIGIN),
        ((BEARER,), None),
        ((BEARER, FOREIGN_ORIGIN), None),
        ((BEARER, ("Origin", "null")), None),
        ((BEARER, ("Sec-Fetch-Site", "cross-site")), None),
        ((BEARER, COOKIE, FOREIGN_ORIGIN), None),
        ((("Authorization", "Bearer x"), COOKIE, OWN_ORIGIN), UNAUTHENTICATED),
        ((FOREIGN_ORIGIN,), UNAUTHENTICATED),
    ],
)
def test_a_session_acts_for_its_own_pages_only(
    method: str, headers: Headers, expected: tuple[int, Code] | None
) -> None:
    assert refusal(gate(), Access.SESSION, request(HOST, *headers, method=method)) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_cookie_reads_for_any_page(method: str) -> None:
    facts = request(HOST, COOKIE, FOREIGN_ORIGIN, method=method)
    assert refusal(gate(), Access.SESSION, facts) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), None),
        ((OWN_ORIGIN,), None),
        ((("Sec-Fetch-Site", "same-origin"), OWN_ORIGIN), None),
        ((("Sec-Fetch-Site", "none"),), None),
        ((FOREIGN_ORIGIN,), CROSS_ORIGIN),
        ((("Origin", "null"),), CROSS_ORIGIN),
        ((("Sec-Fetch-Site", "cross-site"),), CROSS_ORIGIN),
        ((("Sec-Fetch-Site", "cross-site"), OWN_ORIGIN), CROSS_ORIGIN),
        ((BEARER, FOREIGN_ORIGIN), CROSS_ORIGIN),
        ((BEARER, ("Sec-Fetch-Site", "cross-site")), CROSS_ORIGIN),
        ((COOKIE,), CROSS_ORIGIN),
        ((COOKIE, BEARER), CROSS_ORIGIN),
        ((COOKIE, OWN_ORIGIN), None),
        ((("Referer", "http://evil.example/"),), None),
    ],
)
def test_without_authentication_a_foreign_page_is_refused_and_no_header_exempts(
    headers: Headers, expected: tuple[int, Code] | None
) -> None:
    facts = request(HOST, *headers, method="POST")
    assert refusal(gate(is_off=True), Access.SESSION, facts) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), None),
        ((OWN_ORIGIN,), None),
        ((COOKIE, OWN_ORIGIN), None),
        ((BEARER, FOREIGN_ORIGIN), None),
        ((FOREIGN_ORIGIN,), CROSS_ORIGIN),
        ((COOKIE, FOREIGN_ORIGIN), CROSS_ORIGIN),
        ((COOKIE,), CROSS_ORIGIN),
        ((("Cookie", "runwisp_jwt=expired"),), CROSS_ORIGIN),
        ((("Authorization", "Bearer x"), FOREIGN_ORIGIN), CROSS_ORIGIN),
        ((("Sec-Fetch-Site", "cross-site"),), CROSS_ORIGIN),
    ],
)
def test_what_needs_no_session_may_still_be_closed_to_foreign_pages(
    headers: Headers, expected: tuple[int, Code] | None
) -> None:
    facts = request(HOST, *headers, method="POST")
    assert refusal(gate(), Access.SAME_ORIGIN, facts) == expected
    assert refusal(gate(), Access.PUBLIC, facts) is None


def test_a_page_over_https_is_ours_also_where_tls_ends_before_us() -> None:
    facts = request(
        ("Host", "jobs.example.net"), COOKIE, ("Origin", "https://jobs.example.net"), method="POST"
    )
    assert refusal(gate(), Access.SESSION, facts) is None
    insecure = ("Origin", "http://jobs.example.net")
    facts = request(("Host", "jobs.example.net"), COOKIE, insecure, method="POST", is_tls=True)
    assert refusal(gate(), Access.SESSION, facts) == CROSS_ORIGIN


def test_a_session_is_found_in_the_header_or_the_cookie_and_its_end_is_told() -> None:
    for header in (BEARER, COOKIE):
        facts = request(HOST, header)
        caller = gate().admit(a_route(Access.SESSION), facts, gate().caller(facts))
        assert caller.session_ends_at == TOKEN.ends_at


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Cookie", "runwisp_jwt="),),
        (("Cookie", f"other={TOKEN.text}"),),
        (("Cookie", f"runwisp_jwt={Tokens(b't' * 32).issue(NOW).text}"),),
        (("Authorization", f"Basic {TOKEN.text}"), COOKIE),
        (("Authorization", ""), COOKIE),
        (("Authorization", "Bearer"), COOKIE),
        (("Authorization", "Bearer bad"), COOKIE),
        (("Authorization", f"Bearer {TOKEN.text} x"),),
        (("Authorization", f"Bearer{TOKEN.text}"),),
        (BEARER, ("Authorization", "Bearer other")),
        (("Authorization", f"Bearer {Tokens(b's' * 32).issue(UnixMs(NOW - 86_400_000)).text}"),),
    ],
)
def test_without_a_good_session_there_is_no_admission(headers: Headers) -> None:
    facts = request(HOST, *headers)
    assert refusal(gate(), Access.SESSION, facts) == UNAUTHENTICATED
    with pytest.raises(Problem) as caught:
        gate().admit(a_route(Access.SESSION), facts, gate().caller(facts))
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def test_a_missing_session_is_told_before_a_foreign_origin() -> None:
    facts = request(HOST, FOREIGN_ORIGIN, method="POST")
    assert refusal(gate(), Access.SESSION, facts) == UNAUTHENTICATED


def test_without_authentication_no_session_is_needed_or_told() -> None:
    for headers in ((HOST,), (HOST, COOKIE), (HOST, ("Authorization", "Bearer bad"))):
        facts = request(*headers)
        caller = gate(is_off=True).admit(a_route(Access.SESSION), facts, gate(is_off=True).caller(facts))
        assert caller.session_ends_at is None


def test_the_socket_passes_everywhere() -> None:
    facts = request(COOKIE, FOREIGN_ORIGIN, ("X-Forwarded-For", "203.0.113.1"), method="POST", is_socket=True)
    for access in Access:
        for judge in (gate(), gate(is_off=True)):
            assert refusal(judge, access, facts) is None


def test_the_socket_only_routes_are_closed_to_tcp_with_or_without_a_session() -> None:
    for headers in ((HOST,), (HOST, BEARER)):
        assert refusal(gate(), Access.SOCKET, request(*headers, address="127.0.0.1")) == LOCAL_ONLY
        assert refusal(gate(is_off=True), Access.SOCKET, request(*headers)) == LOCAL_ONLY


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_local_route_is_open_to_this_machine(address: str) -> None:
    assert refusal(gate(), Access.LOCAL, request(HOST, address=address)) is None


@pytest.mark.parametrize("name", PROXY_HEADERS)
def test_a_local_route_is_closed_to_what_a_proxy_passes_on(name: str) -> None:
    facts = request(HOST, BEARER, (name.title(), ""), address="127.0.0.1")
    assert refusal(gate(), Access.LOCAL, facts) == LOCAL_ONLY


def test_a_local_route_is_closed_to_other_machines_and_to_trusted_proxies() -> None:
    assert refusal(gate(), Access.LOCAL, request(HOST, BEARER, address="192.0.2.1")) == LOCAL_ONLY
    proxied = gate(evolve(SETTINGS, trusted_proxies=("127.0.0.0/8",)))
    assert refusal(proxied, Access.LOCAL, request(HOST, address="127.0.0.1")) == LOCAL_ONLY


def test_a_caller_is_told_with_peer_and_client() -> None:
    proxied = gate(evolve(SETTINGS, trusted_proxies=("10.0.0.0/8",)))
    caller = proxied.caller(request(("X-Forwarded-For", "203.0.113.1"), address="10.0.0.1"))
    assert (caller.address, caller.client, caller.is_socket) == ("10.0.0.1", "203.0.113.1", False)
    spoofed = request(("X-Real-IP", "1.2.3.4"), ("True-Client-IP", "1.2.3.4"), address="10.0.0.1")
    assert proxied.caller(spoofed).client == "10.0.0.1"
    socket = proxied.caller(request(("X-Forwarded-For", "203.0.113.1"), is_socket=True))
    assert (socket.address, socket.client, socket.is_socket) == ("", "", True)


@pytest.mark.parametrize(
    ("address", "protocol", "is_tls", "is_secure"),
    [
        ("10.0.0.1", "https", False, True),
        ("10.0.0.1", "HTTPS", False, True),
        ("10.0.0.1", "http, https", False, True),
        ("10.0.0.1", "https, http", False, False),
        ("10.0.0.1", "http", False, False),
        ("10.0.0.1", "", False, False),
        ("203.0.113.1", "https", False, False),
        ("203.0.113.1", "http", True, True),
    ],
)
def test_a_request_is_secure_by_tls_or_by_the_word_of_a_trusted_proxy(
    address: str, protocol: str, is_tls: bool, is_secure: bool
) -> None:
    proxied = gate(evolve(SETTINGS, trusted_proxies=("10.0.0.0/8",)))
    facts = request(("X-Forwarded-Proto", protocol), address=address, is_tls=is_tls)
    assert proxied.caller(facts).is_secure is is_secure
