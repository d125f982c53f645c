"""Names of zones, globs and addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.globs import compile_glob
from runwisp.config.zones import host_zone, known_zones
from tests.config.loading import write


@pytest.mark.parametrize(
    ("glob", "matching", "other"),
    [
        ("*", ["", "a", "a-b.c"], ["a/b"]),
        ("backup-*", ["backup-", "backup-db"], ["backup", "Backup-db", "x-backup-db"]),
        ("a?c", ["abc"], ["ac", "abbc", "a/c"]),
        ("[abc]", ["a", "c"], ["d", "", "ab"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[^a]", ["b", "^"], ["a", ""]),
        ("[a^]", ["a", "^"], ["b"]),
        ("[!a]", ["!", "a"], ["b"]),
        (r"\*", ["*"], ["a"]),
        (r"[\]\-]", ["]", "-"], ["\\"]),
        ("a.b+", ["a.b+"], ["axb+"]),
        ("{a,b}", ["{a,b}"], ["a"]),
        ("**", ["", "ab"], []),
    ],
)
def test_a_glob_matches_whole_names(glob: str, matching: list[str], other: list[str]) -> None:
    pattern = compile_glob(glob)
    assert [name for name in matching if not pattern.fullmatch(name)] == []
    assert [name for name in other if pattern.fullmatch(name)] == []


@pytest.mark.parametrize(
    "glob", ["[", "[a", "[]", "[^]", "[b-a]", "[a-]", "[-a]", "a\\", "[\\", "[]a]", "[a-"]
)
def test_a_malformed_glob_is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match=r"alone|backwards|too soon"):
        compile_glob(glob)


@given(st.text(alphabet="ab[]^-*?\\/.", max_size=10))
def test_any_text_is_a_glob_or_a_value_error(glob: str) -> None:
    try:
        pattern = compile_glob(glob)
    except ValueError:
        return
    assert isinstance(pattern, re.Pattern)


@given(st.text(max_size=10))
def test_an_escaped_text_matches_itself_alone(text: str) -> None:
    pattern = compile_glob("".join("\\" + letter for letter in text))
    assert pattern.fullmatch(text)
    assert not pattern.fullmatch(text + "x")


@pytest.mark.parametrize(
    ("variable", "files", "link", "expected"),
    [
        ("Asia/Tokyo", {}, None, "Asia/Tokyo"),
        (":Asia/Tokyo", {}, None, "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Asia/Tokyo", {}, None, "Asia/Tokyo"),
        (":/usr/share/zoneinfo/Asia/Tokyo", {}, None, "Asia/Tokyo"),
        ("CET-1CEST", {"etc/timezone": "Asia/Tokyo\n"}, None, "UTC"),
        ("CET,M3", {"etc/timezone": "Asia/Tokyo\n"}, None, "Asia/Tokyo"),
        ("", {"etc/timezone": "Asia/Tokyo\n"}, "/usr/share/zoneinfo/Europe/Paris", "Asia/Tokyo"),
        (None, {"etc/timezone": "Mars\n"}, "/usr/share/zoneinfo/Europe/Paris", "UTC"),
        (None, {"etc/timezone": "\n"}, "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, {}, "../usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, {}, "/somewhere/else", "UTC"),
        (None, {}, None, "UTC"),
    ],
)
def test_the_zone_of_the_machine_is_looked_for_in_order(
    variable: str | None, files: dict[str, str], link: str | None, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    write(tmp_path, files)
    if link is not None:
        (tmp_path / "etc/localtime").symlink_to(link)
    assert host_zone({} if variable is None else {"TZ": variable}, tmp_path) == expected


def test_the_zone_database_has_what_people_write() -> None:
    assert {"UTC", "Europe/Bratislava", "America/New_York", "Etc/GMT+5"} <= known_zones()
