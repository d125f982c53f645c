from __future__ import annotations

import pytest

from runwisp.logs.limits import Cut, Limits
from runwisp.logs.segment import Extent
from runwisp.model import Bytes, LogOnFull

_EMPTY = Extent(1, 0, 0, 0)


def test_without_a_limit_everything_fits() -> None:
    limits = Limits(None, LogOnFull.DROP_OLD)
    assert limits.fitting(b"a\n" * 10**6, Extent(1, 10, 10**12, 10**9)) == 2 * 10**6
    assert limits.segment is None
    assert limits.line == 65_536


@pytest.mark.parametrize(
    ("max_size", "segment", "line"),
    [(1, 2, 1), (101, 50, 49), (8192, 4096, 3936), (10**9, 5 * 10**8, 65_536)],
)
def test_two_segments_share_the_limit_and_a_line_fits_one(max_size: int, segment: int, line: int) -> None:
    limits = Limits(Bytes(max_size), LogOnFull.DROP_OLD)
    assert (limits.segment, limits.line) == (segment, line)


def test_only_whole_lines_fit() -> None:
    limits = Limits(Bytes(10), LogOnFull.DROP_NEW)
    assert limits.fitting(b"1234\n67\n9\n", _EMPTY) == 10
    assert limits.fitting(b"1234\n67\n9ab\n", _EMPTY) == 8
    assert limits.fitting(b"1234\n", Extent(1, 1, 6, 1)) == 0
    assert limits.fitting(b"1\n", Extent(1, 1, 12, 1)) == 0


def test_a_large_index_fills_a_rotating_segment() -> None:
    full = Extent(1, 5000, 10_000, 2100)
    assert Limits(Bytes(60_000), LogOnFull.DROP_OLD).fitting(b"a\n", full) == 0
    assert Limits(Bytes(200_000), LogOnFull.DROP_OLD).fitting(b"a\n", full) == 2
    assert Limits(Bytes(60_000), LogOnFull.DROP_NEW).fitting(b"a\n", full) == 2


def test_the_end_of_the_room_is_told_with_the_limit() -> None:
    cut, text = Limits(Bytes(1536), LogOnFull.KILL_TASK).cut()
    assert cut is Cut.OVERFLOW
    assert "1.5 KB" in text
    cut, text = Limits(Bytes(100 * 1024**2), LogOnFull.DROP_NEW).cut()
    assert cut is Cut.FULL
    assert "100 MB" in text


def test_the_end_of_the_space_is_told_with_what_happens_to_the_run() -> None:
    assert Limits(None, LogOnFull.DROP_NEW).out_of_space("full") == "full; output is no longer stored"
    assert Limits(None, LogOnFull.KILL_TASK).out_of_space("full") == "full; stopping the run"


def test_the_notice_of_a_rotation_leaves_room_for_the_longest_line() -> None:
    limits = Limits(Bytes(8192), LogOnFull.DROP_OLD)
    notice = limits.rotation_notice(2**64 - 1)
    assert notice is not None
    assert len(notice) + 1 + limits.line + 1 <= 4096
    assert "18446744073709551615" in notice
    assert Limits(Bytes(8190), LogOnFull.DROP_OLD).rotation_notice(5) is None
