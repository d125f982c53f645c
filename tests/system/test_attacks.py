"""Attacks on the real daemon, over its real sockets: forged sessions, foreign pages, guesses, paths.

What it does with sizes and with slow clients is in ``test_limits.py``, who gets in at its socket in
``test_listen.py``, and what time takes away in ``test_expiry.py``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from attrs import frozen

from runwisp.model import Run
from tests.system.independent.session import Client, LoginRefused
from tests.system.program import Daemon, running
from tests.system.talk import Answer, SocketConnection, ask, over_tcp, whole

pytestmark = pytest.mark.system

PASSWORD = "open sesame"
CONFIG = """
[tasks.hello]
run = "echo hello"
cron = "0 2 29 2 *"
[services.web]
run = "exec sleep 600"
"""
JSON = {"Content-Type": "application/json"}


@frozen
class Target:
    daemon: Daemon
    token: str
    run: Run
    """One of ``hello`` that has ended; it stays."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"runwisp_jwt={self.token}"}

    def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] = {}) -> Answer:
        return ask(over_tcp(self.daemon.port), path, method, headers=headers)

    def over_socket(self) -> HTTPConnection:
        return SocketConnection(self.daemon.data / "runwisp.sock")

    def state(self) -> object:
        """What an attack that succeeds would change."""
        tasks = ask(self.over_socket(), "/api/tasks").json()["items"]
        seen = [(task["name"], task["paused_at"], task["service"]) for task in tasks]
        return seen, self.daemon.rows()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("target"), CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        client.login(PASSWORD)
        assert client.session is not None
        assert client.call("POST", "/api/tasks/hello/trigger?wait=true").status == 201
        yield Target(daemon, client.session.token, daemon.rows("hello")[0])


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["type"].rpartition(":")[2]


@frozen
class Operation:
    """A row of the daemon's own description."""

    method: str
    template: str
    needs_session: bool

    def path(self, name: str, run_id: str) -> str:
        return self.template.replace("{name}", name).replace("{id}", run_id)


def operations(target: Target) -> list[Operation]:
    paths = target.ask("/api/openapi.json").json()["paths"]
    return [
        Operation(method.upper(), path, bool(operation.get("security")))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in ("get", "post", "delete")
    ]


# Forged sessions.


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> Any:  # Any: JSON of any shape
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(header: object, claims: object, key: bytes, algorithm: str = "sha256") -> str:
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{text}.{encoded(hmac.digest(key, text.encode(), algorithm))}"


def unsigned(algorithm: str, claims: object) -> str:
    return signed({"alg": algorithm, "typ": "JWT"}, claims, b"").rpartition(".")[0] + "."


def forgeries(token: str, secret: bytes) -> dict[str, str]:
    """Tokens that all are wrong in one thing."""
    head, body, signature = token.split(".")
    header, claims = decoded(head), decoded(body)
    later = claims | {"exp": claims["exp"] + 86_400}
    other = encoded(hashlib.sha256(signature.encode()).digest())
    found = {f"alg {alg!r}": unsigned(alg, claims) for alg in ("none", "None", "NONE", "nOnE", "")}
    found |= {
        f"claims without {name}": signed(
            header, {key: value for key, value in claims.items() if key != name}, secret
        )
        for name in ("iss", "aud", "exp")
    }
    return found | {
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{token}.{signature}",
        "another signature": f"{head}.{body}.{other}",
        "a signature cut short": token[:-4],
        "a later end under the old signature": f"{head}.{encoded(json.dumps(later).encode())}.{signature}",
        "none in front of a good signature": ".".join((encoded(b'{"alg":"none"}'), body, signature)),
        "signed with nothing": signed(header, claims, b""),
        "signed with the password": signed(header, claims, PASSWORD.encode()),
        "signed with the secret as text": signed(header, claims, secret.hex().encode()),
        "our secret, SHA-512": signed(header | {"alg": "HS512"}, claims, secret, "sha512"),
        "our secret, SHA-512 that says SHA-256": signed(header, claims, secret, "sha512"),
        "our secret, but RS256": signed(header | {"alg": "RS256"}, claims, secret),
        "a key of its own": signed(header | {"jwk": {"kty": "oct", "k": encoded(b"k")}}, claims, b"k"),
        "a key of ours from a path": signed(header | {"kid": "../../../dev/null"}, claims, b""),
        "of another issuer": signed(header, claims | {"iss": "elsewhere"}, secret),
        "for another audience": signed(header, claims | {"aud": "elsewhere"}, secret),
        "over": signed(header, claims | {"exp": int(time.time()) - 1}, secret),
        "an end that is text": signed(header, claims | {"exp": "9999999999"}, secret),
        "an end beyond numbers": signed(header, claims | {"exp": float("inf")}, secret),
        "claims that are a list": signed(header, [claims], secret),
        "10,000 letters": "x" * 10_000,
    }


