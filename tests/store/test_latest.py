from __future__ import annotations

from functools import partial

from runwisp.model import UnixMs
from runwisp.store import runs
from runwisp.store.latest import _LATEST, latest
from tests.fakes import ImmediateDatabase
from tests.make import run

NOW = UnixMs(1_700_000_000_000)


def test_the_newest_run_of_each_unit_is_found_by_time_and_then_by_id() -> None:
    database = ImmediateDatabase()
    backdated, older, newest = (run("a", created_at=NOW + shift) for shift in (-60_000, 0, 0))
    of_b, of_c = run("b", created_at=NOW), run("c", created_at=NOW)
    for one in (older, newest, backdated, of_b, of_c):
        database.now(partial(runs.insert, run=one))
    assert database.now(lambda cursor: latest(cursor, ["a", "b", "none"])) == {"a": newest, "b": of_b}
    assert database.now(lambda cursor: latest(cursor, [])) == {}


def test_no_run_is_looked_at_but_the_newest() -> None:
    steps = ImmediateDatabase().now(
        lambda cursor: [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {_LATEST}", ('["a"]',))]
    )
    assert [step for step in steps if "runs" in step] == [
        "SEARCH runs USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH runs USING COVERING INDEX runs_by_task (task_name=?)",
    ]
    assert not any("TEMP B-TREE" in step for step in steps)
