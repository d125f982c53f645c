"""Which rows of the table ``runs`` are to be deleted, and their deletion (spec: runtime, retention).

Plain functions over a cursor. Runs that are not ended never go; those whose retry is still to come go only by
order. What goes is a beginning of the list of ended runs, oldest first: so each limit comes down to the
newest run beyond it, and a batch to a walk along an index up to that run.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Cursor

from attrs import frozen

from runwisp.model import RunId, UnixMs
from runwisp.store.filters import Position
from runwisp.store.rows import Value
from runwisp.units import format_time, parse_time

_IN_FLIGHT = """
SELECT count(*) FROM runs INDEXED BY runs_in_flight WHERE status <> 'ended' AND task_name = ?
"""
_SURPLUS = """
SELECT created_at, id FROM runs INDEXED BY runs_by_task WHERE task_name = ? AND status = 'ended'
ORDER BY created_at, id LIMIT 1 OFFSET ?
"""
_AGED = """
SELECT created_at, id FROM runs INDEXED BY runs_by_task WHERE task_name = ? AND created_at < ?
ORDER BY created_at DESC, id DESC LIMIT 1
"""
_GONERS = """
SELECT id, task_name, created_at FROM runs INDEXED BY {index}
WHERE {where} status = 'ended' AND next_retry_at IS NULL ORDER BY created_at, id LIMIT ?
"""
_OLDEST = _GONERS.format(index="runs_by_time", where="")
_UP_TO = _GONERS.format(index="runs_by_task", where="task_name = ? AND (created_at, id) <= (?, ?) AND")
_DELETE_WITH_RETRY = "DELETE FROM runs WHERE id = ? AND status = 'ended'"
_DELETE = f"{_DELETE_WITH_RETRY} AND next_retry_at IS NULL"


@frozen
class Goner:
    """A run that is to be deleted: what leads to its files and its row."""

    id: RunId
    task_name: str
    created_at: UnixMs


def newest_surplus(cursor: Cursor, task_name: str, keep_runs: int) -> Position | None:
    """The newest ended run that is not among the newest ``keep_runs``, None if there are not so many."""
    total = cursor.execute("SELECT total FROM run_totals WHERE task_name = ?", (task_name,)).fetchone()
    (in_flight,) = cursor.execute(_IN_FLIGHT, (task_name,)).fetchone()
    surplus = (total[0] if total is not None else 0) - in_flight - keep_runs
    if surplus <= 0:
        return None
    return _position(cursor, _SURPLUS, (task_name, surplus - 1))


def newest_before(cursor: Cursor, task_name: str, moment: UnixMs) -> Position | None:
    """The newest run that was created before ``moment``, ended or not."""
    return _position(cursor, _AGED, (task_name, format_time(moment)))


def up_to(cursor: Cursor, task_name: str, last: Position, limit: int) -> list[Goner]:
    """The oldest runs of a task or service that may go, at most ``limit``, none newer than ``last``."""
    return _goners(cursor, _UP_TO, (task_name, format_time(last.created_at), last.id, limit))


def oldest(cursor: Cursor, limit: int) -> list[Goner]:
    """The oldest runs of all that may go, at most ``limit``."""
    return _goners(cursor, _OLDEST, (limit,))


def delete(cursor: Cursor, goners: Iterable[Goner], *, with_retries: bool = False) -> list[Goner]:
    """Delete the rows; those that were there, and still may go, are returned.

    :param with_retries: a run may go although its retry was still to come
    """
    query = _DELETE_WITH_RETRY if with_retries else _DELETE
    return [goner for goner in goners if cursor.execute(query, (goner.id,)).rowcount == 1]


def free_pages(cursor: Cursor, most: int) -> int:
    """Give at most ``most`` unused pages of the database back to the file system; how many there were."""
    unused = _unused_pages(cursor)
    for _ in range(min(unused, most)):
        # The module sqlite3 takes one step of a statement without columns, and each step frees one page.
        cursor.execute("PRAGMA incremental_vacuum(1)")
    return unused - _unused_pages(cursor)


def _unused_pages(cursor: Cursor) -> int:
    count: int = cursor.execute("PRAGMA freelist_count").fetchone()[0]
    return count


def _position(cursor: Cursor, query: str, values: tuple[Value, ...]) -> Position | None:
    row = cursor.execute(query, values).fetchone()
    return Position(parse_time(row[0]), row[1]) if row is not None else None


def _goners(cursor: Cursor, query: str, values: tuple[Value, ...]) -> list[Goner]:
    return [Goner(run_id, name, parse_time(at)) for run_id, name, at in cursor.execute(query, values)]