def test_no_forged_token_is_a_session(target: Target) -> None:
    with closing(sqlite3.connect(target.daemon.data / "runwisp.db")) as database:
        ((text,),) = database.execute("SELECT value FROM config_entries WHERE key = 'jwt_secret'")
    secret = bytes.fromhex(text)
    header, claims = (decoded(part) for part in target.token.split(".")[:2])
    # The same by our own hands is good, so that the others are bad for what is wrong with them.
    good = signed(header, claims, secret)
    assert target.ask("/api/runs", headers={"Authorization": f"bearer {good}"}).status == 200
    for what, token in forgeries(target.token, secret).items():
        for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"runwisp_jwt={token}"}):
            for path in ("/api/runs", "/api/events"):
                answer = target.ask(path, headers=headers)
                assert code(answer) == (401, "unauthenticated"), (what, path)
                assert token not in answer.body.decode()
            assert target.ask("/api/auth/status", headers=headers).json()["authenticated"] is False, what


def test_a_session_of_another_daemon_with_the_same_password_is_none_here(
    target: Target, tmp_path: Path
) -> None:
    with running(tmp_path, CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as other:
        foreign = Client(other.port).login(PASSWORD).token
    assert code(target.ask("/api/runs", headers={"Authorization": f"Bearer {foreign}"}))[0] == 401
    assert code(target.ask("/api/runs", headers={"Cookie": f"runwisp_jwt={foreign}"}))[0] == 401


# Foreign pages and foreign names.


def test_no_foreign_page_acts_with_the_cookie_of_its_visitor(target: Target) -> None:
    own = f"http://127.0.0.1:{target.daemon.port}"
    pages: list[dict[str, str]] = [
        {},
        {"Origin": "http://127.0.0.1:6006"},
        {"Origin": f"http://evil.example:{target.daemon.port}"},
        {"Origin": f"{own}.evil.example"},
        {"Origin": f"http://user@127.0.0.1:{target.daemon.port}"},
        {"Origin": "null", "Referer": f"{own}/"},
        {"Referer": "http://evil.example/"},
        {
            "Origin": "http://evil.example",
            "Host": f"127.0.0.1:{target.daemon.port}",
            "X-Forwarded-Host": "evil.example",
        },
    ]
    acts = [each for each in operations(target) if each.method != "GET" and each.needs_session]
    assert len(acts) > 12
    before = target.state()
    for act in acts:
        for name in ("hello", "web"):
            for page in pages:
                answer = target.ask(act.path(name, target.run.id), act.method, target.cookie | page)
                assert code(answer) == (403, "cross-origin"), (act, page)
    assert target.state() == before
    answer = target.ask("/api/tasks/hello/resume", "POST", target.cookie | {"Origin": own})
    assert answer.status == 200


def test_a_name_that_was_bound_to_our_address_leads_nowhere(target: Target) -> None:
    names = [
        "evil.example",
        f"evil.example:{target.daemon.port}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
    ]
    before = target.state()
    for each in operations(target):
        path = each.path("hello", target.run.id)
        for name in names:
            answer = target.ask(path, each.method, target.bearer | {"Host": name})
            if path in ("/health", "/ready"):
                assert answer.status == 200
            else:
                assert code(answer) == (403, "host"), (each, name)
    assert target.state() == before
    answer = ask(target.over_socket(), "/api/runs", headers={"Host": "evil.example"})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        ("GET /api/runs HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n", {400}),
        ("GET /api/runs HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", {400}),
        ("GET /api/runs HTTP/1.1\r\n", {400}),
        ("GET /api/runs HTTP/1.0\r\n", {400}),
        ("GET /api/runs HTTP/1.1\r\nHost:\r\n", {400}),
        ("GET /api/runs HTTP/1.1\r\nHost: localhost/evil.example\r\n", {400}),
        ("GET http://evil.example/api/runs HTTP/1.1\r\nHost: evil.example\r\n", {400, 403, 404}),
        ("GET http://localhost/api/runs HTTP/1.1\r\nHost: evil.example\r\n", {400, 403}),
    ],
)
def test_a_host_that_is_none_or_ambiguous_leads_nowhere(
    target: Target, head: str, statuses: set[int]
) -> None:
    """Sent as it stands, with a session that would be good."""
    with closing(over_tcp(target.daemon.port)) as connection:
        connection.connect()
        connection.sock.sendall(f"{head}Authorization: Bearer {target.token}\r\n\r\n".encode())
        response = connection.response_class(connection.sock)
        response.begin()
        assert whole(response).status in statuses


# Guesses.


