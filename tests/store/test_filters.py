from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from sqlite3 import Cursor

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import EndReason, Run, Status, TriggeredBy, TriggerSource
from runwisp.store import runs
from runwisp.store.filters import Position, RunFilter, page_query
from tests.store.samples import (
    bad_steps,
    database_in_memory,
    ended,
    filters,
    in_order,
    matches,
    moment,
    pending_run,
    run_id,
    runs_of_any_kind,
    tables_of_runs,
)

TASKS = [None, ("a",), ("a", "b", "c"), tuple(f"task{number}" for number in range(40))]
STATUS = [
    RunFilter(),
    RunFilter(statuses=(Status.RUNNING, Status.PENDING)),
    RunFilter(statuses=(Status.ENDED,)),
    RunFilter(statuses=(Status.RUNNING,), is_failure=True),
    RunFilter(is_failure=True),
    RunFilter(end_reasons=(EndReason.TIMEOUT, EndReason.CRASHED)),
    RunFilter(end_reasons=(EndReason.MISSED,), statuses=(Status.PENDING,), is_failure=True),
]
OTHERS = [
    RunFilter(),
    RunFilter(triggered_by=(TriggeredBy.API, TriggeredBy.CRON)),
    RunFilter(trigger_source=(TriggerSource.UI,)),
    RunFilter(created_after=moment(0)),
    RunFilter(created_before=moment(9)),
    RunFilter(created_after=moment(0), created_before=moment(9)),
    RunFilter(exit_code_min=1, exit_code_max=9),
    RunFilter(retries_only=True),
    RunFilter(retry_of_run_id=run_id(1)),
    RunFilter(replica_index=1),
    RunFilter(search="x"),
]


def test_a_plan_that_sorts_or_walks_the_table_is_noticed() -> None:
    with database_in_memory() as connection:
        assert len(bad_steps(connection, "SELECT * FROM runs ORDER BY message", [])) == 2


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("beyond", [None, Position(moment(5), run_id(5))])
def test_no_list_sorts_or_walks_the_table(beyond: Position | None, oldest_first: bool) -> None:
    with database_in_memory() as connection:
        for names, status, others in product(TASKS, STATUS, OTHERS):
            wanted = evolve(
                others,
                task_names=names,
                statuses=status.statuses,
                end_reasons=status.end_reasons,
                is_failure=status.is_failure,
            )
            sql, values = page_query(wanted, 50, beyond, oldest_first=oldest_first)
            assert bad_steps(connection, sql, list(values)) == [], wanted


@pytest.mark.parametrize("select", [runs.pending, runs.running, runs.waiting_retries])
def test_no_other_list_sorts_or_walks_the_table(select: Callable[[Cursor], object]) -> None:
    with database_in_memory() as connection:
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        select(connection.cursor())
        connection.set_trace_callback(None)
        assert len(statements) == 1
        assert bad_steps(connection, statements[0], []) == []


@given(tables_of_runs(), filters(), st.booleans())
def test_a_list_holds_what_matches_in_order(table: list[Run], wanted: RunFilter, oldest_first: bool) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for run in table:
            runs.insert(cursor, run)
        expected = in_order([run for run in table if matches(wanted, run)], oldest_first=oldest_first)
        assert runs.page(cursor, wanted, 100, oldest_first=oldest_first) == expected


def pages(cursor: Cursor, wanted: RunFilter, size: int, oldest_first: bool) -> Iterator[list[Run]]:
    page = runs.page(cursor, wanted, size, oldest_first=oldest_first)
    while page:
        yield page
        page = runs.page(cursor, wanted, size, Position.of(page[-1]), oldest_first=oldest_first)


@given(st.data(), tables_of_runs(), filters(), st.integers(1, 5), st.booleans())
def test_pages_tile_the_list_while_runs_come_and_go(
    data: st.DataObject, table: list[Run], wanted: RunFilter, size: int, oldest_first: bool
) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for run in table:
            runs.insert(cursor, run)
        stayed = {run.id: run for run in table}
        seen: list[Run] = []
        for turn, page in enumerate(pages(cursor, wanted, size, oldest_first)):
            seen += page
            if turn < 5:
                runs.insert(cursor, data.draw(runs_of_any_kind(100 + turn)))
            ended_ids = sorted(run.id for run in stayed.values() if run.status is Status.ENDED)
            if ended_ids:
                gone = data.draw(st.sampled_from(ended_ids))
                assert runs.delete(cursor, gone)
                del stayed[gone]
        assert len({run.id for run in seen}) == len(seen)
        assert seen == in_order(seen, oldest_first=oldest_first)
        expected = in_order(
            [run for run in stayed.values() if matches(wanted, run)], oldest_first=oldest_first
        )
        assert [run for run in seen if run.id in stayed] == expected


def test_a_page_goes_on_after_a_run_that_was_deleted_meanwhile() -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        table = [ended(pending_run(number)) for number in range(4)]
        for run in table:
            runs.insert(cursor, run)
        first = runs.page(cursor, RunFilter(), 2)
        runs.delete(cursor, first[-1].id)
        assert runs.page(cursor, RunFilter(), 2, Position.of(first[-1])) == [table[1], table[0]]


def test_a_filter_without_names_matches_nothing() -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        runs.insert(cursor, pending_run(1))
        assert runs.page(cursor, RunFilter(task_names=()), 10) == []
