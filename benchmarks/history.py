"""Databases as an earlier daemon would have left them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from sqlite3 import Cursor

from runwisp.model import EndReason, Run, RunId, Status, TriggeredBy, UnixMs
from runwisp.store import connection, marks
from runwisp.store.datadir import DataDir
from runwisp.store.rows import COLUMNS, PLACES, to_row

_INSERT = f"INSERT INTO runs ({COLUMNS}) VALUES ({PLACES})"
#: All pages of the indexes: with less they are read and written again and again.
_CACHE_KIB = 512 * 1024


def write(data: DataDir, work: Callable[[Cursor], None]) -> None:
    """Let ``work`` write to a new database in ``data``, all in one transaction."""
    data.prepare()
    connection.migrate(data.database)
    writer = connection.open_writer(data.database)
    writer.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.transact(writer, "BEGIN IMMEDIATE", work)
    writer.close()


def insert(cursor: Cursor, runs: Iterable[Run]) -> None:
    cursor.executemany(_INSERT, map(to_row, runs))


def register(cursor: Cursor, task: str, last_tick: UnixMs) -> None:
    """The daemon knew ``task`` and decided its slots up to ``last_tick``."""
    marks.register(cursor, task, last_tick)
    marks.set_last_tick(cursor, task, last_tick)


def success(run_id: RunId, task: str, at: UnixMs) -> Run:
    """A run that started at once and took no time."""
    return Run(
        id=run_id,
        task_name=task,
        status=Status.ENDED,
        created_at=at,
        triggered_by=TriggeredBy.CRON,
        end_reason=EndReason.SUCCESS,
        exit_code=0,
        start_at=at,
        end_at=at,
    )


def data_dir(home: Path) -> DataDir:
    """The data directory of a daemon that runs in ``home``."""
    return DataDir(home / "data")
