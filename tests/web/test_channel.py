"""The limits of connections and requests."""

from __future__ import annotations

from itertools import pairwise

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from runwisp.web.channel import ANSWER_S, HEADERS_S, IDLE_S, LINGER_S, MAX_HEADER_BLOCK, REQUEST_S
from runwisp.web.routing import MAX_BODY
from tests.web.requests import Exchange, call, connect, request_bytes, resource, start
from tests.web.sample import SampleApi

ABORT_S = 15.0
JSON = {"Content-Type": "application/json"}


def opened(api: SampleApi | None = None) -> tuple[Exchange, Clock]:
    clock = Clock()
    app = resource(api or SampleApi(), clock=clock)
    return connect(app, clock=clock), clock


def is_closed(exchange: Exchange) -> bool:
    closing: bool = exchange.transport.disconnecting
    return closing


def chunked(body: bytes, size: int = 65_536) -> bytes:
    bounds = [*range(0, len(body), size), len(body)]
    pieces = (body[start:end] for start, end in pairwise(bounds))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_the_largest_body_is_taken() -> None:
    padded = b'{"name": "x"}' + b" " * (MAX_BODY - 13)
    answer = call(resource(SampleApi()), "POST", "/api/things", headers=JSON, body=padded)
    assert answer.status == 201


def test_a_body_that_says_it_is_larger_is_refused_before_it_comes_and_thrown_away() -> None:
    exchange, clock = opened()
    large = {**JSON, "Content-Length": str(MAX_BODY + 1)}
    exchange.send(request_bytes("POST", "/api/things", headers=large) + b" \r\n" * 50_000)
    assert (exchange.response.status, exchange.response.json()["type"]) == (
        413,
        "urn:runwisp:problem:too-large",
    )
    assert exchange.response.headers["connection"] == "close"
    before = exchange.received
    exchange.send(b" " * MAX_BODY)
    exchange.send(request_bytes("GET", "/api/things/a"))
    assert exchange.received == before
    assert not is_closed(exchange)
    clock.advance(LINGER_S)
    assert is_closed(exchange)
    exchange.leave()


def test_a_body_in_chunks_that_turns_out_larger_is_refused_and_not_kept() -> None:
    exchange, _ = opened()
    exchange.send(request_bytes("POST", "/api/things", headers={**JSON, "Transfer-Encoding": "chunked"}))
    body = chunked(b" " * (MAX_BODY + 1))
    exchange.send(body[:-5])
    assert exchange.channel.requests[0].content.getvalue() == b""
    exchange.send(body[-5:])
    assert exchange.response.status == 413
    exchange.send(request_bytes("GET", "/api/things/a"))
    assert b"200 OK" in exchange.received
    exchange.leave()


def test_a_body_in_chunks_is_put_together() -> None:
    exchange, _ = opened()
    exchange.send(request_bytes("POST", "/api/things", headers={**JSON, "Transfer-Encoding": "chunked"}))
    exchange.send(chunked(b'{"name": "x"}', 3))
    assert exchange.response.json()["name"] == "x"
    exchange.leave()


def test_a_client_that_asks_first_need_not_send_a_body_that_is_too_large() -> None:
    exchange, clock = opened()
    expecting = {**JSON, "Expect": "100-continue", "Content-Length": str(MAX_BODY + 1)}
    exchange.send(request_bytes("POST", "/api/things", headers=expecting))
    assert exchange.response.status == 413
    clock.advance(LINGER_S)
    assert is_closed(exchange)
    exchange.leave()


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    exchange, _ = opened()
    exchange.send(
        request_bytes(
            "POST", "/api/things", headers={**JSON, "Expect": "100-continue", "Content-Length": "13"}
        )
    )
    assert exchange.received == b"HTTP/1.1 100 Continue\r\n\r\n"
    exchange.send(b'{"name": "x"}')
    assert b"HTTP/1.1 201 Created" in exchange.received
    exchange.leave()


def test_a_form_is_no_json_and_is_not_taken_apart() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call(resource(SampleApi()), "POST", "/api/things", headers=form, body=b"name=x").status == 415


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "x" * MAX_HEADER_BLOCK},
        {f"X-{number}": "x" * 1000 for number in range(70)},
        {f"X-{number}": "x" for number in range(501)},
    ],
)
def test_headers_over_the_limit_are_refused(headers: dict[str, str]) -> None:
    exchange = start(resource(SampleApi()), "GET", "/api/things", headers=headers)
    assert (exchange.head.status, exchange.head.json()["type"]) == (431, "urn:runwisp:problem:too-large")
    assert exchange.head.headers["x-frame-options"] == "DENY"
    exchange.leave()


