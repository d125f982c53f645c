from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.logs.opening import open_log
from runwisp.logs.reader import PAGE_TEXT_LIMIT, LogPage, PartialLine
from runwisp.model import Stream
from tests.logs.helpers import ERR, OUT, close, entries, make_paths, make_writer, page, raw, texts

_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _numbers(result: LogPage) -> list[int]:
    return [line.n for line in result.items]


def test_a_page_starts_where_it_is_asked_to(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"".join(b"line %d\n" % number for number in range(1, 5001)))
    close(writer)
    result = page(paths, 3000, 5)
    assert [(line.n, line.text) for line in result.items] == [(n, f"line {n}") for n in range(3000, 3005)]
    assert (result.first_available, result.total_lines) == (1, 5000)
    assert (result.truncated, result.finalized) == (False, True)


@pytest.mark.parametrize(
    ("start", "limit", "first", "last"),
    [
        (None, 1000, 4001, 5000),
        (None, 5, 4996, 5000),
        (-10, 5, 4991, 4995),
        (1, 5, 1001, 1005),
        (2999, 5, 2999, 3003),
        (4999, 5, 4999, 5000),
        (-10_000, 5, 1001, 1005),
        (None, 10_000, 1001, 5000),
    ],
)
def test_pages_of_a_truncated_log(
    tmp_path: Path, start: int | None, limit: int, first: int, last: int
) -> None:
    paths = make_paths(tmp_path)
    # Segments of 2,000 bytes: lines 1 to 1,000, then 2,000 lines each.
    writer = make_writer(paths, max_size=4000)
    writer.write(OUT, b"x\n" * 1000 + b"\n" * 4000)
    close(writer)
    result = page(paths, start, limit)
    assert _numbers(result) == list(range(first, last + 1))
    assert (result.first_available, result.total_lines, result.truncated) == (1001, 5000, True)


def test_nothing_lies_beyond_the_end(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\n")
    close(writer)
    assert page(paths, 2, 5).items == ()
    assert page(paths, 1, 0).items == ()
    with open_log(paths, is_ended=True) as snapshot, pytest.raises(ValueError, match="numbered from 1"):
        snapshot.page(0, 5)


def test_an_empty_log_is_an_empty_page(tmp_path: Path) -> None:
    assert page(make_paths(tmp_path)) == LogPage((), (), 1, 0, False, True, 0)
    assert raw(make_paths(tmp_path)) == b""


def test_a_page_ends_early_when_its_text_is_long(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    for _ in range(100):
        writer.write(OUT, b"x" * 65_000 + b"\n")
    close(writer)
    result = page(paths, 1, 1000)
    assert len(result.items) == PAGE_TEXT_LIMIT // 65_000
    assert len(page(paths, len(result.items) + 1, 1000).items) == 100 - len(result.items)


def test_partials_belong_to_a_page_that_reaches_the_end_of_a_live_log(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\n10%\r50%")
    writer.write(ERR, b"err")
    with writer.snapshot() as snapshot:
        assert snapshot.page(1, 1).partials == ()
        assert snapshot.page(2, 1).partials == (PartialLine(OUT, "50%"), PartialLine(ERR, "err"))
        assert snapshot.page(None, 5).partials == snapshot.partials()
    close(writer)
    assert page(paths).partials == ()


@_EXAMPLES
@given(
    st.lists(
        st.tuples(st.sampled_from([OUT, ERR]), st.sampled_from([b"a\n", b"b", b"c\nd\ne\n", b"long line\n"]))
    ),
    st.sampled_from([None, 30, 60]),
    st.integers(1, 50),
    st.integers(1, 12),
)
def test_pages_tile_the_log(
    tmp_path: Path, chunks: list[tuple[Stream, bytes]], max_size: int | None, start: int, limit: int
) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=max_size)
    for stream, data in chunks:
        writer.write(stream, data)
    with writer.snapshot() as live:
        _check_pages(live.page(None, 1000), live.page(start, limit), start, limit)
    close(writer)
    whole = page(paths)
    _check_pages(whole, page(paths, start, limit), start, limit)
    assert raw(paths).replace(b"\n", b"") == b"".join(entry.data for entry in entries(paths)).replace(
        b"\n", b""
    )
    tiles = [
        line for first in range(1, whole.total_lines + 1, limit) for line in page(paths, first, limit).items
    ]
    assert {line.n: line for line in tiles} == {line.n: line for line in whole.items}


def _check_pages(whole: LogPage, some: LogPage, start: int, limit: int) -> None:
    first = max(start, whole.first_available)
    assert _numbers(whole) == list(range(whole.first_available, whole.total_lines + 1))
    assert some.items == tuple(line for line in whole.items if first <= line.n < first + limit)


def test_a_continued_line_over_two_segments_is_one_line_in_raw(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths, max_size=40)
    writer.write(OUT, b"abcdefghijklmnopqrstuvwxyz\n")
    close(writer)
    assert texts(paths) == ["abcdefghijklmnopqrs", "tuvwxyz"]
    assert paths.previous_log.exists()
    assert raw(paths) == b"abcdefghijklmnopqrstuvwxyz\n"


def test_an_added_newline_stays_in_raw_while_the_log_is_open(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"no newline")
    writer.end_stream(OUT)
    with writer.snapshot() as snapshot:
        assert b"".join(snapshot.raw()) == b"no newline\n"
    close(writer)
    assert raw(paths) == b"no newline"
