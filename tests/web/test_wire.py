"""Resources as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from attrs import frozen

from runwisp.model import Bytes, RunId, Seconds, Status, Stream, UnixMs
from runwisp.web.wire import plain, to_json


@frozen
class Part:
    at: UnixMs | None


@frozen
class Whole:
    at: UnixMs
    number: int
    span: Seconds
    whole_span: Seconds
    size: Bytes | None
    id: RunId
    status: Status | None
    stream: Stream
    times: tuple[UnixMs, ...]
    parts: tuple[Part, ...] | None
    env: Mapping[str, str]
    nothing: None = None


WHOLE = Whole(
    at=UnixMs(1_772_416_800_412),
    number=1_772_416_800_412,
    span=Seconds(0.25),
    whole_span=Seconds(1800.0),
    size=None,
    id=RunId("01"),
    status=Status.ENDED,
    stream=Stream.STDERR,
    times=(UnixMs(0),),
    parts=(Part(UnixMs(1)), Part(None)),
    env={"A": "b"},
)


def test_the_annotation_says_how_a_value_is_written() -> None:
    assert plain(WHOLE) == {
        "at": "2026-03-02T02:00:00.412Z",
        "number": 1_772_416_800_412,
        "span": 0.25,
        "whole_span": 1800,
        "size": None,
        "id": "01",
        "status": "ended",
        "stream": "stderr",
        "times": ["1970-01-01T00:00:00.000Z"],
        "parts": [{"at": "1970-01-01T00:00:00.001Z"}, {"at": None}],
        "env": {"A": "b"},
        "nothing": None,
    }


def test_whole_seconds_are_written_without_decimals() -> None:
    assert b'"span":0.25,"whole_span":1800,' in to_json(WHOLE)


def test_fields_are_written_in_the_order_of_their_declaration() -> None:
    assert list(json.loads(to_json(WHOLE))) == list(Whole.__annotations__)


def test_json_is_utf_8_on_one_line_without_spaces() -> None:
    assert to_json({"a": "ä\n", "b": [1, None]}) == '{"a":"ä\\n","b":[1,null]}'.encode()


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    assert to_json(["a\udc80b"]) == b'["a?b"]'


def test_what_is_no_number_in_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json([float("nan")])
