"""The table ``runs``: plain functions over a cursor, to be called inside a transaction.

The sums in ``run_totals`` change with the runs in the same transaction; triggers of the schema see to that. A
function that changes one row returns False if the row is not there, which the caller has to log
(spec: runtime, durability).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from sqlite3 import Cursor

from attrs import frozen

from runwisp.model import Run, RunId, UnixMs
from runwisp.store import marks
from runwisp.store.filters import Position as Position
from runwisp.store.filters import RunFilter as RunFilter
from runwisp.store.filters import count_query, page_query, sums_query
from runwisp.store.rows import COLUMNS, PLACES, Value, to_moment, to_row, to_run, to_text

_INSERT = f"INSERT INTO runs ({COLUMNS}) VALUES ({PLACES})"
_START = """
UPDATE runs SET status = 'running', start_at = ?, replica_index = ? WHERE id = ? AND status = 'pending'
"""
_END = """
UPDATE runs SET status = 'ended', end_reason = ?, exit_code = ?, start_at = ?, end_at = ?, is_failure = ?,
    message = ?, next_retry_at = ?, peak_memory_bytes = ?, cpu_time = ?
WHERE id = ?
"""
_SET_PROCESS = "UPDATE runs SET process_group = ?, process_started = ? WHERE id = ?"
_IN_FLIGHT = f"""
SELECT {COLUMNS} FROM runs INDEXED BY runs_in_flight
WHERE status <> 'ended' AND status = ? ORDER BY created_at, id
"""
_WAITING_RETRIES = f"""
SELECT {COLUMNS} FROM runs INDEXED BY runs_by_next_retry
WHERE next_retry_at IS NOT NULL ORDER BY next_retry_at, id
"""
_KEPT_SUMS = "total(total), total(success), total(failed), total(missed), max(last_failure_at)"


@frozen
class Totals:
    """Sums over the runs there are; ``missed`` runs are neither failures nor the last one."""

    total: int
    success: int
    failed: int
    missed: int
    last_failure_at: UnixMs | None


def insert(cursor: Cursor, run: Run, tick: UnixMs | None = None) -> None:
    """Add the row of ``run``, in whatever phase it is.

    :param tick: the schedule slot whose fate the row is; it becomes the ``last_tick_at`` of the task
    """
    cursor.execute(_INSERT, to_row(run))
    if tick is not None:
        marks.set_last_tick(cursor, run.task_name, tick)


def start(cursor: Cursor, run: Run) -> bool:
    """A pending run starts at ``run.start_at``, in the slot that it has got."""
    cursor.execute(_START, (to_text(run.start_at), run.replica_index, run.id))
    return cursor.rowcount == 1


def set_process(cursor: Cursor, run_id: RunId, process_group: int, process_started: int | None) -> bool:
    """Remember by what the process can be found again after a crash of the daemon."""
    cursor.execute(_SET_PROCESS, (process_group, process_started, run_id))
    return cursor.rowcount == 1


def end(cursor: Cursor, run: Run) -> bool:
    """Write how ``run``, which is ended now, came out."""
    cursor.execute(
        _END,
        (
            run.end_reason,
            run.exit_code,
            to_text(run.start_at),
            to_text(run.end_at),
            run.is_failure,
            run.message,
            to_text(run.next_retry_at),
            run.peak_memory_bytes,
            run.cpu_time,
            run.id,
        ),
    )
    return cursor.rowcount == 1


def clear_next_retry(cursor: Cursor, run_id: RunId) -> bool:
    """The retry of the run exists now, or will never."""
    cursor.execute("UPDATE runs SET next_retry_at = NULL WHERE id = ?", (run_id,))
    return cursor.rowcount == 1


def delete(cursor: Cursor, run_id: RunId) -> bool:
    """Delete the row of an ended run; one that is pending or running stays."""
    cursor.execute("DELETE FROM runs WHERE id = ? AND status = 'ended'", (run_id,))
    return cursor.rowcount == 1


def get(cursor: Cursor, run_id: RunId) -> Run | None:
    row = cursor.execute(f"SELECT {COLUMNS} FROM runs WHERE id = ?", (run_id,)).fetchone()
    return to_run(row) if row is not None else None


def get_some(cursor: Cursor, run_ids: Collection[RunId]) -> dict[RunId, Run]:
    """Those of the runs that are there; as many ids as fit into one statement, tens of thousands."""
    places = ", ".join("?" for _ in run_ids)
    rows = cursor.execute(f"SELECT {COLUMNS} FROM runs WHERE id IN ({places})", tuple(run_ids))
    return {run.id: run for run in map(to_run, rows)}


def page(
    cursor: Cursor,
    wanted: RunFilter,
    limit: int,
    before: Position | None = None,
    *,
    oldest_first: bool = False,
) -> list[Run]:
    """At most ``limit`` runs by (``created_at``, ``id``), newest first unless ``oldest_first``.

    :param before: where the page before this one ended; that run is not repeated
    """
    if wanted.is_empty:
        return []
    query, values = page_query(wanted, limit, before, oldest_first=oldest_first)
    return [to_run(row) for row in cursor.execute(query, values)]


def task_names(cursor: Cursor) -> list[str]:
    """The tasks and services that have runs, configured or not, sorted."""
    rows = cursor.execute("SELECT task_name FROM run_totals WHERE total > 0 ORDER BY task_name")
    return [name for (name,) in rows]


def pending(cursor: Cursor) -> list[Run]:
    """Runs that wait for a slot, oldest first."""
    return [to_run(row) for row in cursor.execute(_IN_FLIGHT, ("pending",))]


def running(cursor: Cursor) -> list[Run]:
    """Runs in flight, oldest first; at boot those of a daemon that died."""
    return [to_run(row) for row in cursor.execute(_IN_FLIGHT, ("running",))]


def waiting_retries(cursor: Cursor) -> list[Run]:
    """Ended runs whose retry is still to come, by the time it is due."""
    return [to_run(row) for row in cursor.execute(_WAITING_RETRIES)]


def totals(cursor: Cursor, task_names: Collection[str] | None = None) -> Totals:
    """The kept sums of these tasks and services, or of all there ever were."""
    if task_names is None:
        return _totals(cursor, f"SELECT {_KEPT_SUMS} FROM run_totals", ())
    places = ", ".join("?" for _ in task_names)
    query = f"SELECT {_KEPT_SUMS} FROM run_totals WHERE task_name IN ({places})"
    return _totals(cursor, query, tuple(task_names))


def summary(cursor: Cursor, wanted: RunFilter) -> Totals:
    """The same sums over the runs that match; without more than names from what is kept, else counted."""
    if wanted.is_by_task_alone:
        return totals(cursor, wanted.task_names)
    if wanted.is_empty:
        return Totals(0, 0, 0, 0, None)
    return _totals(cursor, *sums_query(wanted))


def count(cursor: Cursor, wanted: RunFilter, most: int) -> int | None:
    """How many runs match; None if it takes counting and there are more than ``most``."""
    if wanted.is_by_task_alone:
        return totals(cursor, wanted.task_names).total
    if wanted.is_empty:
        return 0
    found: int = cursor.execute(*count_query(wanted, most + 1)).fetchone()[0]
    return found if found <= most else None


def _totals(cursor: Cursor, query: str, values: Sequence[Value]) -> Totals:
    row = cursor.execute(query, values).fetchone()
    total, success, failed, missed = (int(number) for number in row[:4])
    return Totals(total, success, failed, missed, to_moment(row[4]))
