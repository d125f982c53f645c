from __future__ import annotations

import hashlib

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from runwisp.web.auth.auth import Auth, is_right
from runwisp.web.auth.passwords import Password, Source
from runwisp.web.auth.tokens import Token, Tokens
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Caller

PASSWORD = "correct horse"
RIGHT = Password(PASSWORD, Source.FILE)
START_S = 1_772_416_800.4
SOCKET = Caller(is_socket=True, address="", client="", is_secure=False)


def from_address(client: str) -> Caller:
    return Caller(is_socket=False, address="127.0.0.1", client=client, is_secure=False)


BROWSER = from_address("192.0.2.1")
OTHER = from_address("192.0.2.2")


def response(nonce: str, password: str = PASSWORD) -> str:
    return hashlib.sha256(password.encode() + b":" + nonce.encode()).hexdigest()


@define
class Door:
    """A daemon's authentication on a clock, with the steps that a client takes."""

    clock: Clock = field(factory=Clock)
    password: Password | None = RIGHT
    auth: Auth = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.auth = Auth(self.password, Tokens(b"s" * 32), self.wall, self.clock.seconds)

    def wall(self) -> float:
        return START_S + self.clock.seconds()

    def log_in(self, caller: Caller = BROWSER, password: str = PASSWORD) -> Token:
        nonce = self.auth.challenge(caller)
        return self.auth.log_in(caller, nonce, response(nonce, password))

    def refusal(self, caller: Caller, nonce: str, text: str) -> Problem:
        with pytest.raises(Problem) as caught:
            self.auth.log_in(caller, nonce, text)
        return caught.value

    def refused_ticket(self, ticket: str, caller: Caller = BROWSER) -> Problem:
        with pytest.raises(Problem) as caught:
            self.auth.redeem(caller, ticket)
        return caught.value


def test_who_knows_the_password_gets_a_session_of_a_day() -> None:
    door = Door()
    token = door.log_in()
    assert door.auth.session_ends_at(token.text) == token.ends_at == (int(START_S) + 86_400) * 1000
    door.clock.advance(86_400)
    assert door.auth.session_ends_at(token.text) is None


@pytest.mark.parametrize("password", ["", "Correct horse", PASSWORD + "\n", "wrong"])
def test_who_does_not_know_the_password_is_rejected(password: str) -> None:
    door = Door()
    with pytest.raises(Problem) as caught:
        door.log_in(password=password)
    assert (caught.value.status, caught.value.code) == (401, Code.REJECTED)
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def test_of_two_logins_with_one_nonce_one_succeeds() -> None:
    door = Door()
    nonce = door.auth.challenge(BROWSER)
    door.auth.log_in(BROWSER, nonce, response(nonce))
    assert door.refusal(OTHER, nonce, response(nonce)).status == 401


def test_a_wrong_response_spends_the_nonce() -> None:
    door = Door()
    nonce = door.auth.challenge(BROWSER)
    assert door.refusal(BROWSER, nonce, response(nonce, "wrong")).status == 401
    assert door.refusal(BROWSER, nonce, response(nonce)).status == 401


def test_a_nonce_is_good_for_less_than_a_minute() -> None:
    door = Door()
    nonce = door.auth.challenge(BROWSER)
    door.clock.advance(60)
    assert door.refusal(BROWSER, nonce, response(nonce)).status == 401


@pytest.mark.parametrize("nonce", ["", "0" * 64, "ä", "\udc80"])
def test_a_nonce_that_was_not_handed_out_is_rejected(nonce: str) -> None:
    door = Door()
    answer = hashlib.sha256(f"{PASSWORD}:".encode() + nonce.encode("utf-8", "surrogatepass")).hexdigest()
    assert door.refusal(BROWSER, nonce, answer).code is Code.REJECTED


def test_the_sixth_attempt_after_five_rejections_is_refused_even_with_the_right_password() -> None:
    door = Door()
    nonces = [door.auth.challenge(BROWSER) for _ in range(7)]
    assert [door.refusal(BROWSER, nonce, "wrong").status for nonce in nonces[:6]] == [401] * 5 + [429]
    refusal = door.refusal(BROWSER, nonces[6], response(nonces[6]))
    assert (refusal.code, refusal.headers) == (Code.RATE_LIMITED, {"Retry-After": "300"})
    door.clock.advance(59)
    # A refused attempt neither looks at the nonce nor lengthens the wait.
    assert door.refusal(BROWSER, nonces[6], response(nonces[6])).headers == {"Retry-After": "241"}
    door.clock.advance(241)
    assert door.log_in()


