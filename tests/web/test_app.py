"""The way of a request to its handler, and of whatever comes of it to the client."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from runwisp.errors import Locked, ShuttingDown, StorageError, UnknownUnit
from runwisp.web.answering import Page
from runwisp.web.app import make_resource
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Caller, Route
from tests.web.requests import OpenGate, Response, call, connect, request_bytes, resource, start
from tests.web.sample import SampleApi


@implementer(IGate)
class ShutGate(OpenGate):
    """Refuses at the host, at the session, or nowhere."""

    def __init__(self, host: bool = False, session: bool = False) -> None:
        super().__init__()
        self.host, self.session = host, session
        self.seen: list[RequestFacts] = []

    def check_host(self, facts: RequestFacts) -> None:
        self.seen.append(facts)
        if self.host:
            raise Problem(403, Code.HOST, "No such host.")

    def admit(self, route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        if self.session:
            raise Problem(401, Code.UNAUTHENTICATED, "Log in first.")
        return super().admit(route, facts, caller)


def code(response: Response) -> str:
    assert response.media_type == "application/problem+json"
    return str(response.json()["type"]).removeprefix("urn:runwisp:problem:")


def test_the_gates_of_tests_are_gates() -> None:
    assert verifyObject(IGate, OpenGate())
    assert verifyObject(IGate, ShutGate())


def test_an_answer_is_json_that_nobody_stores() -> None:
    answer = call(resource(SampleApi()), "GET", "/api/things/a")
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body == b'{"name":"a","at":"1970-01-01T00:00:00.000Z"}'


def test_an_answer_may_have_headers_and_a_status_of_its_own() -> None:
    answer = call(resource(SampleApi()), "POST", "/api/things", json={"name": "x"})
    assert (answer.status, answer.headers["location"]) == (201, "/api/things/x")


def test_a_deletion_answers_without_a_body() -> None:
    answer = call(resource(SampleApi()), "DELETE", "/api/things/a")
    assert (answer.status, answer.body, answer.media_type) == (204, b"", "")
    assert "content-length" not in answer.headers
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/things/a"), ("PUT", "/api/things"), ("GET", "/nowhere"), ("GET", "/pulse")],
)
def test_every_answer_is_hardened(method: str, path: str) -> None:
    headers = call(resource(SampleApi()), method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
    assert headers["content-security-policy"] == (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    assert "server" not in headers
    assert "strict-transport-security" not in headers
    assert not any(name.startswith("access-control") for name in headers)


def test_the_first_check_that_fails_answers() -> None:
    """Host, path and method, session, shape of the request, existence."""
    api = SampleApi(error=UnknownUnit("a", []))
    foreign, stranger, friend = (
        resource(api, gate=gate) for gate in (ShutGate(host=True), ShutGate(session=True), ShutGate())
    )
    assert code(call(foreign, "GET", "/nowhere")) == "host"
    assert code(call(stranger, "GET", "/api/nowhere")) == "not-found"
    assert code(call(stranger, "PUT", "/api/things/a")) == "method"
    assert code(call(stranger, "GET", "/api/things/a%20?x=1")) == "unauthenticated"
    assert code(call(stranger, "POST", "/api/things", body=b"x" * 2**21)) == "unauthenticated"
    assert code(call(friend, "POST", "/api/things", body=b"x" * 2**21)) == "too-large"
    assert code(call(friend, "GET", "/api/things/a?x=1")) == "invalid"
    assert code(call(friend, "GET", "/api/things/a")) == "not-found"


def test_the_gate_is_told_of_the_request() -> None:
    gate = ShutGate()
    headers = [
        ("Host", "a.example"),
        ("X-Forwarded-For", "1.1.1.1"),
        ("X-Forwarded-For", "2.2.2.2"),
        ("Cookie", "k=v; l=w"),
    ]
    call(resource(SampleApi(), gate=gate), "GET", "/api/things?limit=5", headers=headers, address="::1")
    facts = gate.seen[0]
    assert (facts.method, facts.path, facts.is_socket, facts.address, facts.is_tls) == (
        *("GET", "/api/things", False, "::1", False),
    )
    assert facts.header("host") == "a.example"
    assert facts.header("none") is None
    assert facts.headers("x-forwarded-for") == ("1.1.1.1", "2.2.2.2")
    assert facts.cookies == {"k": "v", "l": "w"}


def test_the_gate_is_told_of_the_socket() -> None:
    gate = ShutGate()
    call(resource(SampleApi(), gate=gate), "GET", "/api/things", socket=True)
    assert (gate.seen[0].is_socket, gate.seen[0].address) == (True, "")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/",
        "/api/nowhere",
        "/api/things/",
        "/api/things/a/b",
        "//api/things",
        "/api//things",
        "/a\x80",
    ],
)
def test_there_is_nothing_at_any_other_path(path: str) -> None:
    answer = call(resource(SampleApi()), "GET", path)
    assert (answer.status, code(answer)) == (404, "not-found")


def test_a_slash_within_a_name_does_not_divide_the_path() -> None:
    answer = call(resource(SampleApi()), "GET", "/api/things%2Fsummary")
    assert answer.status == 404
    answer = call(resource(SampleApi()), "DELETE", "/api/things/a%2Fb")
    assert (answer.status, answer.json()["instance"]) == (422, "/api/things/a%2Fb")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/things", "GET, HEAD, POST"),
        ("BREW", "/api/things/a", "DELETE, GET, HEAD"),
        ("OPTIONS", "/api/things/a", "DELETE, GET, HEAD"),
        ("DELETE", "/api/things/summary", "GET, HEAD"),
        ("OPTIONS", "/api/things/summary", "GET, HEAD"),
        ("HEAD", "/api/events", "GET"),
        ("HEAD", "/api/log-in", "POST"),
    ],
)
def test_another_method_is_refused_with_those_that_are_allowed(method: str, path: str, allowed: str) -> None:
    answer = call(resource(SampleApi()), method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_a_path_that_is_spelled_out_comes_before_one_that_varies() -> None:
    assert call(resource(SampleApi()), "GET", "/api/things/summary").json()["name"] == "summary"


@pytest.mark.parametrize("path", ["/api/things/a", "/api/big", "/api/things/%20", "/api/nowhere"])
def test_head_has_the_headers_of_get_and_no_body(path: str) -> None:
    app = resource(SampleApi())
    head, get = call(app, "HEAD", path), call(app, "GET", path)
    assert head.body == b""
    assert head.status == get.status
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_head_of_a_download_opens_nothing() -> None:
    async def fail(outlet: object) -> None:
        raise AssertionError

    answer = call(resource(SampleApi(write=fail)), "HEAD", "/api/raw")
    assert (answer.status, answer.body, answer.headers["content-disposition"]) == (200, b"", "attachment")


@pytest.mark.parametrize(
    ("error", "status", "problem_code"),
    [
        (Locked("only the schedule fires a"), 403, "locked"),
        (UnknownUnit("a", ["b"], "b"), 404, "not-found"),
        (ShuttingDown("the daemon is shutting down"), 503, "shutting-down"),
        (Problem(409, Code.WRONG_STATE, "No."), 409, "wrong-state"),
    ],
)
def test_what_a_handler_refuses_is_a_problem(error: Exception, status: int, problem_code: str) -> None:
    method = "GET" if status == 404 else "DELETE"
    answer = call(resource(SampleApi(error=error)), method, "/api/things/a")
    assert (answer.status, code(answer)) == (status, problem_code)
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), StorageError("secret path")])
def test_an_unexpected_error_is_told_to_the_log_alone(
    error: Exception, logged_failures: list[Failure]
) -> None:
    answer = call(resource(SampleApi(error=error)), "GET", "/api/things/a")
    assert (answer.status, code(answer)) == (500, "internal")
    assert b"secret" not in answer.body
    assert [failure.value for failure in logged_failures] == [error]
    logged_failures.clear()


def test_json_of_a_kilobyte_is_compressed_for_who_accepts_it() -> None:
    app = resource(SampleApi())
    plain = call(app, "GET", "/api/big")
    packed = call(app, "GET", "/api/big", headers={"Accept-Encoding": "br, gzip"})
    assert (plain.headers["vary"], packed.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert len(packed.body) < len(plain.body)
    assert packed.json() == plain.json()


def test_a_small_answer_is_never_compressed() -> None:
    answer = call(resource(SampleApi()), "GET", "/api/things/a", headers={"Accept-Encoding": "gzip"})
    assert not {"content-encoding", "vary"} & set(answer.headers)


def test_reading_ends_when_the_client_leaves() -> None:
    waiting: Deferred[None] = Deferred()
    api = SampleApi(waiting=[waiting])
    exchange = start(resource(api), "GET", "/api/slow")
    exchange.leave()
    assert waiting.called
    assert api.done == []


def test_an_action_is_carried_out_though_the_client_leaves() -> None:
    waiting: Deferred[None] = Deferred()
    api = SampleApi(waiting=[waiting])
    exchange = start(resource(api), "DELETE", "/api/things/a")
    exchange.leave()
    waiting.callback(None)
    assert api.done == ["a"]


def test_the_failure_of_an_action_whose_client_has_left_is_logged(logged_failures: list[Failure]) -> None:
    waiting: Deferred[None] = Deferred()
    exchange = start(resource(SampleApi(waiting=[waiting])), "DELETE", "/api/things/a")
    exchange.leave()
    waiting.errback(ZeroDivisionError())
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()


def test_a_slow_answer_comes_when_it_is_there() -> None:
    waiting: Deferred[None] = Deferred()
    exchange = start(resource(SampleApi(waiting=[waiting])), "GET", "/api/slow")
    assert exchange.received == b""
    waiting.callback(None)
    assert exchange.response.json()["name"] == "slow"
    exchange.leave()


def test_one_connection_serves_many_requests() -> None:
    exchange = connect(resource(SampleApi()))
    exchange.send(request_bytes("GET", "/api/things/a") + request_bytes("GET", "/api/things/b"))
    assert exchange.received.count(b"HTTP/1.1 200 OK") == 2
    exchange.leave()


def found(facts: RequestFacts) -> Page | None:
    return Page(body=b"<p>hello", media_type="text/html") if facts.path == "/" else None


def test_outside_the_api_lies_what_is_static() -> None:
    app = make_resource([SampleApi()], OpenGate(), connect(resource()).clock, lambda: 0.0, found)
    answer = call(app, "GET", "/")
    assert (answer.status, answer.media_type, answer.body) == (200, "text/html", b"<p>hello")
    assert "cache-control" not in answer.headers
    assert call(app, "HEAD", "/").body == b""
    refused = call(app, "POST", "/")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert call(app, "GET", "/x").status == 404
    assert call(app, "GET", "/api/").status == 404


def test_routes_outside_the_api_take_any_query() -> None:
    answer = call(resource(SampleApi()), "GET", "/pulse?t=1")
    assert (answer.status, answer.body) == (200, b"alive")


def test_two_routes_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes are called list_things"):
        resource(SampleApi(), SampleApi())
