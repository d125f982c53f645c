from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from sqlite3 import Cursor

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Bytes, EndReason, Run, RunId, Seconds, Status, TriggeredBy, TriggerSource
from runwisp.store import marks, runs
from runwisp.store.runs import Totals
from tests.store.samples import (
    NAMES,
    database_in_memory,
    ended,
    moment,
    pending_run,
    run_id,
    running_run,
    runs_of_any_kind,
)

FULL = Run(
    id=run_id(7),
    task_name="web",
    status=Status.ENDED,
    created_at=moment(1),
    triggered_by=TriggeredBy.API,
    trigger_source=TriggerSource.UI,
    end_reason=EndReason.FAILED,
    exit_code=3,
    start_at=moment(2),
    end_at=moment(3),
    retry_attempt=1,
    retry_of_run_id=run_id(6),
    next_retry_at=moment(9),
    replica_index=2,
    is_failure=True,
    message="exit code 3",
    process_group=4711,
    process_started=123456,
    peak_memory_bytes=Bytes(48234496),
    cpu_time=Seconds(3.41),
)


@pytest.fixture
def cursor() -> Iterator[Cursor]:
    with database_in_memory() as connection:
        yield connection.cursor()


@pytest.mark.parametrize("run", [FULL, pending_run(1), running_run(1)])
def test_a_run_comes_back_as_it_went_in(cursor: Cursor, run: Run) -> None:
    runs.insert(cursor, run)
    assert runs.get(cursor, run.id) == run


def test_a_run_that_is_not_there_is_none(cursor: Cursor) -> None:
    assert runs.get(cursor, run_id(1)) is None


def test_times_stand_in_the_table_as_text_in_utc(cursor: Cursor) -> None:
    runs.insert(cursor, pending_run(412))
    assert cursor.execute("SELECT created_at FROM runs").fetchone() == ("2026-03-02T02:00:00.412Z",)


def test_a_pending_run_starts_and_ends(cursor: Cursor) -> None:
    run = pending_run(1)
    runs.insert(cursor, run)
    started = running_run(1)
    assert runs.start(cursor, started)
    assert runs.get(cursor, run.id) == started
    assert runs.set_process(cursor, run.id, 4711, 99)
    last = evolve(
        ended(started, EndReason.TIMEOUT, True),
        next_retry_at=moment(50),
        message="took too long",
        peak_memory_bytes=Bytes(5),
        cpu_time=Seconds(0.5),
    )
    assert runs.end(cursor, last)
    assert runs.get(cursor, run.id) == evolve(last, process_group=4711, process_started=99)


def test_a_run_starts_only_once(cursor: Cursor) -> None:
    runs.insert(cursor, ended(running_run(1)))
    assert not runs.start(cursor, running_run(1))
    assert runs.get(cursor, run_id(1)) == ended(running_run(1))


def test_a_change_of_a_run_that_is_gone_is_reported(cursor: Cursor) -> None:
    run = running_run(1)
    assert not runs.start(cursor, run)
    assert not runs.set_process(cursor, run.id, 1, 1)
    assert not runs.end(cursor, ended(run))
    assert not runs.clear_next_retry(cursor, run.id)
    assert not runs.delete(cursor, run.id)


def test_an_ended_run_has_a_reason_and_a_time(cursor: Cursor) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        runs.insert(cursor, evolve(running_run(1), status=Status.ENDED))


def test_the_slot_of_a_run_is_remembered_with_its_row(cursor: Cursor) -> None:
    marks.register(cursor, "backup", moment(0))
    runs.insert(cursor, pending_run(1), tick=moment(77))
    assert marks.registrations(cursor)["backup"].last_tick_at == moment(77)


def test_runs_in_flight_and_pending_are_listed_oldest_first(cursor: Cursor) -> None:
    for run in (running_run(4), pending_run(3), running_run(2), pending_run(1), ended(running_run(0))):
        runs.insert(cursor, run)
    assert runs.running(cursor) == [running_run(2), running_run(4)]
    assert runs.pending(cursor) == [pending_run(1), pending_run(3)]


