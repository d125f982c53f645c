"""Logins, sessions, launch tickets, and the password for who sits at the socket (spec: rest, 6 and 8)."""

from __future__ import annotations

from attrs import evolve, frozen
from twisted.logger import Logger

from runwisp.web.auth import redirect
from runwisp.web.auth.auth import COOKIE, NONCE_LIFE, TICKET_LIFE, Auth
from runwisp.web.auth.tokens import LIFETIME, Token
from runwisp.web.params import text
from runwisp.web.problem import not_found
from runwisp.web.resources.auth import AuthStatus, Challenge, Credentials, LaunchTicket, Session
from runwisp.web.routing import Access, Answer, Call, Caller, route

#: The largest body of a login, in bytes.
_LOGIN_BODY = 1024
#: In characters: both have 64 if they are right, and two of this length still fit into the body.
_LONGEST_PROOF = 480


@frozen
class LoginBody:
    """``response`` is the SHA-256 of ``password:nonce`` in lower-case hexadecimal digits."""

    nonce: str = text(longest=_LONGEST_PROOF, is_required=True, is_secret=True)
    response: str = text(longest=_LONGEST_PROOF, is_required=True, is_secret=True)


@frozen
class RedemptionQuery:
    ticket: str = text(longest=512, is_required=True, is_secret=True)
    redirect: str = text("/", longest=4096)


@frozen
class AuthApi:
    auth: Auth

    @route(
        "GET",
        "/api/auth/status",
        access=Access.PUBLIC,
        summary="Say whether a session is needed, and until when the caller has one",
        answers={200: AuthStatus},
    )
    async def get_auth_status(self, call: Call[None, None]) -> Answer:
        return Answer(content=self._status(call.caller))

    @route(
        "GET",
        "/api/auth/challenge",
        access=Access.PUBLIC,
        summary="Get a nonce for one login",
        answers={200: Challenge},
        problems=(429,),
    )
    async def get_challenge(self, call: Call[None, None]) -> Answer:
        return Answer(content=Challenge(nonce=self.auth.challenge(call.caller), expires_in=NONCE_LIFE))

    @route(
        "POST",
        "/api/auth/login",
        access=Access.PUBLIC,
        summary="Prove to know the password, and get a token and the cookie with it",
        answers={200: Session},
        problems=(401, 429),
        body=LoginBody,
        max_body=_LOGIN_BODY,
    )
    async def log_in(self, call: Call[None, LoginBody]) -> Answer:
        token = self.auth.log_in(call.caller, call.body.nonce, call.body.response)
        session = Session(token=token.text, expires_at=token.ends_at)
        return Answer(content=session, headers={"Set-Cookie": _cookie(token, call.caller)})

    @route(
        "POST",
        "/api/auth/logout",
        access=Access.SAME_ORIGIN,
        summary="Remove the cookie; its token stays good until it expires",
        answers={200: AuthStatus},
        problems=(403,),
    )
    async def log_out(self, call: Call[None, None]) -> Answer:
        caller = call.caller
        # Of two ways to be logged in only the cookie goes.
        is_bearer = call.header("authorization") is not None
        left = caller if is_bearer else evolve(caller, session_ends_at=None)
        return Answer(content=self._status(left), headers={"Set-Cookie": _cookie(None, caller)})

    @route(
        "POST",
        "/api/auth/launch-ticket",
        summary="Get a ticket that opens the dashboard in a browser without a login",
        answers={201: LaunchTicket},
    )
    async def create_launch_ticket(self, call: Call[None, None]) -> Answer:
        ticket = LaunchTicket(ticket=self.auth.issue_ticket(), expires_in=TICKET_LIFE)
        return Answer(status=201, content=ticket)

    @route(
        "GET",
        "/api/auth/launch-ticket",
        access=Access.PUBLIC,
        summary="Trade a ticket for the cookie, and go on to a page of the dashboard",
        answers={303: None},
        problems=(401, 429),
        query=RedemptionQuery,
    )
    async def redeem_launch_ticket(self, call: Call[RedemptionQuery, None]) -> Answer:
        token = self.auth.redeem(call.caller, call.query.ticket)
        headers = {
            "Location": redirect.clean(call.query.redirect),
            "Set-Cookie": _cookie(token, call.caller),
            "Cache-Control": "no-store",
        }
        return Answer(status=303, content=None, headers=headers)

    def _status(self, caller: Caller) -> AuthStatus:
        return AuthStatus(
            auth_required=self.auth.is_required,
            authenticated=(
                not self.auth.is_required or caller.is_socket or caller.session_ends_at is not None
            ),
            expires_at=caller.session_ends_at,
        )


@frozen
class LocalApi:
    auth: Auth
    log = Logger()

    @route(
        "GET",
        "/api/local/credentials",
        access=Access.SOCKET,
        summary="Show the password that the daemon keeps in its data directory",
        answers={200: Credentials},
        problems=(404,),
    )
    async def get_credentials(self, call: Call[None, None]) -> Answer:
        password = self.auth.password
        if password is None:
            raise not_found("Authentication is off: there is no password.")
        if password.source.is_operator:
            raise not_found(f"The password is set by the operator, in {password.source.value}.")
        self.log.info("the password was read over the socket")
        return Answer(content=Credentials(password=password.text))


def _cookie(token: Token | None, caller: Caller) -> str:
    """The cookie of a session, or what makes a browser forget it."""
    text, age = (token.text, int(LIFETIME)) if token is not None else ("", 0)
    secure = "; Secure" if caller.is_secure else ""
    return f"{COOKIE}={text}; Path=/api/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
