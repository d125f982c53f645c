"""Runs as rows of the database may hold them, and databases to put them into."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from attrs import evolve
from hypothesis import strategies as st

from runwisp.model import EndReason, Run, RunId, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.store import schema
from runwisp.store.connection import CONNECT_OPTIONS, set_up_writer
from runwisp.store.filters import RunFilter

T = TypeVar("T")

#: 2026-03-02 02:00:00 UTC.
START = UnixMs(1_772_416_800_000)

NAMES = ("backup", "mail", "web")


@contextmanager
def database_in_memory() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", **CONNECT_OPTIONS)
    set_up_writer(connection)
    schema.migrate(connection)
    try:
        yield connection
    finally:
        connection.close()


def bad_steps(connection: sqlite3.Connection, sql: str, values: list[object]) -> list[str]:
    """Steps of the query's plan that walk the whole table without an index or sort."""
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    return [
        step
        for step in plan
        if "TEMP B-TREE" in step or (step.startswith("SCAN runs") and "INDEX" not in step)
    ]


def moment(ms: int) -> UnixMs:
    return UnixMs(START + ms)


def run_id(number: int) -> RunId:
    return RunId(f"01JA9XQ4Z6M8T2V7C3K5{number:06}")


def pending_run(number: int, name: str = "backup") -> Run:
    """The run with this number, created as many milliseconds after ``START``."""
    return Run(
        id=run_id(number),
        task_name=name,
        status=Status.PENDING,
        created_at=moment(number),
        triggered_by=TriggeredBy.CRON,
    )


def running_run(number: int, name: str = "backup") -> Run:
    return evolve(pending_run(number, name), status=Status.RUNNING, start_at=moment(number + 1))


def ended(run: Run, reason: EndReason = EndReason.SUCCESS, is_failure: bool = False, after: int = 10) -> Run:
    """``run`` when it has come to its end, ``after`` milliseconds after its creation."""
    return evolve(
        run,
        status=Status.ENDED,
        end_reason=reason,
        exit_code=0 if reason is EndReason.SUCCESS else 1,
        end_at=UnixMs(run.created_at + after),
        is_failure=is_failure,
    )


@st.composite
def runs_of_any_kind(draw: st.DrawFn, number: int) -> Run:
    run = evolve(
        pending_run(number, draw(st.sampled_from(NAMES))),
        # Few moments, so that many runs share one.
        created_at=moment(draw(st.integers(0, 4))),
        triggered_by=draw(st.sampled_from(TriggeredBy)),
        trigger_source=draw(st.none() | st.sampled_from(TriggerSource)),
        retry_attempt=draw(st.integers(0, 2)),
        retry_of_run_id=draw(st.none() | st.integers(0, 3).map(run_id)),
        replica_index=draw(st.integers(0, 2)),
    )
    status = draw(st.sampled_from(Status))
    if status is not Status.PENDING:
        run = evolve(run, status=Status.RUNNING, start_at=moment(draw(st.integers(5, 9))))
    if status is Status.ENDED:
        reason = draw(st.sampled_from(EndReason))
        run = evolve(
            ended(run, reason, draw(st.booleans())),
            exit_code=draw(st.integers(-2, 3)),
            end_at=moment(draw(st.integers(10, 19))),
        )
    return run


def tables_of_runs(most: int = 12) -> st.SearchStrategy[list[Run]]:
    """Runs with different ids."""
    return (
        st.integers(0, most).flatmap(lambda count: st.tuples(*map(runs_of_any_kind, range(count)))).map(list)
    )


def _some_of(values: Iterable[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(st.sampled_from(list(values)), max_size=3, unique=True).map(tuple)


def filters() -> st.SearchStrategy[RunFilter]:
    return st.builds(
        RunFilter,
        task_names=st.none() | st.lists(st.sampled_from([*NAMES, "gone"]), max_size=4).map(tuple),
        is_ended=st.none() | st.booleans(),
        statuses=_some_of(Status),
        end_reasons=_some_of(EndReason),
        is_failure=st.booleans(),
        triggered_by=_some_of(TriggeredBy),
        trigger_source=_some_of(TriggerSource),
        created_after=st.none() | st.integers(-1, 5).map(moment),
        created_before=st.none() | st.integers(-1, 5).map(moment),
        exit_code_min=st.none() | st.integers(-3, 4),
        exit_code_max=st.none() | st.integers(-3, 4),
        retries_only=st.booleans(),
        retry_of_run_id=st.none() | st.integers(0, 3).map(run_id),
        replica_index=st.none() | st.integers(0, 2),
        search=st.none() | st.sampled_from(["A", "web", "3k5", "%", "00000"]),
    )


def matches(wanted: RunFilter, run: Run) -> bool:
    """The meaning of a filter, said once more and without SQL."""
    any_status = wanted.statuses or wanted.end_reasons or wanted.is_failure
    text = (wanted.search or "").lower()
    return all(
        (
            wanted.task_names is None or run.task_name in wanted.task_names,
            wanted.is_ended is None or wanted.is_ended == (run.status is Status.ENDED),
            not any_status
            or run.status in wanted.statuses
            or run.end_reason in wanted.end_reasons
            or (wanted.is_failure and run.is_failure),
            not wanted.triggered_by or run.triggered_by in wanted.triggered_by,
            not wanted.trigger_source or run.trigger_source in wanted.trigger_source,
            wanted.created_after is None or run.created_at >= wanted.created_after,
            wanted.created_before is None or run.created_at <= wanted.created_before,
            wanted.exit_code_min is None
            or (run.exit_code is not None and run.exit_code >= wanted.exit_code_min),
            wanted.exit_code_max is None
            or (run.exit_code is not None and run.exit_code <= wanted.exit_code_max),
            not wanted.retries_only or run.retry_attempt > 0,
            wanted.retry_of_run_id is None or run.retry_of_run_id == wanted.retry_of_run_id,
            wanted.replica_index is None or run.replica_index == wanted.replica_index,
            text in run.task_name.lower() or text in run.id.lower(),
        )
    )


def in_order(table: list[Run], *, oldest_first: bool) -> list[Run]:
    return sorted(table, key=lambda run: (run.created_at, run.id), reverse=not oldest_first)
