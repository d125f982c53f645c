from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.index import CONTINUES, NEWLINE_ADDED
from runwisp.logs.lines import CHUNK_SIZE, LINE_LIMIT, LineBuffer, Piece, split_point
from runwisp.logs.masking import Masker


def _joined(pieces: list[Piece]) -> bytes:
    return b"".join(lines[:-1] if flags & NEWLINE_ADDED else lines for lines, flags in pieces)


def test_whole_lines_come_out_in_one_piece_and_the_rest_waits() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    assert buffer.feed(b"one\ntw") == [(b"one\n", 0)]
    assert buffer.tail == b"tw"
    assert buffer.feed(b"o\nthree\n") == [(b"two\nthree\n", 0)]
    assert buffer.end() == []


def test_the_end_of_the_stream_makes_a_line_of_the_tail() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    assert buffer.feed(b"prompt> ") == []
    assert buffer.end() == [(b"prompt> \n", NEWLINE_ADDED)]
    assert buffer.end() == []


def test_a_line_without_end_is_split_and_goes_on() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    pieces = [piece for _ in range(4) for piece in buffer.feed(b"x" * 50_000)] + buffer.end()
    assert [(len(lines), flags) for lines, flags in pieces] == [
        (65_537, NEWLINE_ADDED),
        (65_537, NEWLINE_ADDED | CONTINUES),
        (65_537, NEWLINE_ADDED | CONTINUES),
        (200_000 - 3 * 65_536 + 1, NEWLINE_ADDED | CONTINUES),
    ]


def test_the_last_piece_of_a_split_line_has_its_own_newline_and_the_next_line_no_flag() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    assert buffer.feed(b"x" * LINE_LIMIT) == [(b"x" * LINE_LIMIT + b"\n", NEWLINE_ADDED)]
    assert buffer.feed(b"y\nnext\nmore\n") == [(b"y\n", CONTINUES), (b"next\nmore\n", 0)]


def test_a_line_of_exactly_the_limit_is_not_split() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    buffer.feed(b"x" * (LINE_LIMIT - 1))
    assert buffer.feed(b"x\n") == [(b"x" * LINE_LIMIT + b"\n", 0)]


def test_a_line_that_is_too_long_with_its_end_is_split() -> None:
    buffer = LineBuffer(LINE_LIMIT, None)
    buffer.feed(b"x" * 60_000)
    assert [(len(lines), flags) for lines, flags in buffer.feed(b"x" * 60_000 + b"\nnext\n")] == [
        (65_537, NEWLINE_ADDED),
        (120_000 - 65_536 + 1, CONTINUES),
        (5, 0),
    ]


@pytest.mark.parametrize(
    ("data", "limit", "point"),
    [
        (b"abcdef", 4, 4),
        (b"ab\rdef", 4, 2),
        (b"\rabcdef", 4, 4),
        (b"\r" + b"a" * 8000, 6000, 6000),
        ("aé€🐙".encode(), 2, 1),
        ("aé€🐙".encode(), 3, 3),
        ("aé€🐙".encode(), 5, 3),
        ("aé€🐙".encode(), 9, 6),
        ("aé€🐙".encode(), 10, 10),
        (b"\x80\x80\x80\x80\x80", 4, 4),
        (b"a\xff\xff\xff", 3, 3),
        ("é".encode(), 1, 1),
    ],
)
def test_a_split_respects_carriage_returns_and_characters(data: bytes, limit: int, point: int) -> None:
    assert split_point(data, limit) == point


@given(st.lists(st.binary(max_size=40) | st.just(b"\n"), max_size=30), st.integers(1, 30))
def test_pieces_are_lines_within_the_limit_that_join_to_what_came(chunks: list[bytes], limit: int) -> None:
    buffer = LineBuffer(limit, None)
    pieces = [piece for chunk in chunks for piece in buffer.feed(chunk)]
    assert _joined(pieces) + buffer.tail == b"".join(chunks)
    assert len(buffer.tail) < limit
    pieces += buffer.end()
    assert _joined(pieces) == b"".join(chunks)
    for lines, flags in pieces:
        assert lines.endswith(b"\n")
        assert all(len(line) <= limit for line in lines.split(b"\n"))
        assert not flags or lines.count(b"\n") == 1


