"""Which routes are open to whom, as the catalogue declares them (spec: rest, endpoints)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock

from runwisp.web.app import App
from runwisp.web.auth.auth import Auth
from runwisp.web.auth.passwords import Password, Source
from runwisp.web.auth.tokens import Tokens
from runwisp.web.catalogue import APIS
from runwisp.web.guard import Gate
from runwisp.web.routing import Access, Route, routes_of
from tests.web.auth.daemon import code
from tests.web.requests import call, resource
from tests.web.settings import SETTINGS

OPEN = {
    Access.PUBLIC: {
        "GET /health",
        "GET /ready",
        "GET /metrics",
        "GET /api/openapi.json",
        "GET /api/auth/status",
        "GET /api/auth/challenge",
        "POST /api/auth/login",
        "GET /api/auth/launch-ticket",
    },
    Access.SAME_ORIGIN: {"POST /api/auth/logout"},
    Access.LOCAL: {"GET /api/daemon/identity"},
    Access.SOCKET: {"GET /api/local/credentials"},
}


def routes() -> Iterator[Route]:
    for api in APIS:
        yield from routes_of(api)


def closed_routes() -> list[Any]:
    return [
        pytest.param(route, id=f"{route.method} {route.path}")
        for route in routes()
        if route.access is Access.SESSION
    ]


@pytest.fixture(scope="module")
def app() -> App:
    """All routes behind the real gate; no request gets as far as a handler."""
    auth = Auth(Password("secret", Source.FILE), Tokens(b"s" * 32), lambda: 1_772_416_800.0, lambda: 0.0)
    gate = Gate(auth, "127.0.0.1", lambda: SETTINGS)
    return resource(*(object.__new__(api) for api in APIS), gate=gate, clock=Clock())


def test_only_these_routes_are_open_without_a_session() -> None:
    for access, expected in OPEN.items():
        named = {f"{route.method} {route.path}" for route in routes() if route.access is access}
        assert named <= expected


@pytest.mark.parametrize("route", closed_routes())
def test_every_other_route_asks_for_a_session_before_it_looks_at_anything_else(
    app: App, route: Route
) -> None:
    path = route.path.replace("{id}", "not-a-ulid").replace("{name}", "a%20b")
    answer = call(
        app, route.method, f"{path}?unknown=1", headers={"Origin": "http://evil.example"}, body=b"{"
    )
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
