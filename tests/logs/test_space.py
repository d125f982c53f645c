from __future__ import annotations

from pathlib import Path

from runwisp.logs.space import Shortage, shortage
from runwisp.model import Bytes


def test_enough_space_is_no_shortage(tmp_path: Path) -> None:
    assert shortage(tmp_path, Bytes(1)) is None


def test_no_required_size_means_no_check(tmp_path: Path) -> None:
    assert shortage(tmp_path / "missing", Bytes(0)) is None
    assert shortage(tmp_path, None) is None


def test_too_little_space_is_told_with_both_sizes(tmp_path: Path) -> None:
    found = shortage(tmp_path, Bytes(2**62))
    assert found is not None
    assert 0 < found.free < found.required == 2**62
    assert str(Shortage(Bytes(1536), Bytes(2048))) == "free space is 1.5 KB, less than the minimum of 2 KB"


def test_a_measurement_that_fails_counts_as_enough(tmp_path: Path) -> None:
    assert shortage(tmp_path / "missing", Bytes(2**62)) is None
