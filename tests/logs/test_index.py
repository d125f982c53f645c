from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.index import (
    END_MARK,
    RECORD_SIZE,
    Index,
    Record,
    pack_header,
    pack_record,
    unpack_header,
    unpack_record,
)
from runwisp.model import Stream, UnixMs

_U64 = st.integers(0, 2**64 - 1)


def _packed(lines: list[int]) -> bytes:
    return pack_header(1) + b"".join(pack_record(line, line * 10, line, Stream.STDERR, 2) for line in lines)


def test_the_layout_is_that_of_the_spec() -> None:
    header = pack_header(7)
    assert header[:28] == b"RWIX\x01\x00\x20\x00\x07" + b"\x00" * 19
    record = pack_record(3, 200, 1000, Stream.SYSTEM, 1)
    assert record[:28] == (
        b"\x03" + b"\x00" * 7 + b"\xc8" + b"\x00" * 7 + b"\xe8\x03" + b"\x00" * 6 + b"\x03\x01\x00\x00"
    )
    assert len(header) == len(record) == RECORD_SIZE


@given(st.integers(1, 2**64 - 1))
def test_a_header_survives_packing(first_line: int) -> None:
    assert unpack_header(pack_header(first_line)) == first_line


@given(_U64, _U64, st.integers(-(2**63), 2**63 - 1), st.integers(0, 3), st.integers(0, 3))
def test_a_record_survives_packing(line: int, offset: int, ts: int, stream: int, flags: int) -> None:
    assert unpack_record(pack_record(line, offset, ts, stream, flags)) == Record(
        line, offset, UnixMs(ts), stream, flags
    )


@given(st.integers(0, RECORD_SIZE * 8 - 1))
def test_a_flipped_bit_is_noticed(bit: int) -> None:
    def flipped(data: bytes) -> bytes:
        return (int.from_bytes(data) ^ 1 << bit).to_bytes(RECORD_SIZE)

    assert unpack_record(flipped(pack_record(5, 6, 7, Stream.STDOUT))) is None
    assert unpack_header(flipped(pack_header(5))) is None


def test_a_header_of_another_version_is_not_understood() -> None:
    assert unpack_header(b"") is None
    assert unpack_header(pack_record(1, 1, 1, 1)) is None
    assert unpack_record(pack_record(1, 1, 1, 4)) is None


@given(st.sets(st.integers(1, 200)), st.integers(0, 201))
def test_find_gives_the_last_record_that_is_not_above(lines: set[int], line: int) -> None:
    ascending = sorted(lines)
    index = Index(len(ascending), memory=_packed(ascending))
    position = index.find(line)
    assert position == len([known for known in ascending if known <= line]) - 1


def test_an_index_reads_the_same_from_a_file_and_from_memory(tmp_path: Path) -> None:
    data = _packed(list(range(1, 10_000)))
    path = tmp_path / "idx"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        in_file, in_memory = Index(9_000, descriptor), Index(9_000, memory=data)
        assert list(in_file.records(4)) == list(in_memory.records(4))
        assert in_file.record(8_999) == Record(9_000, 90_000, UnixMs(9_000), Stream.STDERR, 2)
        assert in_file.find(10**6) == 8_999
    finally:
        os.close(descriptor)


def test_the_end_mark_is_no_stream() -> None:
    record = unpack_record(pack_record(4, 30, 1, END_MARK))
    assert record is not None
    assert record.is_end_mark
