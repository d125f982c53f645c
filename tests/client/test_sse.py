"""The reader of event streams."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.client.sse import Event, EventReader

STREAM = (
    b"event: ping\ndata: {}\n\n"
    b': a comment\nid: 5f0c91aa-412\nevent: run.ended\ndata: {"run": 1}\n\n'
    b"event: nothing\n\n"
    b"data:first\r\ndata: second \xc3\xa4\r\n\r\n"
    b"unknown: field\nid: 7\ndata\n\n"
    b"event: cut\ndata: {"
)
EVENTS = [
    Event("ping", "{}"),
    Event("run.ended", '{"run": 1}', "5f0c91aa-412"),
    Event("message", "first\nsecond ä", "5f0c91aa-412"),
    Event("message", "", "7"),
]


def test_events_have_names_data_and_the_last_id() -> None:
    assert list(EventReader().feed(STREAM)) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_it_does_not_matter_where_a_stream_is_cut_into_pieces(cuts: list[int]) -> None:
    reader = EventReader()
    bounds = [0, *cuts, len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(bounds)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


@pytest.mark.parametrize("end", [b"", b"\n", b"data: x\n"])
def test_an_event_that_is_not_complete_does_not_come(end: bytes) -> None:
    assert list(EventReader().feed(b"event: lines\ndata: {}" + end)) == []


def test_an_id_with_a_nul_is_none() -> None:
    assert list(EventReader().feed(b"id: a\nid: b\0\ndata: x\n\n")) == [Event("message", "x", "a")]
