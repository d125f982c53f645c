from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runwisp.logs.opening import open_log
from runwisp.notify.tail import tail_of
from tests.logs.helpers import OUT, close, make_paths, make_writer
from tests.notify.hostile import MEGABYTE, TRICKS


def _tail(output: bytes) -> str:
    with TemporaryDirectory() as directory:
        paths = make_paths(Path(directory))
        writer = make_writer(paths)
        writer.write(OUT, output)
        writer.end_stream(OUT)
        close(writer)
        with open_log(paths, is_ended=True) as snapshot:
            return tail_of(snapshot)


@pytest.mark.parametrize(
    ("output", "tail"),
    [
        (b"", ""),
        (b"\n \n\t\n", ""),
        (b"a\nb\nc\nd\n", "b\nc\nd"),
        (b"a  \n\nb\t\n   \n", "a\nb"),
        (b"  in\n", "  in"),
        (b"no newline", "no newline"),
        (b"\x1b[31mred\x1b[0m\n\x1b[1m \x1b[0m\n", "red"),
        (b"10%\r50%\r100%\n", "100%"),
        (b"bad \xff byte\n", "bad \ufffd byte"),
        (b"a\n" + b"\n" * 200 + b"b\n", "a\nb"),
        (b"far\n" + b"\n" * 2000 + b"b\n", "b"),
    ],
)
def test_the_last_three_lines_with_something_on_them(output: bytes, tail: str) -> None:
    assert _tail(output) == tail


def test_the_end_is_kept_within_three_hundred_bytes() -> None:
    tail = _tail(f"{'é' * 200}\nlast\n".encode())
    assert len(tail.encode()) <= 300
    assert tail == "…" + "é" * 146 + "\nlast"


@given(
    st.lists(
        st.sampled_from([*TRICKS, "x" * 200, "ž" * 90]).map(lambda trick: trick.encode(errors="replace"))
    )
)
@example([b"\xff" * MEGABYTE])
@example([b"x" * MEGABYTE, b"\n", b"\xe2\x82"])
def test_any_output_has_a_tail_that_can_be_sent(parts: list[bytes]) -> None:
    tail = _tail(b"".join(parts))
    assert len(tail.encode()) <= 300
    assert tail.count("\n") <= 2
    assert "\x1b" not in tail
    assert all(line.strip() and line == line.rstrip() for line in tail.split("\n")) or not tail
