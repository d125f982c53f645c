from __future__ import annotations

import os
from pathlib import Path

from runwisp.logs.space import Shortage, free_space, shortage, tree_size
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
    assert free_space(tmp_path / "missing") is None


def test_the_size_of_a_tree_is_that_of_all_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep").write_bytes(b"12345")
    (tmp_path / "a" / "more").write_bytes(b"123")
    (tmp_path / "top").write_bytes(b"1")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert tree_size(tmp_path) == 9 + len(os.fsencode(tmp_path))
    assert tree_size(tmp_path / "missing") == 0


def test_measuring_a_tree_ends_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"1")
    answers = iter([True, False])
    assert tree_size(tmp_path, lambda: next(answers)) == 1