def test_waiting_retries_are_listed_by_their_time_until_they_are_cleared(cursor: Cursor) -> None:
    one, other = (evolve(ended(running_run(number)), next_retry_at=moment(90 - number)) for number in (1, 2))
    for run in (one, other, ended(running_run(3))):
        runs.insert(cursor, run)
    assert runs.waiting_retries(cursor) == [other, one]
    assert runs.clear_next_retry(cursor, other.id)
    assert runs.waiting_retries(cursor) == [one]


@pytest.mark.parametrize("run", [pending_run(1), running_run(1)])
def test_only_an_ended_run_is_deleted(cursor: Cursor, run: Run) -> None:
    runs.insert(cursor, run)
    assert not runs.delete(cursor, run.id)
    assert runs.end(cursor, ended(run))
    assert runs.delete(cursor, run.id)
    assert runs.get(cursor, run.id) is None


def test_totals_tell_failures_from_missed_runs(cursor: Cursor) -> None:
    runs.insert(cursor, ended(running_run(1), EndReason.FAILED, True))
    runs.insert(cursor, ended(pending_run(2), EndReason.MISSED, True))
    runs.insert(cursor, ended(running_run(3), EndReason.STOPPED))
    runs.insert(cursor, ended(running_run(4)))
    runs.insert(cursor, running_run(5))
    runs.insert(cursor, running_run(6, "web"))
    assert runs.totals(cursor, ["backup"]) == Totals(5, 1, 1, 1, moment(11))
    assert runs.totals(cursor) == Totals(6, 1, 1, 1, moment(11))
    assert runs.totals(cursor, ["unheard of"]) == Totals(0, 0, 0, 0, None)


def test_a_deletion_lowers_the_totals_and_leaves_the_time_of_the_last_failure(cursor: Cursor) -> None:
    run = ended(running_run(1), EndReason.FAILED, True)
    runs.insert(cursor, run)
    runs.delete(cursor, run.id)
    assert runs.totals(cursor, ["backup"]) == Totals(0, 0, 0, 0, run.end_at)


def test_an_end_that_is_rewritten_counts_once(cursor: Cursor) -> None:
    run = ended(running_run(1), EndReason.SUCCESS)
    runs.insert(cursor, run)
    assert runs.end(cursor, evolve(run, end_reason=EndReason.START_FAILED, is_failure=True))
    assert runs.totals(cursor, ["backup"]) == Totals(1, 0, 1, 0, run.end_at)


def counted(table: list[Run], failures_of_the_past: list[Run]) -> Totals:
    failed = [run for run in table if run.is_failure and run.end_reason is not EndReason.MISSED]
    return Totals(
        len(table),
        sum(run.end_reason is EndReason.SUCCESS for run in table),
        len(failed),
        sum(run.end_reason is EndReason.MISSED for run in table),
        max((run.end_at for run in failures_of_the_past if run.end_at is not None), default=None),
    )


@given(st.data())
def test_totals_equal_a_count_after_any_changes(data: st.DataObject) -> None:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        table: dict[RunId, Run] = {}
        failures: list[Run] = []
        for number in range(data.draw(st.integers(1, 15), label="changes")):
            choice = data.draw(st.sampled_from(["insert", "insert", "end", "delete"]))
            if choice == "insert" or not table:
                fresh = data.draw(runs_of_any_kind(number))
                runs.insert(cursor, fresh)
                table[fresh.id] = fresh
                changed = fresh
            else:
                changed = table[data.draw(st.sampled_from(sorted(table)))]
                if choice == "delete":
                    if runs.delete(cursor, changed.id):
                        del table[changed.id]
                    continue
                reason = data.draw(st.sampled_from(EndReason))
                changed = ended(changed, reason, data.draw(st.booleans()), data.draw(st.integers(0, 99)))
                assert runs.end(cursor, changed)
                table[changed.id] = changed
            if changed.is_failure and changed.end_reason is not EndReason.MISSED:
                failures.append(changed)
        for name in NAMES:
            mine = [run for run in table.values() if run.task_name == name]
            past = [run for run in failures if run.task_name == name]
            assert runs.totals(cursor, [name]) == counted(mine, past)
        assert runs.totals(cursor) == counted(list(table.values()), failures)
