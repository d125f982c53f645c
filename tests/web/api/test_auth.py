"""The routes of authentication, as requests."""

from __future__ import annotations

import pytest
from attrs import evolve
from twisted.logger import LogLevel, capturedLogs

from runwisp.units import format_time, now_ms
from runwisp.web.auth.passwords import Password, Source
from tests.web.auth.daemon import (
    ATTRIBUTES,
    FOREIGN_ORIGIN,
    OWN_ORIGIN,
    PASSWORD,
    Daemon,
    bearer,
    code,
    cookie,
    digest,
)
from tests.web.settings import SETTINGS


@pytest.fixture
def daemon() -> Daemon:
    return Daemon(Password(PASSWORD, Source.FILE))


@pytest.fixture
def open_daemon() -> Daemon:
    """One without authentication."""
    return Daemon(None)


def test_a_client_logs_in_by_challenge_and_gets_token_and_cookie(daemon: Daemon) -> None:
    challenge = daemon.call("GET", "/api/auth/challenge")
    assert set(challenge.json()) == {"nonce", "expires_in"}
    assert challenge.json()["expires_in"] == 60
    nonce = challenge.json()["nonce"]
    assert (len(nonce), set(nonce) <= set("0123456789abcdef")) == (64, True)

    answer = daemon.send_login(nonce)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()["token"]
    assert answer.json() == {"token": token, "expires_at": "2026-03-03T02:00:00.000Z"}
    assert answer.headers["set-cookie"] == f"runwisp_jwt={token}{ATTRIBUTES}"
    assert daemon.call("GET", "/api/tasks", bearer(token)).status == 200
    assert daemon.call("GET", "/api/tasks", cookie(token)).status == 200


def test_a_session_ends_after_a_day(daemon: Daemon) -> None:
    token = daemon.token()
    daemon.clock.advance(86_399)
    assert daemon.call("GET", "/api/tasks", bearer(token)).status == 200
    daemon.clock.advance(1)
    assert code(daemon.call("GET", "/api/tasks", bearer(token))) == (401, "unauthenticated")


def test_no_credentials_are_unauthenticated_and_told_how_to_come_in(daemon: Daemon) -> None:
    answer = daemon.call("GET", "/api/tasks")
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_bad_header_counts_more_than_a_good_cookie(daemon: Daemon) -> None:
    answer = daemon.call("GET", "/api/tasks", cookie(daemon.token()) | bearer("bad"))
    assert code(answer) == (401, "unauthenticated")


def test_a_nonce_is_good_for_one_login(daemon: Daemon) -> None:
    nonce = daemon.nonce()
    assert [daemon.send_login(nonce).status for _ in range(2)] == [200, 401]
    assert code(daemon.send_login(nonce)) == (401, "rejected")


def test_a_nonce_is_too_old_after_a_minute(daemon: Daemon) -> None:
    nonce = daemon.nonce()
    daemon.clock.advance(60)
    assert code(daemon.send_login(nonce)) == (401, "rejected")


def test_a_wrong_password_is_rejected_without_a_cookie(daemon: Daemon) -> None:
    answer = daemon.send_login(daemon.nonce(), "wrong")
    assert code(answer) == (401, "rejected")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("text", ["", "short", "0" * 64, "ß" * 64, "x" * 400])
def test_any_other_response_is_simply_wrong(daemon: Daemon, text: str) -> None:
    body = {"nonce": daemon.nonce(), "response": text}
    assert code(daemon.call("POST", "/api/auth/login", json=body)) == (401, "rejected")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nonce": "a"},
        {"response": "a"},
        {"nonce": 1, "response": "a"},
        {"nonce": "a", "response": None},
        {"nonce": ["a"], "response": "a"},
        {"nonce": "a", "response": "a", "user": "root"},
        [],
    ],
)
def test_a_login_that_is_none_is_invalid_and_spends_no_attempt(daemon: Daemon, body: object) -> None:
    for _ in range(6):
        assert code(daemon.call("POST", "/api/auth/login", json=body)) == (422, "invalid")
    assert daemon.send_login(daemon.nonce()).status == 200


def test_what_was_sent_for_a_login_is_not_repeated(daemon: Daemon) -> None:
    body = {"nonce": 7777777, "response": ["correct horse"]}
    answer = daemon.call("POST", "/api/auth/login", json=body)
    assert answer.status == 422
    assert "7777777" not in answer.text
    assert "horse" not in answer.text


