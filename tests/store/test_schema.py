from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from runwisp.errors import StorageError
from runwisp.store import schema
from runwisp.store.connection import CONNECT_OPTIONS

FIRST = "CREATE TABLE first (x); CREATE TRIGGER t AFTER INSERT ON first BEGIN DELETE FROM first; END;"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", **CONNECT_OPTIONS)
    yield connection
    connection.close()


def use(monkeypatch: pytest.MonkeyPatch, *migrations: str) -> None:
    monkeypatch.setattr(schema, "migrations", lambda: list(migrations))


def tables(connection: sqlite3.Connection) -> list[str]:
    return [
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")
    ]


def test_the_tables_of_the_first_version_are_made(connection: sqlite3.Connection) -> None:
    assert schema.migrate(connection) == len(schema.migrations())
    assert tables(connection) == [
        "config_entries",
        "notifications",
        "outbox",
        "run_totals",
        "runs",
        "task_registrations",
    ]


def test_the_names_of_the_migrations_are_their_numbers() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    names = sorted(path.name for path in folder.glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_what_is_missing_is_applied(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FIRST)
    assert schema.migrate(connection) == 1
    use(monkeypatch, FIRST, "CREATE TABLE second (x);", "CREATE TABLE third (x);")
    assert schema.migrate(connection) == 3
    assert schema.migrate(connection) == 3
    assert tables(connection) == ["first", "second", "third"]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST, "CREATE TABLE second (x); CREATE TABLE first (x);")
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection)
    assert tables(connection) == ["first"]
    assert schema.version(connection) == 1
    assert not connection.in_transaction


def test_a_newer_database_is_refused_with_both_versions(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")
    known = len(schema.migrations())
    for refuse in (schema.migrate, schema.check):
        with pytest.raises(StorageError, match=rf"version 99\b.* {known};"):
            refuse(connection)
    assert tables(connection) == []


def test_a_reader_refuses_a_database_that_is_not_migrated_yet(connection: sqlite3.Connection) -> None:
    with pytest.raises(StorageError, match="version 0"):
        schema.check(connection)
