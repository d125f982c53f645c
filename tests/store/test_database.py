"""The database on the real reactor, with its threads."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Cursor
from stat import S_IMODE
from threading import Event
from typing import TypeVar

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs

from runwisp.errors import StorageError
from runwisp.model import Run
from runwisp.store import marks, runs
from runwisp.store.connection import CONNECT_OPTIONS, open_reader, open_writer
from runwisp.store.database import BATCH_LIMIT, Database
from runwisp.store.filters import RunFilter
from tests.store.samples import pending_run
from tests.waiting import within

T = TypeVar("T")


@pytest.fixture
def database(tmp_path: Path, reactor: PosixReactorBase) -> Iterator[Database]:
    database = Database(tmp_path / "runwisp.db", reactor)
    database.open()
    yield database
    pytest_twisted.blockon(database.close())


def inserting(run: Run) -> Callable[[Cursor], None]:
    return lambda cursor: runs.insert(cursor, run)


def noting(number: int, done: list[int]) -> Callable[[object], None]:
    return lambda _: done.append(number)


def all_runs(cursor: Cursor) -> list[Run]:
    return runs.page(cursor, RunFilter(), 10_000, oldest_first=True)


def committed(folder: Path) -> list[Run]:
    """The runs that anybody else can see now."""
    connection = open_reader(folder / "runwisp.db")
    try:
        return all_runs(connection.cursor())
    finally:
        connection.close()


async def counting_commits(database: Database) -> list[str]:
    """Every further COMMIT of the writer is added to this list."""
    commits: list[str] = []

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            commits.append(statement)

    await database.write(lambda cursor: cursor.connection.set_trace_callback(trace))
    commits.clear()
    return commits


async def test_a_write_is_committed_when_it_fires(database: Database, tmp_path: Path) -> None:
    await database.write(inserting(pending_run(1)))
    assert committed(tmp_path) == [pending_run(1)]


async def test_a_write_returns_what_its_function_returns(database: Database) -> None:
    assert await database.write(lambda cursor: cursor.execute("SELECT 42").fetchone()) == (42,)


async def test_a_read_sees_what_was_written_before(database: Database) -> None:
    for number in range(3):
        await database.write(inserting(pending_run(number)))
        assert len(await database.read(all_runs)) == number + 1


async def test_a_read_before_any_write_leaves_the_files_private(database: Database, tmp_path: Path) -> None:
    assert await database.read(all_runs) == []
    modes = {entry.name: S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
    assert modes == dict.fromkeys(["runwisp.db", "runwisp.db-wal", "runwisp.db-shm"], 0o600)
    await database.write(inserting(pending_run(1)))
    assert await database.read(all_runs) == [pending_run(1)]


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError, match="readonly"):
        await database.read(inserting(pending_run(1)))


async def test_writes_of_one_turn_share_a_commit_and_keep_their_order(
    database: Database, tmp_path: Path
) -> None:
    commits = await counting_commits(database)
    done: list[int] = []
    writes = [
        database.write(inserting(pending_run(number))).addCallback(noting(number, done))
        for number in range(50)
    ]
    await DeferredList(writes, fireOnOneErrback=True)
    assert done == list(range(50))
    assert len(commits) == 1
    assert committed(tmp_path) == [pending_run(number) for number in range(50)]


async def test_writes_that_come_during_a_commit_share_the_next(database: Database) -> None:
    commits = await counting_commits(database)
    has_begun, may_end = Event(), Event()

    def hold(_: Cursor) -> None:
        has_begun.set()
        assert may_end.wait(10)

    first = database.write(hold)
    await deferToThread(has_begun.wait, 10)
    later = [database.write(inserting(pending_run(number))) for number in range(50)]
    may_end.set()
    await DeferredList([first, *later], fireOnOneErrback=True)
    assert len(commits) == 2


async def test_a_commit_is_not_shared_without_limit(database: Database) -> None:
    commits = await counting_commits(database)
    writes = [database.write(inserting(pending_run(number))) for number in range(2 * BATCH_LIMIT + 1)]
    await DeferredList(writes, fireOnOneErrback=True)
    assert len(commits) == 3


async def test_one_bad_write_among_many_fails_alone(database: Database, tmp_path: Path) -> None:
    writes = [database.write(inserting(pending_run(number // 2))) for number in range(0, 40, 2)]
    bad = database.write(inserting(pending_run(3)))
    writes += [database.write(inserting(pending_run(number))) for number in range(20, 40)]
    with pytest.raises(sqlite3.IntegrityError):
        await bad
    await DeferredList(writes, fireOnOneErrback=True)
    assert committed(tmp_path) == [pending_run(number) for number in range(40)]


async def test_while_another_process_locks_the_database_writes_fail_and_later_ones_succeed(
    tmp_path: Path, reactor: PosixReactorBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONNECT_OPTIONS, "timeout", 0.0)
    database = Database(tmp_path / "runwisp.db", reactor)
    database.open()
    other = open_writer(tmp_path / "runwisp.db")
    await database.write(inserting(pending_run(1)))
    other.execute("BEGIN IMMEDIATE")
    for write in [database.write(inserting(pending_run(number))) for number in (2, 3)]:
        with pytest.raises(StorageError, match="locked"):
            await write
    assert await database.read(all_runs) == [pending_run(1)]
    other.execute("ROLLBACK")
    await database.write(inserting(pending_run(2)))
    other.close()
    await database.close()
    assert committed(tmp_path) == [pending_run(1), pending_run(2)]


async def test_one_in_a_hurry_waits_only_a_moment_for_locks(database: Database) -> None:
    def timeout_ms(cursor: Cursor) -> int:
        return int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])

    assert await database.write(timeout_ms) == 5000
    database.hurry()
    assert await database.write(timeout_ms) == 250


async def test_a_database_that_vanishes_is_a_storage_error(tmp_path: Path, reactor: PosixReactorBase) -> None:
    database = Database(tmp_path / "runwisp.db", reactor)
    database.open()
    (tmp_path / "runwisp.db").unlink()
    with pytest.raises(StorageError, match="unable to open"):
        await database.write(inserting(pending_run(1)))
    with pytest.raises(StorageError, match="unable to open"):
        await database.read(all_runs)
    with capturedLogs() as logs:
        await database.close()
    assert any("write-ahead log" in event["log_format"] for event in logs)


async def test_one_who_waits_no_longer_disturbs_nobody(database: Database, tmp_path: Path) -> None:
    impatient, patient = (database.write(inserting(pending_run(number))) for number in (1, 2))
    impatient.cancel()
    with pytest.raises(CancelledError):
        await impatient
    await patient
    assert committed(tmp_path) == [pending_run(1), pending_run(2)]


async def test_closing_finishes_what_is_queued_and_leaves_one_file(
    tmp_path: Path, reactor: PosixReactorBase
) -> None:
    database = Database(tmp_path / "runwisp.db", reactor)
    database.open()
    writes = [database.write(inserting(pending_run(number))) for number in range(BATCH_LIMIT + 5)]
    read = database.read(all_runs)
    await within(reactor, database.close())
    assert all(write.called for write in writes)
    assert read.called
    assert os.listdir(tmp_path) == ["runwisp.db"]
    assert len(committed(tmp_path)) == BATCH_LIMIT + 5


async def test_a_closed_database_takes_nothing_more(tmp_path: Path, reactor: PosixReactorBase) -> None:
    database = Database(tmp_path / "runwisp.db", reactor)
    refused: list[Deferred[None] | Deferred[list[Run]]] = [database.write(inserting(pending_run(1)))]
    database.open()
    closed = database.close()
    refused += [database.write(inserting(pending_run(1))), database.read(all_runs)]
    await closed
    await database.close()
    for deferred in refused:
        with pytest.raises(StorageError, match="not open"):
            await deferred
    assert committed(tmp_path) == []


async def test_a_callback_may_write_and_read(database: Database) -> None:
    chain = database.write(inserting(pending_run(1)))
    chain.addCallback(lambda _: database.write(inserting(pending_run(2))))
    found = await chain.addCallback(lambda _: database.read(all_runs))
    assert found == [pending_run(1), pending_run(2)]


async def test_a_read_sees_one_state_throughout(database: Database) -> None:
    await database.write(inserting(pending_run(1)))
    has_begun, may_go_on = Event(), Event()

    def look_twice(cursor: Cursor) -> tuple[list[Run], list[Run]]:
        first = all_runs(cursor)
        has_begun.set()
        assert may_go_on.wait(10)
        return first, all_runs(cursor)

    both = database.read(look_twice)
    await deferToThread(has_begun.wait, 10)
    await database.write(inserting(pending_run(2)))
    may_go_on.set()
    first, second = await both
    assert first == second == [pending_run(1)]


async def test_marks_and_runs_go_through_the_same_writer(database: Database) -> None:
    def work(cursor: Cursor) -> None:
        marks.register(cursor, "backup", pending_run(0).created_at)
        runs.insert(cursor, pending_run(1), tick=pending_run(1).created_at)

    await database.write(work)
    registrations = await database.read(marks.registrations)
    assert registrations["backup"].last_tick_at == pending_run(1).created_at
    assert await database.read(all_runs) == [pending_run(1)]


def test_a_database_that_cannot_be_opened_is_refused_at_once(
    tmp_path: Path, reactor: PosixReactorBase
) -> None:
    (tmp_path / "runwisp.db").write_text("no database " * 100)
    with pytest.raises(StorageError, match="not a database"):
        Database(tmp_path / "runwisp.db", reactor).open()