def test_a_login_has_a_small_body(daemon: Daemon) -> None:
    body = {"nonce": "a" * 1024, "response": "b"}
    assert code(daemon.call("POST", "/api/auth/login", json=body)) == (413, "too-large")


def test_a_login_may_come_from_a_page_of_any_origin(daemon: Daemon) -> None:
    assert daemon.send_login(daemon.nonce(), headers=FOREIGN_ORIGIN).status == 200


def test_the_status_tells_who_has_a_session_and_until_when(daemon: Daemon) -> None:
    token = daemon.token()
    ends_at = format_time(daemon.auth.tokens.issue(now_ms(daemon.wall)).ends_at)
    nobody = {"auth_required": True, "authenticated": False, "expires_at": None}
    somebody = {"auth_required": True, "authenticated": True, "expires_at": ends_at}
    path = "/api/auth/status"
    assert daemon.call("GET", path).json() == nobody
    assert daemon.call("GET", path, cookie(token)).json() == somebody
    assert daemon.call("GET", path, bearer(token)).json() == somebody
    assert daemon.call("GET", path, bearer("bad") | cookie(token)).json() == nobody
    assert daemon.call("GET", path, socket=True).json() == nobody | {"authenticated": True}


def test_the_status_without_authentication_is_authenticated(open_daemon: Daemon) -> None:
    answer = open_daemon.call("GET", "/api/auth/status")
    assert answer.json() == {"auth_required": False, "authenticated": True, "expires_at": None}


def test_the_status_is_not_limited(daemon: Daemon) -> None:
    assert {daemon.call("GET", "/api/auth/status").status for _ in range(60)} == {200}


def test_a_logout_removes_the_cookie_and_leaves_the_token(daemon: Daemon) -> None:
    token = daemon.token()
    answer = daemon.call("POST", "/api/auth/logout", cookie(token) | OWN_ORIGIN)
    assert answer.status == 200
    assert answer.json() == {"auth_required": True, "authenticated": False, "expires_at": None}
    gone = "runwisp_jwt=; Path=/api/; Max-Age=0; HttpOnly; SameSite=Strict"
    assert answer.headers["set-cookie"] == gone
    assert daemon.call("GET", "/api/tasks", bearer(token)).status == 200


def test_a_logout_works_without_a_session_and_leaves_who_came_by_header_logged_in(daemon: Daemon) -> None:
    assert daemon.call("POST", "/api/auth/logout").json()["authenticated"] is False
    answer = daemon.call("POST", "/api/auth/logout", bearer(daemon.token()))
    assert answer.json()["authenticated"] is True
    assert daemon.call("POST", "/api/auth/logout", socket=True).json()["authenticated"] is True


def test_a_foreign_page_logs_nobody_out(daemon: Daemon) -> None:
    answer = daemon.call("POST", "/api/auth/logout", cookie(daemon.token()) | FOREIGN_ORIGIN)
    assert code(answer) == (403, "cross-origin")
    assert "set-cookie" not in answer.headers


# Launch tickets


def test_a_ticket_opens_the_dashboard_in_a_browser_once(daemon: Daemon) -> None:
    answer = daemon.call("POST", "/api/auth/launch-ticket", bearer(daemon.token()))
    assert answer.status == 201
    ticket = answer.json()["ticket"]
    assert answer.json() == {"ticket": ticket, "expires_in": 60}
    assert (len(ticket), ticket.isalnum()) == (43, True)

    opened = daemon.redeem(f"?ticket={ticket}&redirect=/tasks/web", address="203.0.113.1")
    assert (opened.status, opened.headers["location"]) == (303, "/tasks/web")
    assert opened.headers["cache-control"] == "no-store"
    token = opened.headers["set-cookie"].removesuffix(ATTRIBUTES).removeprefix("runwisp_jwt=")
    assert daemon.call("GET", "/api/tasks", cookie(token)).status == 200
    assert code(daemon.redeem(f"?ticket={ticket}")) == (401, "rejected")


def test_a_ticket_leads_home_when_nothing_else_is_asked(daemon: Daemon) -> None:
    assert daemon.redeem(f"?ticket={daemon.ticket()}").headers["location"] == "/"


