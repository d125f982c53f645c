"""The newest run of each of many units, in one statement that does not depend on how many runs there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Cursor

from runwisp.model import Run
from runwisp.store.rows import COLUMNS, to_run

#: One step into the index and one into the table for each name.
_LATEST = f"""
SELECT {COLUMNS} FROM runs WHERE rowid IN (
    SELECT (
        SELECT rowid FROM runs INDEXED BY runs_by_task WHERE task_name = wanted.value
        ORDER BY created_at DESC, id DESC LIMIT 1
    ) FROM json_each(?) AS wanted
)
"""


def latest(cursor: Cursor, task_names: Iterable[str]) -> dict[str, Run]:
    """The newest run by (``created_at``, ``id``) of each of these tasks and services that has any."""
    rows = cursor.execute(_LATEST, (json.dumps(list(task_names)),))
    return {run.task_name: run for run in map(to_run, rows)}
