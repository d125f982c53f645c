from __future__ import annotations

import pytest

from runwisp.store import marks
from runwisp.web.auth.secret import hashed, salt_of, settle
from tests.fakes import ImmediateDatabase


@pytest.fixture
def database() -> ImmediateDatabase:
    return ImmediateDatabase()


def start(database: ImmediateDatabase, password: str) -> bytes:
    return database.now(lambda cursor: settle(cursor, password))


def entry(database: ImmediateDatabase, key: str) -> str | None:
    return database.now(lambda cursor: marks.config_entry(cursor, key))


def set_entry(database: ImmediateDatabase, key: str, value: str) -> None:
    database.now(lambda cursor: marks.set_config_entry(cursor, key, value))


def test_the_secret_is_made_at_the_first_start_and_kept(database: ImmediateDatabase) -> None:
    secret = start(database, "password")
    assert len(secret) == 32
    assert start(database, "password") == secret


def test_a_changed_password_replaces_the_secret_for_good(database: ImmediateDatabase) -> None:
    first, second = start(database, "one"), start(database, "two")
    assert second != first
    assert start(database, "two") == second
    assert start(database, "one") not in (first, second)


def test_the_password_is_kept_as_a_salted_hash_alone(database: ImmediateDatabase) -> None:
    start(database, "p4ssword")
    known = entry(database, "password_hash")
    assert known is not None
    assert known.startswith("scrypt$16384$8$1$")
    assert "p4ssword" not in known
    assert hashed("p4ssword", b"a" * 16) != hashed("p4ssword", b"b" * 16)


@pytest.mark.parametrize("known", ["", "$", "scrypt$1$2$3$zz$00", "scrypt$16384$8$1$00", "plain"])
def test_a_hash_that_cannot_be_read_replaces_the_secret(database: ImmediateDatabase, known: str) -> None:
    secret = start(database, "password")
    set_entry(database, "password_hash", known)
    assert start(database, "password") != secret
    assert entry(database, "password_hash") != known


def test_a_secret_without_a_hash_is_replaced(database: ImmediateDatabase) -> None:
    set_entry(database, "jwt_secret", "00" * 32)
    assert start(database, "password") != bytes(32)


@pytest.mark.parametrize("known", ["", "$", "scrypt$1$2$3$zz$00", "scrypt$16384$8$1$00$11", "plain"])
def test_a_hash_without_a_good_salt_gets_a_new_one(known: str) -> None:
    assert len(salt_of(known)) == 16
    assert salt_of(known) != salt_of(known)


def test_a_hash_tells_its_password_from_others_by_its_salt() -> None:
    known = hashed("pässword", b"a" * 16)
    assert salt_of(known) == b"a" * 16
    assert hashed("pässword", salt_of(known)) == known
    assert hashed("password", salt_of(known)) != known
