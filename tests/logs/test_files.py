from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs import files
from runwisp.logs.files import count_lines


@given(st.integers(0, 300), st.integers(0, 200), st.binary(max_size=100))
def test_lines_are_counted_alike_whether_they_are_long_or_short(
    length: int, number: int, rest: bytes
) -> None:
    data = (b"x" * length + b"\n") * number + rest
    assert count_lines(data) == data.count(b"\n")


def test_a_file_system_is_flushed_also_where_there_is_nothing_to_flush(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    files.flush_file_system(tmp_path)
    files.flush_file_system(tmp_path / "missing")
    assert len(os.listdir("/proc/self/fd")) == before