def test_ten_thousand_guesses_of_the_password_get_a_hundred_tries(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        session = client.login(PASSWORD)
        guess = json.dumps({"nonce": "0" * 64, "response": "0" * 64}).encode()
        before = daemon.resident_bytes

        def attack(number: int) -> list[int]:
            """100 guesses from an address of its own."""
            address = f"127.1.{number // 200}.{number % 200 + 1}"
            statuses = []
            with closing(
                HTTPConnection("127.0.0.1", daemon.port, timeout=60, source_address=(address, 0))
            ) as one:
                for _ in range(100):
                    one.request("POST", "/api/auth/login", guess, JSON)
                    answer = whole(one.getresponse())
                    statuses.append(answer.status)
                    assert answer.status == 401 or int(answer.headers["retry-after"]) in range(1, 301)
            return statuses

        with ThreadPoolExecutor(4) as pool:
            attempts = list(pool.map(attack, range(100)))
        assert {status for statuses in attempts for status in statuses} == {401, 429}
        assert sum(statuses.count(401) for statuses in attempts) == 100
        assert max(statuses.count(401) for statuses in attempts) == 5
        assert daemon.resident_bytes - before < 10 * 2**20
        # From an address that has not tried either, and with the password: for now there are no more tries.
        with pytest.raises(LoginRefused) as caught:
            client.login(PASSWORD)
        assert caught.value.reply.status == 429
        # Who is in stays in, and whoever owns the daemon gets in at its socket.
        assert client.call("GET", "/api/runs", session.bearer).status == 200
        assert ask(SocketConnection(daemon.data / "runwisp.sock"), "/api/runs").status == 200
        ticket = client.call("POST", "/api/auth/launch-ticket", session.bearer)
        assert ticket.status == 201


# Paths.

WAYS_OUT = (
    "..",
    ".",
    "...",
    "../..",
    "../../../../../../../../etc/passwd",
    "..\\..\\..\\etc\\passwd",
    "/etc/passwd",
    "//etc/passwd",
    "hello/../../runwisp.db",
    "hello\0",
    "..\0",
    "%2e%2e%2f%2e%2e%2f",
    "%2e%2e/",
    "..%00/",
    "..;/",
    "\u2024\u2024/\uff0e\uff0e\u2215etc",
    "~root",
    "$HOME",
    "`id`",
    "$(id)",
    "'; DROP TABLE runs; --",
    "-rf",
    "x" * 5_000,
)


def spellings(text: str) -> set[str]:
    """How ``text`` may stand in one part of a path."""
    once = quote(text, safe="")
    return {once, once.replace(".", "%2e"), quote(once, safe=""), quote(text, safe="/.;%")}


def everything_below(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def test_no_name_or_id_leads_out_of_its_place(target: Target) -> None:
    before, files = target.state(), everything_below(target.daemon.home)
    for each in operations(target):
        if "{" not in each.template:
            continue
        query = "?q=root" if each.template.endswith("/search") else ""
        for spelling in sorted(set().union(*map(spellings, WAYS_OUT))):
            answer = ask(
                target.over_socket(), each.path(spelling, spelling) + query, each.method, headers=JSON
            )
            if query and answer.status == 200:
                # It is a name, of nobody.
                assert answer.json()["items"] == [], spelling
            else:
                assert answer.status in (404, 405, 422), (each, spelling, answer)
            assert b"root:" not in answer.body
            assert str(target.daemon.data).encode() not in answer.body
    assert target.state() == before
    assert everything_below(target.daemon.home) == files


def test_no_query_leads_out_of_its_place(target: Target) -> None:
    for spelling in sorted(set().union(*map(spellings, WAYS_OUT))):
        value = quote(spelling, safe="%")
        searched = target.ask(f"/api/tasks/hello/log/search?q=root&run_id={value}", headers=target.bearer)
        assert code(searched) == (422, "invalid"), spelling
        for name in ("task_name", "group"):
            answer = target.ask(f"/api/runs?{name}={value}", headers=target.bearer)
            assert answer.status == 422 or answer.json()["items"] == [], (name, spelling)


def test_no_path_leads_out_of_the_dashboard(target: Target) -> None:
    page = target.ask("/", headers={"Accept": "text/html"})
    assert page.status == 200
    for place in ("/", "/js/", "/%2e%2e/", "/api/../"):
        for way in (*WAYS_OUT, "../__init__.py", "../../setup.cfg", "../../../data/password"):
            for spelling in sorted(spellings(way)):
                for accept in ("text/html", "text/javascript"):
                    answer = target.ask(place + spelling, headers={"Accept": accept})
                    is_page = answer.status == 200 and answer.body == page.body
                    assert is_page or answer.status == 404, (place, spelling)
