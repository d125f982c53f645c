from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.globs import compile_glob


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
