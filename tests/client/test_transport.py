"""Requests, problems and connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runwisp.client.address import SocketAddress, parse_url
from runwisp.client.certificates import Pins
from runwisp.client.errors import (
    ApiError,
    BadAnswer,
    ConfigRejected,
    LoginRejected,
    NotFound,
    RateLimited,
    Reason,
    Unauthenticated,
    Unreachable,
)
from runwisp.client.transport import Transport
from runwisp.errors import (
    Locked,
    NotLocal,
    RunWispError,
    ShuttingDown,
    UsageError,
    WrongKind,
    WrongState,
)
from tests.client.fake_daemon import FakeDaemon, Reply, answer, problem, streamed

FLAW = {
    "message": "must be >= 1",
    "location": "tasks.a.x",
    "value": 0,
    "file": "r.toml",
    "line": 3,
    "column": 5,
}


@pytest.fixture
def transport(daemon: FakeDaemon, here: Path) -> Iterator[Transport]:
    with closing(Transport(SocketAddress(here / "data/runwisp.sock"))) as transport:
        yield transport


def test_a_question_and_its_answer_are_json(daemon: FakeDaemon, transport: Transport) -> None:
    daemon.on("POST", "/api/x", answer({"a": [1, None]}))
    assert transport.ask("POST", "/api/x", {"via": "c&d"}, {"b": "ä"}) == {"a": [1, None]}
    request = daemon.requests[0]
    assert (request.query, request.body) == ({"via": "c&d"}, {"b": "ä"})
    assert request.headers["content-type"] == "application/json"


def test_an_empty_answer_is_nothing(daemon: FakeDaemon, transport: Transport) -> None:
    daemon.on("POST", "/api/x", Reply(204))
    assert transport.ask("POST", "/api/x") is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("not-found", NotFound),
        ("config", ConfigRejected),
        ("local-only", NotLocal),
        ("unauthenticated", Unauthenticated),
        ("rejected", LoginRejected),
        ("rate-limited", RateLimited),
        ("locked", Locked),
        ("wrong-kind", WrongKind),
        ("wrong-state", WrongState),
        ("shutting-down", ShuttingDown),
        ("something-new", ApiError),
    ],
)
def test_problems_are_errors_that_say_what_the_daemon_says(
    daemon: FakeDaemon, transport: Transport, code: str, error: type[RunWispError]
) -> None:
    daemon.on("GET", "/api/x", problem(400, code, "That is wrong.", [FLAW]))
    with pytest.raises(RunWispError) as caught:
        transport.ask("GET", "/api/x")
    assert type(caught.value) is error
    assert str(caught.value) == "that is wrong"
    assert caught.value.hints == ["r.toml:3:5: must be >= 1 [tasks.a.x]"]


def test_who_asks_too_often_is_told_how_long_to_wait(daemon: FakeDaemon, transport: Transport) -> None:
    daemon.on("GET", "/api/x", problem(429, "rate-limited", "Too many.", headers={"Retry-After": "17"}))
    with pytest.raises(RateLimited) as caught:
        transport.ask("GET", "/api/x")
    assert caught.value.hints == ["try again in 17 s"]


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<html>"), Reply(502, b"<html>"), Reply(404, b"{}"), Reply(400, b"[]")]
)
def test_what_no_daemon_says_is_a_bad_answer(daemon: FakeDaemon, transport: Transport, reply: Reply) -> None:
    daemon.on("GET", "/api/x", reply)
    with pytest.raises(BadAnswer):
        transport.ask("GET", "/api/x")


def test_a_redirection_is_told_and_not_followed(daemon: FakeDaemon, transport: Transport) -> None:
    daemon.on("GET", "/api/x", Reply(308, headers={"Location": "https://there/api/x"}))
    with pytest.raises(BadAnswer, match="it points to https://there/api/x"):
        transport.ask("GET", "/api/x")


def test_a_question_is_asked_again_if_the_kept_connection_has_gone(
    daemon: FakeDaemon, transport: Transport
) -> None:
    daemon.on("GET", "/api/x", answer(1), answer(2))
    assert transport.ask("GET", "/api/x") == 1
    daemon.hang_up()
    assert transport.ask("GET", "/api/x") == 2


def test_a_stream_that_is_refused_is_an_ordinary_problem(daemon: FakeDaemon, transport: Transport) -> None:
    daemon.on("GET", "/api/x", problem(503, "stream-limit", "There are too many streams."), streamed())
    with pytest.raises(ApiError, match="too many streams"):
        transport.stream("/api/x")
    assert [event.name for event in transport.stream("/api/x")] == ["ping"]


def reason(path: Path, timeout_s: float = 5.0) -> Reason:
    with (
        pytest.raises(Unreachable) as caught,
        closing(Transport(SocketAddress(path), None, timeout_s)) as transport,
    ):
        transport.ask("GET", "/api/x")
    return caught.value.reason


def test_it_is_told_apart_why_nobody_answers(here: Path) -> None:
    assert reason(here / "nothing") is Reason.ABSENT
    (here / "file").touch()
    assert reason(here / "file/nothing") is Reason.ABSENT
    assert reason(here / "file") is Reason.ABSENT
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind("stale")
    assert reason(here / "stale") is Reason.ABSENT
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("silent")
        silent.listen()
        assert reason(here / "silent", timeout_s=0.05) is Reason.SILENT


def test_a_daemon_that_closes_without_a_byte_does_not_let_us_in(
    daemon: FakeDaemon, transport: Transport
) -> None:
    def hang_up(request: object) -> Reply:
        daemon.hang_up()
        return Reply()

    daemon.on("GET", "/api/x", hang_up)
    with pytest.raises(Unreachable) as caught:
        transport.ask("GET", "/api/x")
    assert caught.value.reason is Reason.FORBIDDEN


PINS = Pins(Path("pins"), print)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("http://localhost:9477", "http://localhost:9477"),
        ("https://runwisp.example", "https://runwisp.example:443"),
        ("http://10.0.0.1/", "http://10.0.0.1:80"),
        ("https://[::1]:9477/runwisp/", "https://[::1]:9477/runwisp"),
    ],
)
def test_a_url_is_an_address(url: str, meant: str) -> None:
    assert str(parse_url(url, PINS)) == meant


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:9477",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://x:a",
        "http://u@x",
        "http://x?a",
        "http://[",
    ],
)
def test_what_is_no_url_of_a_daemon_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse_url(url, PINS)
