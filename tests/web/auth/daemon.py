"""A daemon that clients log in to, in memory, and what they send."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import define, field, frozen
from twisted.internet.task import Clock

from runwisp.config.settings import DaemonSettings
from runwisp.web.api.auth import AuthApi, LocalApi
from runwisp.web.app import App
from runwisp.web.auth.auth import Auth
from runwisp.web.auth.passwords import Password
from runwisp.web.auth.tokens import Tokens
from runwisp.web.guard import Gate
from runwisp.web.routing import Access, Answer, Call, route
from tests.web.requests import Response, call, resource
from tests.web.settings import SETTINGS

PASSWORD = "correct horse"
START_S = 1_772_416_800.4
OWN_ORIGIN = {"Origin": "http://localhost:9477"}
FOREIGN_ORIGIN = {"Origin": "http://localhost:6006"}
ATTRIBUTES = "; Path=/api/; Max-Age=86400; HttpOnly; SameSite=Strict"


@frozen
class _Probe:
    """Routes as others have them."""

    @route("GET", "/api/tasks", summary="", answers={200: None})
    async def list_probes(self, call: Call[None, None]) -> Answer:
        return Answer(content=None)

    @route("POST", "/api/tasks/trigger", summary="", answers={200: None})
    async def trigger_probe(self, call: Call[None, None]) -> Answer:
        return Answer(content=None)

    @route("GET", "/api/daemon/identity", access=Access.LOCAL, summary="", answers={200: None})
    async def identify_probe(self, call: Call[None, None]) -> Answer:
        return Answer(content=None)


@define
class Daemon:
    """The routes of authentication and a few others on a clock, and what clients do with them."""

    password: Password | None = field(default=None)
    settings: DaemonSettings = SETTINGS
    clock: Clock = field(factory=Clock, init=False)
    auth: Auth = field(init=False)
    app: App = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.auth = Auth(self.password, Tokens(b"s" * 32), self.wall, self.clock.seconds)
        gate = Gate(self.auth, "127.0.0.1", lambda: self.settings)
        apis = (AuthApi(self.auth), LocalApi(self.auth), _Probe())
        self.app = resource(*apis, gate=gate, clock=self.clock, wall=self.wall)

    def wall(self) -> float:
        return START_S + self.clock.seconds()

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
        return call(self.app, method, path, headers=headers or {}, clock=self.clock, **more)

    def nonce(self, **more: Any) -> str:
        answer = self.call("GET", "/api/auth/challenge", **more)
        assert answer.status == 200
        nonce: str = answer.json()["nonce"]
        return nonce

    def send_login(self, nonce: str, password: str = PASSWORD, **more: Any) -> Response:
        body = {"nonce": nonce, "response": digest(password, nonce)}
        return self.call("POST", "/api/auth/login", json=body, **more)

    def token(self) -> str:
        token: str = self.send_login(self.nonce()).json()["token"]
        return token

    def ticket(self) -> str:
        answer = self.call("POST", "/api/auth/launch-ticket", bearer(self.token()))
        ticket: str = answer.json()["ticket"]
        return ticket

    def redeem(self, query: str, **more: Any) -> Response:
        return self.call("GET", f"/api/auth/launch-ticket{query}", **more)


def digest(password: str, nonce: str) -> str:
    """As any client does it, with the standard library alone."""
    return hashlib.sha256(f"{password}:{nonce}".encode()).hexdigest()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"runwisp_jwt={token}"}


def code(answer: Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json()["type"].removeprefix("urn:runwisp:problem:")
