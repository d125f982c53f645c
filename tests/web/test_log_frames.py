from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.follow import LINES_LIMIT, TEXT_LIMIT
from runwisp.logs.reader import LogLine
from runwisp.model import RunId, Stream, UnixMs
from runwisp.web.log_frames import Frame, Frames, frame_of, frames_of
from runwisp.web.resources.log import line_resource
from runwisp.web.wire import plain
from tests.web.outlets import events_in

RUN, OTHER = RunId("01JA9XQ4Z6M8T2V7C3K5N0RBHD"), RunId("01JA9XQ4Z6M8T2V7C3K5N0RBHE")

_lines = st.builds(
    LogLine,
    n=st.integers(1, 2**53),
    ts=st.none() | st.integers(1, 2**50).map(UnixMs),
    stream=st.sampled_from(Stream),
    text=st.text(),
    continued=st.booleans(),
)


def line(n: int, text: str = "", stream: Stream = Stream.STDOUT) -> LogLine:
    return LogLine(n, UnixMs(n), stream, text, False)


@given(st.lists(_lines, min_size=1, max_size=5))
def test_lines_are_written_as_their_resources_are(lines: list[LogLine]) -> None:
    (told,) = events_in(frame_of(lines).text)
    assert (told.name, told.id) == ("lines", str(lines[-1].n))
    assert told.data == {"items": [plain(line_resource(line)) for line in lines]}


def test_half_of_a_surrogate_pair_does_not_break_the_stream() -> None:
    (told,) = events_in(frame_of([line(1, "a\ud800b")]).text)
    assert told.data["items"][0]["text"] == "a?b"


def test_an_event_knows_of_which_streams_its_lines_are() -> None:
    made = frame_of([line(5), line(6, stream=Stream.SYSTEM), line(7)])
    assert (made.first, made.last, made.streams) == (5, 7, frozenset({Stream.STDOUT, Stream.SYSTEM}))


@given(st.lists(st.sampled_from([0, 1, 1000, 100_000, 300_000]), max_size=1200))
def test_no_event_has_too_many_lines_or_too_much_text_and_each_line_is_in_one(sizes: list[int]) -> None:
    lines = [line(n, "x" * size) for n, size in enumerate(sizes, 1)]
    made = list(frames_of(lines))
    assert [n for each in made for n in range(each.first, each.last + 1)] == [each.n for each in lines]
    for each in made:
        count = each.last - each.first + 1
        size = sum(sizes[each.first - 1 : each.last])
        assert count <= LINES_LIMIT
        assert size <= TEXT_LIMIT or count == 1


def test_events_are_found_by_run_and_first_line() -> None:
    frames = Frames(most_bytes=10_000, most=10)
    first, second = frame_of([line(1), line(2)]), frame_of([line(3)])
    for made in (first, second):
        frames.put(RUN, made)
    assert (frames.get(RUN, 1), frames.get(RUN, 3)) == (first, second)
    assert (frames.get(RUN, 2), frames.get(OTHER, 1)) == (None, None)
    assert [frames.next_start(RUN, n) for n in (0, 1, 2, 3)] == [1, 3, 3, None]
    assert frames.next_start(OTHER, 0) is None
    frames.forget(RUN)
    assert frames.get(RUN, 1) is None


def made(first: int, size: int) -> Frame:
    return Frame(first, first, frozenset(), b"x" * size)


def test_only_the_events_that_were_used_last_are_kept() -> None:
    frames = Frames(most_bytes=100, most=3)
    for first in (1, 2, 3):
        frames.put(RUN, made(first, 30))
    assert frames.get(RUN, 1) is not None
    frames.put(RUN, made(4, 30))
    assert [first for first in range(1, 5) if frames.get(RUN, first)] == [1, 3, 4]
    frames.put(OTHER, made(1, 90))
    assert [first for first in range(1, 5) if frames.get(RUN, first)] == []
    frames.put(OTHER, made(1, 10))
    frames.put(RUN, made(1, 90))
    assert frames.get(OTHER, 1) is not None
    assert frames.get(RUN, 1) is not None
