from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Cursor

import pytest
from attrs import evolve

from runwisp.model import Run
from runwisp.store import connection as connections
from runwisp.store import retention, runs
from runwisp.store.filters import Position
from runwisp.store.retention import Goner
from tests.store.samples import (
    bad_steps,
    database_in_memory,
    ended,
    moment,
    pending_run,
    run_id,
    running_run,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with database_in_memory() as opened:
        yield opened


def insert(cursor: Cursor, *table: Run) -> None:
    for run in table:
        runs.insert(cursor, run)


def position(number: int) -> Position:
    return Position(moment(number), run_id(number))


def goner(number: int, name: str = "backup") -> Goner:
    return Goner(run_id(number), name, moment(number))


def ended_runs(*numbers: int, name: str = "backup") -> list[Run]:
    return [ended(pending_run(number, name)) for number in numbers]


def waiting_for_retry(number: int) -> Run:
    return evolve(ended(pending_run(number)), next_retry_at=moment(9_999))


@pytest.mark.parametrize(
    ("select", "index"),
    [
        (lambda cursor: retention.newest_surplus(cursor, "backup", 1), "runs_by_task (task_name=?)"),
        (
            lambda cursor: retention.newest_before(cursor, "backup", moment(9)),
            "runs_by_task (task_name=? AND created_at<?)",
        ),
        (
            lambda cursor: retention.up_to(cursor, "backup", position(9), 10),
            "runs_by_task (task_name=? AND (created_at,id)<(?,?))",
        ),
        (lambda cursor: retention.oldest(cursor, 10), "SCAN runs USING INDEX runs_by_time"),
        (lambda cursor: retention.delete(cursor, [goner(1)]), "(id=?)"),
    ],
)
def test_every_query_walks_an_index_and_sorts_nothing(
    connection: sqlite3.Connection, select: Callable[[Cursor], object], index: str
) -> None:
    cursor = connection.cursor()
    insert(cursor, *ended_runs(1, 2))
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    select(cursor)
    connection.set_trace_callback(None)
    # Statements of triggers come as comments.
    asked = [sql for sql in statements if not sql.startswith("--") and " runs " in sql]
    assert [step for sql in asked for step in bad_steps(connection, sql, [])] == []
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}")]
    assert index in plan[0]


def test_the_newest_surplus_is_the_first_run_that_the_number_does_not_cover(
    connection: sqlite3.Connection,
) -> None:
    cursor = connection.cursor()
    insert(cursor, *ended_runs(1, 2, 3), *ended_runs(4, 5, name="mail"))
    assert retention.newest_surplus(cursor, "backup", 0) == position(3)
    assert retention.newest_surplus(cursor, "backup", 2) == position(1)
    assert retention.newest_surplus(cursor, "backup", 3) is None
    assert retention.newest_surplus(cursor, "gone", 0) is None


def test_runs_in_flight_take_no_place_and_runs_with_a_retry_do(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, *ended_runs(1, 2), waiting_for_retry(3), running_run(4), pending_run(5))
    assert retention.newest_surplus(cursor, "backup", 2) == position(1)


def test_the_newest_run_before_a_moment_is_not_one_of_that_moment(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, *ended_runs(1, 2, 3), *ended_runs(4, name="mail"))
    assert retention.newest_before(cursor, "backup", moment(2)) == position(1)
    assert retention.newest_before(cursor, "backup", moment(1)) is None
    assert retention.newest_before(cursor, "backup", moment(99)) == position(3)


def test_what_goes_is_oldest_first_and_spares_what_must_stay(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, running_run(1), *ended_runs(2, 3), waiting_for_retry(4), *ended_runs(5, 6))
    insert(cursor, *ended_runs(0, name="mail"))
    assert retention.up_to(cursor, "backup", position(5), 10) == [goner(2), goner(3), goner(5)]
    assert retention.up_to(cursor, "backup", position(5), 2) == [goner(2), goner(3)]
    assert retention.oldest(cursor, 3) == [goner(0, "mail"), goner(2), goner(3)]


def test_among_runs_of_one_millisecond_the_id_decides(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, *(evolve(run, created_at=moment(0)) for run in ended_runs(1, 2, 3)))
    last = retention.newest_surplus(cursor, "backup", 1)
    assert last == Position(moment(0), run_id(2))
    assert [found.id for found in retention.up_to(cursor, "backup", last, 9)] == [run_id(1), run_id(2)]


def test_only_rows_that_still_may_go_are_deleted(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, *ended_runs(1), running_run(2), waiting_for_retry(3))
    assert retention.delete(cursor, map(goner, range(5))) == [goner(1)]
    assert [run.id for run in runs.page(cursor, runs.RunFilter(), 9)] == [run_id(3), run_id(2)]
    assert runs.totals(cursor, ["backup"]).total == 2


def test_a_run_goes_with_its_waiting_retry_if_that_is_wanted(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    insert(cursor, waiting_for_retry(1), running_run(2))
    assert retention.delete(cursor, [goner(1), goner(2)], with_retries=True) == [goner(1)]


def test_pages_of_deleted_rows_go_back_to_the_file_system_in_steps(tmp_path: Path) -> None:
    path = tmp_path / "runwisp.db"
    connections.migrate(path)
    with closing(connections.open_writer(path)) as connection:
        table = ended_runs(*range(1000))

        def work(cursor: Cursor) -> None:
            insert(cursor, *table)
            retention.delete(cursor, map(goner, range(1000)))

        connections.transact(connection, "BEGIN IMMEDIATE", work)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        before = path.stat().st_size
        steps = []
        while freed := connections.transact(
            connection, "BEGIN IMMEDIATE", lambda cursor: retention.free_pages(cursor, 16)
        ):
            steps.append(freed)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        page = connection.execute("PRAGMA page_size").fetchone()[0]
    assert set(steps[:-1]) == {16}
    assert before - path.stat().st_size == sum(steps) * page
