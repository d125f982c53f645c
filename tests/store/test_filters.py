from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from sqlite3 import Connection, Cursor

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import EndReason, Run, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.store import runs
from runwisp.store.filters import Position, RunFilter, count_query, page_query, sums_query
from runwisp.store.runs import Totals
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
    RunFilter(is_ended=True),
    RunFilter(is_ended=False, is_failure=True),
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


@pytest.fixture
def cursor() -> Iterator[Cursor]:
    with database_in_memory() as connection:
        yield connection.cursor()


def every_kind_of_filter() -> Iterator[RunFilter]:
    for names, status, others in product(TASKS, STATUS, OTHERS):
        yield evolve(
            others,
            task_names=names,
            is_ended=status.is_ended,
            statuses=status.statuses,
            end_reasons=status.end_reasons,
            is_failure=status.is_failure,
        )


def test_a_plan_that_sorts_or_walks_the_table_is_noticed() -> None:
    with database_in_memory() as connection:
        assert len(bad_steps(connection, "SELECT * FROM runs ORDER BY message", [])) == 2


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("beyond", [None, Position(moment(5), run_id(5))])
def test_no_list_sorts_or_walks_the_table(beyond: Position | None, oldest_first: bool) -> None:
    with database_in_memory() as connection:
        for wanted in every_kind_of_filter():
            sql, values = page_query(wanted, 50, beyond, oldest_first=oldest_first)
            assert bad_steps(connection, sql, list(values)) == [], wanted


def test_no_count_and_no_sum_sorts_or_walks_the_table() -> None:
    with database_in_memory() as connection:
        for wanted in every_kind_of_filter():
            for sql, values in (count_query(wanted, 100), sums_query(wanted)):
                assert bad_steps(connection, sql, list(values)) == [], wanted


def steps_of(connection: Connection, read: Callable[[], object]) -> int:
    """Hundreds of steps that SQLite takes for what ``read`` does."""
    count = 0

    def count_on() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(count_on, 100)
    read()
    connection.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("names", [None, ("backup",)])
def test_a_page_deep_in_a_span_of_time_costs_no_more_than_the_first(
    names: tuple[str, ...] | None, oldest_first: bool
) -> None:
    wanted = RunFilter(task_names=names, created_after=moment(10), created_before=moment(1990))
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for number in range(2000):
            runs.insert(cursor, ended(pending_run(number)))

        def page(number: int) -> Callable[[], object]:
            beyond = Position(moment(number), run_id(number))
            return partial(runs.page, cursor, wanted, 20, beyond, oldest_first=oldest_first)

        first, deep = (20, 1900) if oldest_first else (1980, 100)
        assert steps_of(connection, page(deep)) <= steps_of(connection, page(first)) + 1


@pytest.mark.parametrize(
    "wanted",
    [
        RunFilter(statuses=(Status.PENDING, Status.RUNNING)),
        RunFilter(is_ended=False, search="back"),
        RunFilter(is_failure=True),
        RunFilter(end_reasons=(EndReason.TIMEOUT,)),
        RunFilter(end_reasons=(EndReason.TIMEOUT, EndReason.STOPPED), task_names=("backup",)),
    ],
)
def test_a_list_of_what_is_rare_does_not_pass_over_what_is_common(wanted: RunFilter) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for number in range(2000):
            runs.insert(cursor, ended(pending_run(number)))
        runs.insert(cursor, pending_run(2000))
        runs.insert(cursor, ended(pending_run(2001), EndReason.TIMEOUT, True))
        found = list[Run]()
        assert steps_of(connection, lambda: found.extend(runs.page(cursor, wanted, 50))) <= 3
        assert len(found) == 1


@given(tables_of_runs(), filters(), st.integers(0, 12))
def test_matches_are_counted_up_to_a_limit(table: list[Run], wanted: RunFilter, most: int) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for run in table:
            runs.insert(cursor, run)
        matching = sum(matches(wanted, run) for run in table)
        is_known = matching <= most or wanted.is_by_task_alone
        assert runs.count(cursor, wanted, most) == (matching if is_known else None)


@given(tables_of_runs(), filters())
def test_a_summary_is_what_counting_the_matches_gives(table: list[Run], wanted: RunFilter) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        for run in table:
            runs.insert(cursor, run)
        matching = [run for run in table if matches(wanted, run)]
        reasons = [run.end_reason for run in matching]
        failed = [run for run in matching if run.is_failure and run.end_reason is not EndReason.MISSED]
        assert runs.summary(cursor, wanted) == Totals(
            total=len(matching),
            success=reasons.count(EndReason.SUCCESS),
            failed=len(failed),
            missed=reasons.count(EndReason.MISSED),
            last_failure_at=max((run.end_at for run in failed if run.end_at is not None), default=None),
        )


def test_moments_that_no_run_can_have_are_taken_as_the_first_and_the_last(cursor: Cursor) -> None:
    runs.insert(cursor, pending_run(1))
    wanted = RunFilter(created_after=UnixMs(-60_000_000_000_000), created_before=UnixMs(10**18))
    assert runs.page(cursor, wanted, 10) == [pending_run(1)]


def test_a_search_takes_its_text_literally_and_in_any_case(cursor: Cursor) -> None:
    for number, name in enumerate(("DB_backup", "dbxbackup", "mail")):
        runs.insert(cursor, pending_run(number, name))
    assert [run.task_name for run in runs.page(cursor, RunFilter(search="db_BACK"), 10)] == ["DB_backup"]
    assert runs.page(cursor, RunFilter(search="%"), 10) == []
    assert runs.page(cursor, RunFilter(search=run_id(2).lower()), 10) == [pending_run(2, "mail")]


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
