from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.part import PartFile, Tails, read_part
from runwisp.model import Stream
from tests.logs.helpers import ERR, OUT


def _read(path: Path) -> Tails:
    tails = read_part(path)
    assert tails is not None
    return tails


def test_the_layout_is_that_of_the_spec(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    part = PartFile(path)
    part.update(7, ERR, b"err")
    part.update(8, OUT, b"o")
    data = path.read_bytes()
    assert data[:16] == b"\x08" + b"\x00" * 7 + b"\x01\x00\x00\x00\x03\x00\x00\x00"
    assert data[16:17] == b"o"
    assert data[65_552:] == b"err"
    part.remove()
    assert not path.exists()


def test_there_is_no_file_before_the_first_tail(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    part = PartFile(path)
    part.update(1, OUT, b"")
    part.remove()
    assert read_part(path) is None


def test_a_torn_file_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    path.write_bytes(b"\x01" * 15)
    assert read_part(path) is None


def test_a_tail_of_more_than_its_room_is_cut(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "x.part")
    part.update(1, ERR, b"e")
    part.update(1, OUT, b"x" * 70_000)
    assert _read(tmp_path / "x.part").by_stream == {OUT: b"x" * 65_536, ERR: b"e"}
    part.remove()


@given(st.lists(st.tuples(st.sampled_from([OUT, ERR]), st.sampled_from([b"", b"a", b"ab", b"abc", b"xy"]))))
def test_the_file_holds_the_newest_tails(updates: list[tuple[Stream, bytes]]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "x.part"
        part = PartFile(path)
        newest = {OUT: b"", ERR: b""}
        for line, (stream, tail) in enumerate(updates):
            part.update(line, stream, tail)
            newest[stream] = tail
            tails = read_part(path)
            if tails is not None:
                assert tails.by_stream == newest
                assert tails.last_line == line or not any(newest.values())
            else:
                assert newest == {OUT: b"", ERR: b""}
        part.remove()
