from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.files import count_lines


@given(st.integers(0, 300), st.integers(0, 200), st.binary(max_size=100))
def test_lines_are_counted_alike_whether_they_are_long_or_short(
    length: int, number: int, rest: bytes
) -> None:
    data = (b"x" * length + b"\n") * number + rest
    assert count_lines(data) == data.count(b"\n")