def test_rejections_of_one_client_do_not_keep_another_out() -> None:
    door = Door()
    for _ in range(5):
        door.refusal(BROWSER, "unknown", "wrong")
    assert door.log_in(OTHER)


def test_wrong_logins_and_wrong_tickets_count_together() -> None:
    door = Door()
    for _ in range(3):
        door.refusal(BROWSER, "unknown", "wrong")
    assert [door.refused_ticket("unknown").status for _ in range(3)] == [401, 401, 429]
    assert door.refusal(BROWSER, "unknown", "wrong").status == 429


def test_successful_logins_do_not_count() -> None:
    door = Door()
    for _ in range(25):
        assert door.log_in()


def test_a_client_gets_thirty_challenges_a_minute() -> None:
    door = Door()
    for _ in range(30):
        door.auth.challenge(BROWSER)
    with pytest.raises(Problem) as caught:
        door.auth.challenge(BROWSER)
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "60"})
    assert door.auth.challenge(OTHER)
    door.clock.advance(60)
    assert door.auth.challenge(BROWSER)


def test_the_socket_has_no_limits() -> None:
    door = Door()
    for _ in range(50):
        door.auth.challenge(SOCKET)
        assert door.refusal(SOCKET, "unknown", "wrong").status == 401
    assert door.log_in(SOCKET)


def test_ten_thousand_attempts_from_as_many_addresses_stay_in_bounds() -> None:
    door = Door()
    statuses: list[int] = []
    for number in range(10_000):
        caller = from_address(f"10.{number >> 8}.{number & 255}.1")
        door.clock.advance(0.001)
        try:
            nonce = door.auth.challenge(caller)
        except Problem as problem:
            statuses.append(problem.status)
            nonce = "unknown"
        statuses.append(door.refusal(caller, nonce, "wrong").status)
    assert statuses.count(401) == 100
    assert set(statuses) == {401, 429}


def test_a_ticket_is_traded_for_a_session_once() -> None:
    door = Door()
    ticket = door.auth.issue_ticket()
    token = door.auth.redeem(BROWSER, ticket)
    assert door.auth.session_ends_at(token.text) == token.ends_at
    assert door.refused_ticket(ticket, OTHER).code is Code.REJECTED


def test_a_ticket_is_good_for_less_than_a_minute() -> None:
    door = Door()
    ticket = door.auth.issue_ticket()
    door.clock.advance(60)
    assert door.refused_ticket(ticket).status == 401


def test_of_more_than_a_hundred_tickets_the_oldest_is_forgotten() -> None:
    door = Door()
    first, second, *_ = [door.auth.issue_ticket() for _ in range(101)]
    assert door.refused_ticket(first).status == 401
    assert door.auth.redeem(BROWSER, second)


def test_a_ticket_is_no_nonce_and_a_nonce_no_ticket() -> None:
    door = Door()
    ticket, nonce = door.auth.issue_ticket(), door.auth.challenge(BROWSER)
    assert door.refusal(BROWSER, ticket, response(ticket)).status == 401
    assert door.refused_ticket(nonce).status == 401


def test_without_authentication_nobody_gets_a_session_by_any_password() -> None:
    door = Door(password=None)
    nonce = door.auth.challenge(BROWSER)
    refusal = door.refusal(BROWSER, nonce, response(nonce, ""))
    assert (refusal.status, "off" in refusal.detail) == (401, True)
    assert not door.auth.is_required


def test_the_password_does_not_show_in_logs() -> None:
    assert PASSWORD not in repr(Door().auth)


@given(st.text(), st.text())
def test_only_the_digest_of_the_spec_is_right(password: str, text: str) -> None:
    nonce = "0f" * 32
    right = response(nonce, password)
    assert is_right(right, password, nonce)
    assert is_right(text, password, nonce) is (text == right)
    assert not is_right(right.upper(), password, nonce) or right.isdigit()
    assert not is_right(right + " ", password, nonce)
