from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Cursor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.store.fingerprint import VARIABLE, compute, read_machine_id, resolve
from tests.store.samples import database_in_memory

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def cursor() -> Iterator[Cursor]:
    with database_in_memory() as connection:
        yield connection.cursor()


def test_a_fingerprint_never_changes_from_version_to_version() -> None:
    digest = hashlib.sha256(b"4c4c4544\0/srv/runwisp").digest()
    assert int.from_bytes(digest[:4], "big") % 64 == 9
    assert int.from_bytes(digest[4:8], "big") % 60 == 46
    assert compute("4c4c4544", "/srv/runwisp") == "bright-owl"


@given(TEXTS, TEXTS)
def test_a_fingerprint_is_two_words(machine_id: str, working_directory: str) -> None:
    words = compute(machine_id, working_directory).split("-")
    assert len(words) == 2
    assert all(word.isalpha() and word.islower() for word in words)


def test_machine_and_directory_both_count() -> None:
    assert len({compute("one", "/a"), compute("other", "/a"), compute("one", "/b")}) == 3


def test_a_directory_that_is_not_utf_8_has_a_fingerprint_too() -> None:
    assert "-" in compute("one", "/srv/\udcff")


def test_the_machine_id_is_the_first_that_is_not_empty(tmp_path: Path) -> None:
    missing, empty, good, other = (tmp_path / name for name in ("missing", "empty", "good", "other"))
    empty.write_text("\n")
    good.write_text("4c4c4544\n")
    other.write_text("other\n")
    assert read_machine_id([missing, empty, good, other]) == "4c4c4544"
    assert read_machine_id([missing, empty]) != ""


def test_the_fingerprint_is_computed_once_and_kept(cursor: Cursor) -> None:
    first = resolve(cursor, {}, "one", "/a")
    assert first == compute("one", "/a")
    assert resolve(cursor, {}, "other", "/b") == first


def test_the_variable_wins_and_is_not_stored(cursor: Cursor) -> None:
    assert resolve(cursor, {VARIABLE: "Blue Door"}, "one", "/a") == "Blue Door"
    assert resolve(cursor, {VARIABLE: ""}, "one", "/a") == compute("one", "/a")
    assert resolve(cursor, {VARIABLE: "Blue Door"}, "one", "/a") == "Blue Door"
