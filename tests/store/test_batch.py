from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from sqlite3 import Cursor

import pytest

from runwisp.errors import StorageError
from runwisp.model import Run
from runwisp.store import runs
from runwisp.store.batch import run_batch
from tests.store.samples import database_in_memory, pending_run


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with database_in_memory() as connection:
        yield connection


def ids(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT id FROM runs ORDER BY id")]


def inserting(run: Run) -> Callable[[Cursor], object]:
    """A write of this run, which returns its id."""

    def work(cursor: Cursor) -> str:
        runs.insert(cursor, run)
        return run.id

    return work


def insert_and_fail(cursor: Cursor) -> None:
    runs.insert(cursor, pending_run(999))
    raise KeyError("on purpose")


def test_all_writes_of_a_batch_share_one_commit(connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    run_batch(connection, [inserting(pending_run(1)), lambda cursor: None])
    assert statements.count("BEGIN IMMEDIATE") == statements.count("COMMIT") == 1
    assert statements[-1] == "COMMIT"


@pytest.mark.parametrize("count", [1, 2, 9])
def test_outcomes_come_in_the_order_of_the_writes(connection: sqlite3.Connection, count: int) -> None:
    table = [pending_run(number) for number in range(count)]
    outcomes = run_batch(connection, [inserting(run) for run in table])
    assert [outcome.value for outcome in outcomes] == ids(connection) == [run.id for run in table]


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("place", [0, -1])
def test_a_write_that_fails_is_undone_alone(connection: sqlite3.Connection, count: int, place: int) -> None:
    table = [pending_run(number) for number in range(count - 1)]
    works = [inserting(run) for run in table]
    works.insert(place if place == 0 else len(works), insert_and_fail)
    outcomes = run_batch(connection, works)
    assert isinstance(outcomes[place].error, KeyError)
    assert sum(outcome.error is None for outcome in outcomes) == count - 1
    assert ids(connection) == [run.id for run in table]
    assert not connection.in_transaction


def test_a_violated_constraint_is_undone_alone(connection: sqlite3.Connection) -> None:
    one, same, other = pending_run(1), pending_run(1), pending_run(2)
    outcomes = run_batch(connection, [inserting(run) for run in (one, same, other)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, type(None)]
    assert ids(connection) == [one.id, other.id]


def test_a_cursor_left_in_the_middle_of_a_select_disturbs_nobody(connection: sqlite3.Connection) -> None:
    run_batch(connection, [inserting(pending_run(n)) for n in range(3)])

    def half_read(cursor: Cursor) -> None:
        cursor.execute("SELECT id FROM runs").fetchone()
        raise KeyError("on purpose")

    outcomes = run_batch(connection, [half_read, inserting(pending_run(9)), half_read])
    assert outcomes[1].value == pending_run(9).id
    assert pending_run(9).id in ids(connection)


def test_on_a_full_disk_every_write_has_a_storage_error_or_is_there(connection: sqlite3.Connection) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    table = [pending_run(number, "x" * 900) for number in range(50)]
    outcomes = run_batch(connection, [inserting(run) for run in table])
    assert any(isinstance(outcome.error, StorageError) for outcome in outcomes)
    assert ids(connection) == [
        run.id for run, outcome in zip(table, outcomes, strict=True) if outcome.error is None
    ]
    assert not connection.in_transaction


def test_when_all_is_rolled_back_nobody_is_told_of_success(connection: sqlite3.Connection) -> None:
    def lose_everything(cursor: Cursor) -> None:
        cursor.execute("ROLLBACK")
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        run_batch(connection, [inserting(pending_run(1)), lose_everything])
    assert ids(connection) == []
    assert not connection.in_transaction