@pytest.mark.parametrize(
    "redirect",
    [
        "/%5Cevil.example",
        "/%255Cevil.example",
        "//evil.example",
        "%2F%2Fevil.example",
        "https://evil.example",
        "https%3A%2F%2Fevil.example",
        "relative",
        "",
        "/%0d%0aSet-Cookie:%20a=b",
        "/%09/evil.example",
    ],
)
def test_a_ticket_leads_to_no_other_host(daemon: Daemon, redirect: str) -> None:
    answer = daemon.redeem(f"?ticket={daemon.ticket()}&redirect={redirect}")
    assert (answer.status, answer.headers["location"]) == (303, "/")


def test_a_ticket_is_needed_and_expires(daemon: Daemon) -> None:
    ticket = daemon.ticket()
    daemon.clock.advance(60)
    assert code(daemon.redeem(f"?ticket={ticket}")) == (401, "rejected")
    assert code(daemon.redeem("?ticket=unknown")) == (401, "rejected")
    assert code(daemon.redeem("")) == (422, "invalid")
    assert code(daemon.redeem("?redirect=/")) == (422, "invalid")


def test_a_ticket_is_given_to_sessions_of_our_own_pages_only(daemon: Daemon) -> None:
    path = "/api/auth/launch-ticket"
    assert code(daemon.call("POST", path)) == (401, "unauthenticated")
    assert code(daemon.call("POST", path, cookie(daemon.token()))) == (403, "cross-origin")
    assert daemon.call("POST", path, cookie(daemon.token()) | OWN_ORIGIN).status == 201
    assert daemon.call("POST", path, socket=True).status == 201


def test_wrong_tickets_are_limited_together_with_wrong_logins(daemon: Daemon) -> None:
    for _ in range(3):
        daemon.send_login("unknown")
    assert [daemon.redeem("?ticket=unknown").status for _ in range(3)] == [401, 401, 429]


def test_the_cookie_is_secure_where_the_request_is(daemon: Daemon) -> None:
    daemon.settings = evolve(SETTINGS, trusted_proxies=("10.0.0.1",))
    https = {"X-Forwarded-Proto": "https"}
    trusted = daemon.send_login(daemon.nonce(), headers=https, address="10.0.0.1")
    assert trusted.headers["set-cookie"].endswith("; Secure")
    other = daemon.send_login(daemon.nonce(), headers=https, address="10.0.0.2")
    assert not other.headers["set-cookie"].endswith("; Secure")


def test_the_password_is_told_over_the_socket_and_that_is_logged_without_it(daemon: Daemon) -> None:
    with capturedLogs() as captured:
        answer = daemon.call("GET", "/api/local/credentials", socket=True)
    assert (answer.status, answer.json()) == (200, {"password": PASSWORD})
    told = [event for event in captured if event["log_level"] is LogLevel.info]
    assert [event["log_format"] for event in told] == ["the password was read over the socket"]
    assert PASSWORD not in str(captured)


def test_the_password_is_not_told_over_tcp(daemon: Daemon) -> None:
    path = "/api/local/credentials"
    assert code(daemon.call("GET", path)) == (403, "local-only")
    assert code(daemon.call("GET", path, bearer(daemon.token()))) == (403, "local-only")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        (Password(PASSWORD, Source.VARIABLE), "set by the operator, in the variable RUNWISP_PASSWORD"),
        (Password(PASSWORD, Source.CREDENTIAL), "set by the operator, in the credential runwisp-password"),
        (None, "Authentication is off"),
    ],
)
def test_a_password_that_is_not_the_daemons_is_not_told_at_all(
    password: Password | None, reason: str
) -> None:
    answer = Daemon(password).call("GET", "/api/local/credentials", socket=True)
    assert code(answer) == (404, "not-found")
    assert reason in answer.json()["detail"]
    assert PASSWORD not in answer.text


def test_tokens_tickets_and_passwords_are_not_in_the_log(daemon: Daemon) -> None:
    with capturedLogs() as captured:
        token = daemon.token()
        ticket = daemon.ticket()
        daemon.redeem(f"?ticket={ticket}")
        daemon.send_login(daemon.nonce(), "wrong")
    written = str(captured)
    assert captured
    assert not any(secret in written for secret in (token, ticket, PASSWORD, digest(PASSWORD, "")))
