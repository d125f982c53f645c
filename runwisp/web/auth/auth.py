"""How clients prove who they are: the state behind logins, sessions and launch tickets (spec: rest, 6)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from attrs import define, field

from runwisp.model import Seconds, UnixMs
from runwisp.units import now_ms
from runwisp.web.auth import words
from runwisp.web.auth.limits import SlidingWindow
from runwisp.web.auth.passwords import Password
from runwisp.web.auth.single_use import SingleUse
from runwisp.web.auth.tokens import Token, Tokens
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Caller

#: The cookie that holds the token in a browser.
COOKIE = "runwisp_jwt"
#: How long a nonce and a launch ticket are good, in seconds.
NONCE_LIFE = 60
TICKET_LIFE = 60


def _nonces() -> SingleUse:
    return SingleUse(words.nonce, Seconds(NONCE_LIFE), 1024)


def _tickets() -> SingleUse:
    return SingleUse(words.ticket, Seconds(TICKET_LIFE), 100)


def _rejections() -> SlidingWindow:
    return SlidingWindow(per_client=5, in_all=100, window=Seconds(300))


def _challenges() -> SlidingWindow:
    return SlidingWindow(per_client=30, in_all=600, window=Seconds(60))


@define
class Auth:
    """Hands out nonces, tickets and tokens; ``password`` is None where authentication is off.

    No method waits for anything between its check and its effect, so each is one step. ``wall`` tells Unix
    seconds, for tokens; ``seconds`` tells monotonic seconds, for all that is kept in memory.
    """

    password: Password | None
    tokens: Tokens
    wall: Callable[[], float]
    seconds: Callable[[], float]
    _nonces: SingleUse = field(factory=_nonces, init=False)
    _tickets: SingleUse = field(factory=_tickets, init=False)
    _rejections: SlidingWindow = field(factory=_rejections, init=False)
    _challenges: SlidingWindow = field(factory=_challenges, init=False)

    @property
    def is_required(self) -> bool:
        return self.password is not None

    def session_ends_at(self, token: str) -> UnixMs | None:
        """When the session of ``token`` ends; None if it is not ours or has ended."""
        return self.tokens.ends_at(token, now_ms(self.wall))

    def challenge(self, caller: Caller) -> str:
        """A nonce for one login.

        :raises Problem: the client has asked too often
        """
        self._check(self._challenges, caller)
        self._count(self._challenges, caller)
        return self._nonces.issue(self.seconds())

    def log_in(self, caller: Caller, nonce: str, response: str) -> Token:
        """A session for who knows the password; the nonce is spent, whatever happens.

        :raises Problem: the nonce or the response is wrong, or too many were
        """
        self._check(self._rejections, caller)
        if not self._nonces.take(nonce, self.seconds()):
            age = f"older than {NONCE_LIFE} seconds"
            raise self._reject(caller, f"The nonce is unknown, used or {age}. Ask for a new challenge.")
        if self.password is None:
            raise self._reject(caller, "Authentication is off: there is no password, and no need to log in.")
        if not is_right(response, self.password.text, nonce):
            raise self._reject(caller, "The password is wrong. The nonce is spent: ask for a new challenge.")
        return self.tokens.issue(now_ms(self.wall))

    def issue_ticket(self) -> str:
        return self._tickets.issue(self.seconds())

    def redeem(self, caller: Caller, ticket: str) -> Token:
        """A session for who brings a launch ticket, which is spent.

        :raises Problem: the ticket is not good, or too many were not
        """
        self._check(self._rejections, caller)
        if not self._tickets.take(ticket, self.seconds()):
            raise self._reject(caller, "The ticket is unknown, used or expired. Ask for a new one.")
        return self.tokens.issue(now_ms(self.wall))

    def _check(self, limit: SlidingWindow, caller: Caller) -> None:
        wait_s = None if caller.is_socket else limit.wait(caller.client, self.seconds())
        if wait_s is not None:
            detail = f"Too many attempts. Try again in {wait_s} seconds."
            raise Problem(429, Code.RATE_LIMITED, detail, headers={"Retry-After": str(wait_s)})

    def _count(self, limit: SlidingWindow, caller: Caller) -> None:
        if not caller.is_socket:
            limit.count(caller.client, self.seconds())

    def _reject(self, caller: Caller, detail: str) -> Problem:
        self._count(self._rejections, caller)
        return unauthenticated(Code.REJECTED, detail)


def is_right(response: str, password: str, nonce: str) -> bool:
    """Whether ``response`` answers ``nonce`` as only who knows the password can (spec: rest, login)."""
    expected = hashlib.sha256(f"{password}:{nonce}".encode()).hexdigest()
    return hmac.compare_digest(expected.encode(), response.encode("utf-8", "surrogatepass"))


def unauthenticated(code: Code, detail: str) -> Problem:
    return Problem(401, code, detail, headers={"WWW-Authenticate": "Bearer"})
