from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.lines import LINE_LIMIT
from runwisp.logs.opening import open_log
from runwisp.logs.pieces import entries, line_at, offset_of, pieces
from runwisp.logs.reader import SegmentReader, Snapshot
from runwisp.model import Stream
from tests.logs.helpers import ERR, EVERYTHING, OUT, Wall, close, make_paths, make_writer


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Two segments with lines of many lengths, and records of several lines and of single ones."""
    paths = make_paths(tmp_path_factory.mktemp("pieces"))
    wall = Wall()
    writer = make_writer(paths, max_size=12_000, wall=wall)
    for number in range(700):
        wall.ms += number % 7
        writer.write((OUT, ERR)[number % 5 == 0], b"%d %s\n" % (number, b"x" * (number % 60)))
    writer.write(OUT, b"without newline")
    close(writer)
    return open_log(paths, is_ended=True)


@pytest.fixture(scope="module", params=[0, 1])
def segment(snapshot: Snapshot, request: pytest.FixtureRequest) -> SegmentReader:
    assert len(snapshot.segments) == 2
    found: SegmentReader = snapshot.segments[request.param]
    return found


def text_of(segment: SegmentReader) -> bytes:
    return b"".join(segment.blocks(0, segment.extent.size))


@pytest.mark.parametrize("size", [1, 7, 100, 1000, 10**6])
def test_pieces_are_all_lines_in_order(segment: SegmentReader, size: int) -> None:
    found = list(pieces(segment, 0, size))
    assert b"".join(piece.data for piece in found) == text_of(segment)
    assert all(piece.data.endswith(b"\n") for piece in found)
    assert [piece.start for piece in found] == [0, *(piece.end for piece in found[:-1])]


def test_pieces_begin_where_they_are_asked_to(segment: SegmentReader) -> None:
    start = offset_of(segment, segment.extent.first_line + 3)
    assert b"".join(piece.data for piece in pieces(segment, start, 50)) == text_of(segment)[start:]


def test_every_line_has_its_offset_and_its_number_back(segment: SegmentReader) -> None:
    extent = segment.extent
    offset = 0
    for n, line in enumerate(text_of(segment).splitlines(keepends=True), extent.first_line):
        assert (offset_of(segment, n), line_at(segment, offset)) == (offset, n)
        offset += len(line)
    assert line_at(segment, extent.size) == extent.last_line + 1


@given(st.data())
def test_entries_are_those_that_a_reader_gets(snapshot: Snapshot, data: st.DataObject) -> None:
    segment = data.draw(st.sampled_from(snapshot.segments))
    expected = {entry.n: entry for entry in segment.entries(1, EVERYTHING)}
    piece = data.draw(st.sampled_from(list(pieces(segment, 0, 2000))))
    wanted = sorted(data.draw(st.sets(st.integers(0, piece.data.count(b"\n") - 1))))
    first = line_at(segment, piece.start)
    assert list(entries(segment, piece, wanted)) == [expected[first + place] for place in wanted]


def test_the_last_line_may_lack_its_newline(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"one\ntwo\n")
    close(writer)
    with paths.log.open("r+b") as log:
        log.truncate(7)
    with open_log(paths, is_ended=True) as snapshot:
        (segment,) = snapshot.segments
        (piece,) = pieces(segment, 0, 1000)
        assert [entry.data for entry in entries(segment, piece, [0, 1])] == [b"one\n", b"two"]


def test_a_long_line_is_in_one_piece(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    writer = make_writer(paths)
    writer.write(OUT, b"x" * LINE_LIMIT + b"y\n")
    close(writer)
    with open_log(paths, is_ended=True) as snapshot:
        (segment,) = snapshot.segments
        assert [len(piece.data) for piece in pieces(segment, 0, 4096)] == [LINE_LIMIT + 1, 2]


def test_a_line_that_is_longer_than_lines_are_comes_in_pieces(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    paths.directory.mkdir(parents=True)
    paths.log.write_bytes(b"a\n" + b"\0" * 300_000 + b"\nb\n")
    with open_log(paths, is_ended=True) as snapshot:
        (segment,) = snapshot.segments
        found = list(pieces(segment, 0, 100_000))
        assert max(len(piece.data) for piece in found) == 100_000
        last = found[-1]
        assert [(e.n, e.data, e.stream) for e in entries(segment, last, [1])] == [(3, b"b\n", Stream.STDOUT)]
