from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from runwisp.errors import StorageError
from runwisp.store import marks, schema
from runwisp.store.connection import migrate, open_reader, open_writer, transact


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runwisp.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a migrated database with one entry."""
    migrate(path)
    connection = open_writer(path)
    marks.set_config_entry(connection.cursor(), "key", "value")
    yield connection
    connection.close()


@pytest.fixture
def killed(writer: sqlite3.Connection, path: Path, tmp_path: Path) -> Path:
    """A copy of the database as a killed daemon leaves it, without the ``-shm`` file."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("runwisp.db", "runwisp.db-wal"):
        shutil.copy(path.with_name(name), copy / name)
    return copy / "runwisp.db"


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def entry(connection: sqlite3.Connection) -> str | None:
    return marks.config_entry(connection.cursor(), "key")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def modes(folder: Path) -> dict[str, int]:
    return {path.name: S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


ALL_PRIVATE = dict.fromkeys(("runwisp.db", "runwisp.db-wal", "runwisp.db-shm"), 0o600)


def test_a_writer_is_durable_quick_and_patient(writer: sqlite3.Connection) -> None:
    assert pragma(writer, "journal_mode") == "wal"
    assert pragma(writer, "synchronous") == 1
    assert pragma(writer, "busy_timeout") == 5000
    assert pragma(writer, "foreign_keys") == 1
    assert pragma(writer, "auto_vacuum") == 2
    assert pragma(writer, "journal_size_limit") == 16 * 1024**2
    assert pragma(writer, "temp_store") == 2


def test_a_reader_is_patient_and_cannot_write(writer: sqlite3.Connection, path: Path) -> None:
    reader = open_reader(path)
    assert pragma(reader, "busy_timeout") == 5000
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM runs")
    reader.close()


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    assert migrate(path) == len(schema.migrations())
    assert migrate(path) == len(schema.migrations())


def test_files_are_private_whatever_the_umask(path: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        migrate(path)
        writer = open_writer(path)
        writer.execute("DELETE FROM runs")
        assert modes(tmp_path) == ALL_PRIVATE
        writer.close()
    finally:
        os.umask(before)


def test_modes_that_are_too_loose_are_corrected(killed: Path) -> None:
    killed.with_name("runwisp.db-shm").touch()
    for file in killed.parent.iterdir():
        file.chmod(0o644)
    migrate(killed)
    writer = open_writer(killed)
    writer.execute("DELETE FROM runs")
    assert modes(killed.parent) == ALL_PRIVATE
    writer.close()


@pytest.mark.parametrize("name", ["runwisp.db", "runwisp.db-wal", "runwisp.db-shm"])
def test_nothing_is_written_through_a_symbolic_link(path: Path, name: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    path.with_name(name).symlink_to(target)
    with pytest.raises(StorageError, match="symbolic link"):
        migrate(path)
    assert target.read_bytes() == b""


def test_a_directory_in_the_place_of_the_database_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StorageError, match="not a regular file"):
        migrate(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("no database, but long enough to be mistaken for one " * 40)
    with pytest.raises(StorageError, match="not a database"):
        migrate(path)


def test_a_newer_database_is_refused(writer: sqlite3.Connection, path: Path) -> None:
    writer.execute("PRAGMA user_version = 99")
    writer.close()
    for refuse in (migrate, open_reader):
        with pytest.raises(StorageError, match="version 99"):
            refuse(path)


def test_without_a_database_a_reader_says_so(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database"):
        open_reader(path)
    assert list(tmp_path.iterdir()) == []


def test_a_database_behind_something_that_is_no_directory_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    for refuse in (open_reader, migrate):
        with pytest.raises(StorageError, match="Not a directory"):
            refuse(tmp_path / "data" / "runwisp.db")


def test_a_query_that_was_not_read_to_its_end_keeps_no_transaction_open(writer: sqlite3.Connection) -> None:
    marks.set_config_entry(writer.cursor(), "other", "value")
    kept = transact(writer, "BEGIN", lambda cursor: cursor.execute("SELECT * FROM config_entries"))
    assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    with pytest.raises(sqlite3.ProgrammingError):
        kept.fetchone()


def test_reading_after_a_clean_end_changes_nothing(
    writer: sqlite3.Connection, path: Path, tmp_path: Path
) -> None:
    writer.close()
    before = contents(tmp_path)
    assert list(before) == ["runwisp.db"]
    reader = open_reader(path)
    assert entry(reader) == "value"
    assert contents(tmp_path) == before
    reader.close()
    assert contents(tmp_path) == before


def test_a_reader_sees_what_a_killed_daemon_committed(killed: Path) -> None:
    before = contents(killed.parent)
    reader = open_reader(killed)
    assert entry(reader) == "value"
    reader.close()
    after = contents(killed.parent)
    assert {name: after[name] for name in before} == before


def test_a_reader_that_cannot_have_its_index_of_the_log_says_what_it_takes(killed: Path) -> None:
    killed.with_name("runwisp.db-shm").symlink_to("nowhere")
    with pytest.raises(StorageError, match="unable to open") as caught:
        open_reader(killed)
    assert "runwisp.db-wal" in caught.value.hints[0]


def test_a_name_with_odd_characters_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a?b=c#d%e f.db"
    migrate(path)
    open_writer(path).close()
    open_reader(path).close()
    assert path.exists()


def test_a_transaction_that_fails_leaves_nothing(writer: sqlite3.Connection) -> None:
    def work(cursor: sqlite3.Cursor) -> None:
        marks.set_config_entry(cursor, "key", "other")
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        transact(writer, "BEGIN IMMEDIATE", work)
    assert not writer.in_transaction
    assert entry(writer) == "value"


def test_a_database_that_stays_locked_is_a_storage_error(writer: sqlite3.Connection, path: Path) -> None:
    other = open_writer(path)
    other.execute("PRAGMA busy_timeout = 0")
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        transact(other, "BEGIN IMMEDIATE", lambda cursor: cursor.execute("DELETE FROM runs"))
    writer.execute("COMMIT")
    transact(other, "BEGIN IMMEDIATE", lambda cursor: cursor.execute("DELETE FROM runs"))
    other.close()


@pytest.mark.parametrize("sql", ["SELECT nonsense", "INSERT INTO config_entries VALUES ('key', 'again')"])
def test_a_mistake_of_the_program_is_no_storage_error(writer: sqlite3.Connection, sql: str) -> None:
    with pytest.raises(sqlite3.DatabaseError):
        transact(writer, "BEGIN", lambda cursor: cursor.execute(sql))


def test_a_reader_of_the_daemon_sees_each_commit(writer: sqlite3.Connection, path: Path) -> None:
    reader = open_reader(path)
    marks.set_config_entry(writer.cursor(), "key", "newer")
    assert entry(reader) == "newer"
    reader.close()


def test_reading_the_database_imports_no_twisted() -> None:
    code = "import sys, runwisp.store.runs, runwisp.store.connection; print('twisted' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
