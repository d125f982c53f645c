"""The rows of the table of bad input about sessions, hosts, origins and limits, as requests."""

from __future__ import annotations

import pytest
from attrs import evolve

from runwisp.web.auth.passwords import Password, Source
from tests.web.auth.daemon import FOREIGN_ORIGIN, OWN_ORIGIN, PASSWORD, Daemon, bearer, code, cookie, digest
from tests.web.requests import connect, request_bytes
from tests.web.settings import SETTINGS


@pytest.fixture
def daemon() -> Daemon:
    return Daemon(Password(PASSWORD, Source.FILE))


@pytest.fixture
def open_daemon() -> Daemon:
    """One without authentication."""
    return Daemon(None)


def test_the_sixth_wrong_login_is_refused_however_an_untrusted_peer_rotates_its_origin(
    daemon: Daemon,
) -> None:
    statuses = []
    for number in range(6):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        statuses.append(daemon.send_login("unknown", headers=headers, address="192.0.2.1"))
    assert [answer.status for answer in statuses] == [401] * 5 + [429]
    assert code(statuses[-1]) == (429, "rate-limited")
    assert statuses[-1].headers["retry-after"] == "300"
    assert daemon.send_login(daemon.nonce(), address="192.0.2.2").status == 200


def test_of_two_logins_at_once_with_one_nonce_one_succeeds(daemon: Daemon) -> None:
    nonce = daemon.nonce()
    body = {"nonce": nonce, "response": digest(PASSWORD, nonce)}
    sent = request_bytes("POST", "/api/auth/login", json=body)
    assert at_once(daemon, sent) == [200, 401]


def test_of_two_redemptions_at_once_of_one_ticket_one_succeeds(daemon: Daemon) -> None:
    sent = request_bytes("GET", f"/api/auth/launch-ticket?ticket={daemon.ticket()}")
    assert at_once(daemon, sent) == [303, 401]


def at_once(daemon: Daemon, sent: bytes) -> list[int]:
    """The sorted statuses of the same request on two connections, byte after byte in turn."""
    exchanges = [connect(daemon.app, clock=daemon.clock) for _ in range(2)]
    for number in range(len(sent)):
        for exchange in exchanges:
            exchange.send(sent[number : number + 1])
    statuses = [exchange.response.status for exchange in exchanges]
    for exchange in exchanges:
        exchange.leave()
    return sorted(statuses)


def test_clients_of_a_trusted_proxy_are_told_apart(daemon: Daemon) -> None:
    daemon.settings = evolve(SETTINGS, trusted_proxies=("10.0.0.0/8",))
    for _ in range(6):
        last = daemon.send_login("unknown", headers={"X-Forwarded-For": "203.0.113.1"}, address="10.0.0.1")
    assert last.status == 429
    other = {"X-Forwarded-For": "203.0.113.1, 203.0.113.2"}
    assert daemon.send_login("unknown", headers=other, address="10.0.0.1").status == 401


def test_challenges_are_limited(daemon: Daemon) -> None:
    for _ in range(30):
        daemon.nonce()
    answer = daemon.call("GET", "/api/auth/challenge")
    assert code(answer) == (429, "rate-limited")
    assert answer.headers["retry-after"] == "60"


def test_the_socket_is_not_limited(daemon: Daemon) -> None:
    for _ in range(40):
        daemon.nonce(socket=True)
        assert daemon.send_login("unknown", socket=True).status == 401


def test_a_name_that_is_led_to_us_from_outside_is_refused_until_it_is_listed(daemon: Daemon) -> None:
    headers = bearer(daemon.token()) | {"Host": "evil.example"}
    assert code(daemon.call("GET", "/api/tasks", headers)) == (403, "host")
    assert code(daemon.call("GET", "/api/auth/challenge", {"Host": "evil.example:9477"})) == (403, "host")
    assert code(daemon.call("GET", "/api/nothing", {"Host": "evil.example"})) == (403, "host")
    daemon.settings = evolve(SETTINGS, allowed_hosts=("evil.example",))
    assert daemon.call("GET", "/api/tasks", headers).status == 200


def test_a_malformed_host_is_malformed(daemon: Daemon) -> None:
    assert code(daemon.call("GET", "/api/tasks", {"Host": "a/b"})) == (400, "malformed")


def test_a_cookie_acts_for_our_own_pages_only(daemon: Daemon) -> None:
    held, path = cookie(daemon.token()), "/api/tasks/trigger"
    assert code(daemon.call("POST", path, held | FOREIGN_ORIGIN)) == (403, "cross-origin")
    assert code(daemon.call("POST", path, held)) == (403, "cross-origin")
    assert daemon.call("POST", path, held | OWN_ORIGIN).status == 200
    assert daemon.call("POST", path, held | {"Referer": "http://localhost:9477/runs"}).status == 200


def test_a_bearer_acts_from_anywhere(daemon: Daemon) -> None:
    headers = bearer(daemon.token()) | FOREIGN_ORIGIN
    assert daemon.call("POST", "/api/tasks/trigger", headers).status == 200


def test_the_socket_needs_neither_session_nor_host_nor_origin(daemon: Daemon) -> None:
    headers = FOREIGN_ORIGIN | {"Host": "evil.example"} | bearer("bad")
    assert daemon.call("GET", "/api/tasks", headers, socket=True).status == 200
    assert daemon.call("POST", "/api/tasks/trigger", headers, socket=True).status == 200


def test_without_authentication_all_is_open_but_to_foreign_pages_and_hosts(open_daemon: Daemon) -> None:
    path = "/api/tasks/trigger"
    assert open_daemon.call("GET", "/api/tasks").status == 200
    assert open_daemon.call("POST", path).status == 200
    for headers in (FOREIGN_ORIGIN, FOREIGN_ORIGIN | bearer("any"), {"Sec-Fetch-Site": "cross-site"}):
        assert code(open_daemon.call("POST", path, headers)) == (403, "cross-origin")
    assert code(open_daemon.call("GET", "/api/tasks", {"Host": "evil.example"})) == (403, "host")
    assert code(open_daemon.send_login(open_daemon.nonce(), "")) == (401, "rejected")


def test_a_local_route_is_closed_to_proxies_on_the_same_host(daemon: Daemon) -> None:
    path = "/api/daemon/identity"
    assert daemon.call("GET", path, address="127.0.0.1").status == 200
    assert daemon.call("GET", path, socket=True).status == 200
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    assert code(daemon.call("GET", path, forwarded, address="127.0.0.1")) == (403, "local-only")
    assert code(daemon.call("GET", path, bearer(daemon.token()), address="192.0.2.1")) == (403, "local-only")
