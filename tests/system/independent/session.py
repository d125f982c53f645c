"""A client that logs in with the password, without sending it, and then acts with the token it got."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes

    def json(self) -> Any:  # Any: JSON of any shape
        return json.loads(self.body)


@dataclass(frozen=True)
class Session:
    """A token, what it says of itself, and when it ends according to the answer that brought it."""

    token: str
    header: Mapping[str, Any]  # Any: JSON of any shape
    claims: Mapping[str, Any]
    expires_at: datetime
    cookie: str
    """The whole ``Set-Cookie``."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class LoginRefused(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body!r}")
        self.reply = reply


class Client:
    """Speaks with the daemon at ``port``; :meth:`login` before anything that needs a session."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host
        self.session: Session | None = None

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)

    def challenge(self) -> str:
        """A nonce, good for one login within a minute."""
        reply = self.call("GET", "/api/auth/challenge")
        nonce = reply.json()["nonce"]
        assert reply.status == 200, reply
        assert isinstance(nonce, str), reply
        return nonce

    def login(self, password: str) -> Session:
        """
        :raises LoginRefused: it is not the password, or there were too many attempts
        """
        nonce = self.challenge()
        reply = self.answer(nonce, response_to(nonce, password))
        if reply.status != 200:
            raise LoginRefused(reply)
        said = reply.json()
        header, claims = (_decoded(part) for part in said["token"].split(".")[:2])
        ends = datetime.fromisoformat(said["expires_at"])
        self.session = Session(said["token"], header, claims, ends, reply.headers["set-cookie"])
        return self.session

    def answer(self, nonce: str, response: str) -> Reply:
        """Try to log in with ``response`` to ``nonce``, whatever they are."""
        return self.call("POST", "/api/auth/login", body={"nonce": nonce, "response": response})

    def call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
    ) -> Reply:
        """One request, with the session if there is one and ``headers`` are not given."""
        if headers is None:
            headers = self.session.bearer if self.session is not None else {}
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers = {**headers, "Content-Type": "application/json"}
        connection = self.connect()
        try:
            connection.request(method, path, sent, dict(headers))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())
        finally:
            connection.close()


def response_to(nonce: str, password: str) -> str:
    """What proves the knowledge of ``password``."""
    return hashlib.sha256(f"{password}:{nonce}".encode()).hexdigest()


def _decoded(part: str) -> Any:  # Any: JSON of any shape
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