def test_a_long_path_counts_as_headers() -> None:
    exchange = start(resource(SampleApi()), "GET", "/api/things/" + "a" * MAX_HEADER_BLOCK)
    assert exchange.head.status == 431
    exchange.leave()


def test_headers_below_the_limit_are_taken() -> None:
    headers = {"X": "x" * (MAX_HEADER_BLOCK - 200)}
    assert call(resource(SampleApi()), "GET", "/api/things", headers=headers).status == 200


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"hello\r\n\r\n",
            b"GET /api/things\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"\x16\x03\x01\x02\r\n\r\n",
        ),
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused(data: bytes) -> None:
    exchange, _ = opened()
    exchange.send(data)
    head = exchange.head
    assert (head.status, head.json()["type"]) == (400, "urn:runwisp:problem:malformed")
    assert head.headers["connection"] == "close"
    assert len(head.body) == int(head.headers["content-length"])
    exchange.leave()


def test_after_a_refusal_nothing_is_read_and_the_connection_is_closed_soon() -> None:
    exchange, clock = opened()
    exchange.send(b"hello\r\n\r\n" + request_bytes("GET", "/api/things"))
    exchange.send(request_bytes("GET", "/api/things"))
    assert exchange.received.count(b"HTTP/1.1 ") == 1
    clock.advance(LINGER_S)
    assert is_closed(exchange)
    exchange.leave()


def test_a_connection_without_requests_is_closed() -> None:
    exchange, clock = opened()
    clock.advance(IDLE_S - 1)
    assert not is_closed(exchange)
    clock.advance(1)
    assert is_closed(exchange)
    clock.advance(ABORT_S)
    assert exchange.transport.is_cut


def test_a_connection_is_kept_for_as_long_after_each_answer() -> None:
    exchange, clock = opened()
    for _ in range(3):
        clock.advance(IDLE_S - 1)
        exchange.send(request_bytes("GET", "/api/things/a"))
    assert not is_closed(exchange)
    clock.advance(IDLE_S)
    assert is_closed(exchange)
    exchange.leave()


def test_headers_that_trickle_in_do_not_hold_a_connection() -> None:
    exchange, clock = opened()
    for letter in b"GET /api/th"[:10]:
        assert not is_closed(exchange)
        exchange.send(bytes([letter]))
        clock.advance(HEADERS_S / 10)
    assert is_closed(exchange)
    exchange.leave()


def test_headers_of_a_second_request_have_their_own_time() -> None:
    exchange, clock = opened()
    exchange.send(request_bytes("GET", "/api/things/a") + b"GET /api/things HTTP/1.1\r\nHost: ")
    clock.advance(HEADERS_S - 1)
    assert not is_closed(exchange)
    clock.advance(1)
    assert is_closed(exchange)
    exchange.leave()


def test_a_body_that_trickles_in_does_not_hold_a_connection() -> None:
    exchange, clock = opened()
    clock.advance(IDLE_S - 1)
    exchange.send(b"POST /api/things HTTP/1.1\r\n")
    clock.advance(HEADERS_S - 1)
    exchange.send(b"Content-Length: 100\r\n\r\n")
    for _ in range(int(REQUEST_S - HEADERS_S)):
        exchange.send(b" ")
        clock.advance(1)
    assert not is_closed(exchange)
    clock.advance(1)
    assert is_closed(exchange)
    exchange.leave()


def test_an_answer_may_take_five_minutes() -> None:
    waiting: Deferred[None] = Deferred()
    exchange, clock = opened(SampleApi(waiting=[waiting]))
    exchange.send(request_bytes("GET", "/api/slow"))
    clock.advance(ANSWER_S - 1)
    assert not is_closed(exchange)
    clock.advance(1)
    assert is_closed(exchange)
    exchange.leave()
    assert waiting.called


def test_nothing_is_left_to_be_called_when_the_client_has_left() -> None:
    exchange, clock = opened()
    exchange.send(request_bytes("GET", "/api/things/a"))
    exchange.leave()
    assert clock.getDelayedCalls() == []