@given(st.text("aé€🐙\n"), st.integers(8, 40), st.integers(1, 9))
def test_characters_are_never_torn(text: str, limit: int, size: int) -> None:
    data, buffer = text.encode(), LineBuffer(limit, None)
    pieces = [piece for at in range(0, len(data), size) for piece in buffer.feed(data[at : at + size])]
    for lines, _ in pieces + buffer.end():
        lines.decode()


@given(
    st.lists(st.text("xyz0", min_size=1, max_size=6), min_size=1, max_size=3),
    st.lists(st.text("xyz0 \n", max_size=12), max_size=12),
)
def test_a_secret_is_masked_in_whatever_pieces_it_comes(secrets: list[str], chunks: list[str]) -> None:
    masker = Masker(secrets)
    buffer, stored, shown = LineBuffer(LINE_LIMIT, masker), b"", []
    for chunk in chunks:
        stored += _joined(buffer.feed(chunk.encode()))
        shown.append(buffer.shown_tail)
    stored += _joined(buffer.end())
    assert stored == b"\n".join(masker.mask(line) for line in "".join(chunks).encode().split(b"\n"))
    for tail in shown:
        assert not any(secret.encode() in tail for secret in secrets)
        assert tail in stored


def test_what_could_begin_a_secret_is_not_shown() -> None:
    buffer = LineBuffer(LINE_LIMIT, Masker(["hunter2"]))
    buffer.feed(b"password: hunt")
    assert buffer.shown_tail == b"password: "
    buffer.feed(b"er2")
    assert buffer.shown_tail == b"password: [redacted]"
    assert buffer.end() == [(b"password: [redacted]\n", NEWLINE_ADDED)]


@pytest.mark.parametrize("before", range(LINE_LIMIT - 10, LINE_LIMIT + 3))
def test_a_split_never_falls_into_a_secret(before: int) -> None:
    buffer = LineBuffer(LINE_LIMIT, Masker(["hunter2"]))
    data = b"x" * before + b"hunter2" + b"y" * 100
    pieces = [piece for at in range(0, len(data), 33_000) for piece in buffer.feed(data[at : at + 33_000])]
    pieces += buffer.end()
    assert _joined(pieces) == b"x" * before + b"[redacted]" + b"y" * 100
    assert all(len(lines) <= LINE_LIMIT + 1 for lines, _ in pieces)
    assert sum(b"[redacted]" in lines for lines, _ in pieces) == 1


def test_a_secret_longer_than_a_line_may_be_is_masked_too() -> None:
    secret = "".join(map(str, range(30_000)))
    buffer = LineBuffer(LINE_LIMIT, Masker([secret]))
    data = b"<" + secret.encode() + b">"
    pieces = [
        piece for at in range(0, len(data), CHUNK_SIZE) for piece in buffer.feed(data[at : at + CHUNK_SIZE])
    ]
    assert _joined(pieces + buffer.end()) == b"<[redacted]>"


def test_masking_that_makes_a_line_too_long_splits_it() -> None:
    buffer = LineBuffer(20, Masker(["x"]))
    pieces = buffer.feed(b"xxx\nyy\n")
    assert [lines for lines, _ in pieces] == [b"[redacted][redacted]\n", b"[redacted]\n", b"yy\n"]
    assert [flags for _, flags in pieces] == [NEWLINE_ADDED, CONTINUES, 0]
    assert [lines for lines, _ in buffer.feed(b"....xx....\n")] == [b"....[redacted]\n", b"[redacted]....\n"]
