from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.logs.paths import directory_name, log_paths
from runwisp.model import RunId, UnixMs


def test_names_hold_the_creation_time_in_utc_and_the_run_id() -> None:
    paths = log_paths(
        Path("/data/logs"), "backup", RunId("01KJPV6VSG0000000000000000"), UnixMs(1_772_416_835_120)
    )
    stem = "/data/logs/backup/20260302_020035_01KJPV6VSG0000000000000000"
    assert [str(path) for path in paths.all()] == [
        stem + suffix for suffix in (".log", ".idx", ".log.prev", ".idx.prev", ".part", ".idx.new")
    ]


@pytest.mark.parametrize("name", ["backup", "db_x", "A-1"])
def test_a_plain_name_is_its_own_directory(name: str) -> None:
    assert directory_name(name) == name


def test_similar_names_have_different_directories() -> None:
    assert directory_name("db_x") == "db_x"
    assert re.fullmatch(r"db_x-[0-9a-f]{8}", directory_name("db:x"))
    assert directory_name("db:x") != directory_name("db.x")


@given(st.text(min_size=1))
def test_a_directory_name_cannot_leave_its_parent(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", directory_name(name))
