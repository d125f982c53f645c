"""Lists and sums of runs over the API, when there are many."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.allowance import allow
from benchmarks.asking import Connection, middle, slowest_hundredth
from benchmarks.contest import Bench, Contender, Contest, Measure
from benchmarks.figures import Reading
from benchmarks.veteran import veteran
from runwisp.store import connection as connections
from runwisp.store.filters import RunFilter, page_query

DAEMON = "daemon"
SQL = "sqlite3 and json"
SLOWEST = "ms of the slowest hundredth"
FIRST_PAGE = "ms of the middle first page"
PAGE = 50
DEPTH = 10_000
_TASK = "task-7"
_ALLOWED_MS = 10.0
_REQUESTS = 2_000
_QUICK_REQUESTS = 300
_TOTAL = "SELECT total(total) FROM run_totals"


def _deep(connection: Connection) -> str:
    """The path of the page behind the first ``DEPTH`` runs."""
    cursor = connection.json(f"/api/runs?limit={PAGE}")["next_cursor"]
    for _ in range(DEPTH // PAGE - 1):
        cursor = connection.json(f"/api/runs?limit={PAGE}&cursor={cursor}")["next_cursor"]
    return f"/api/runs?limit={PAGE}&cursor={cursor}"


@contextmanager
def _daemon(bench: Bench) -> Iterator[Measure]:
    count = _QUICK_REQUESTS if bench.is_quick else _REQUESTS
    with veteran(bench) as old, old.running(), closing(Connection(old.data.socket)) as connection:
        first = f"/api/runs?limit={PAGE}"
        others = (_deep(connection), f"{first}&task_name={_TASK}", "/api/runs/summary")

        def measure() -> Reading:
            times = [connection.times_ms(path, count) for path in (first, *others)]
            return {FIRST_PAGE: middle(times[0]), SLOWEST: max(map(slowest_hundredth, times))}

        yield measure


@contextmanager
def _sql(bench: Bench) -> Iterator[Measure]:
    """The statements of a first page and its JSON, without a server, a client or a daemon."""
    count = _QUICK_REQUESTS if bench.is_quick else _REQUESTS
    with veteran(bench) as old, closing(connections.open_reader(old.data.database)) as reader:
        query, values = page_query(RunFilter(), PAGE + 1, None, oldest_first=False)
        reader.row_factory = sqlite3.Row

        def measure() -> Reading:
            times = []
            for _ in range(count):
                began_s = time.perf_counter()
                reader.execute("BEGIN")
                rows = [dict(row) for row in reader.execute(query, values)]
                json.dumps({"items": rows, "total": reader.execute(_TOTAL).fetchone()[0]}).encode()
                reader.execute("COMMIT")
                times.append((time.perf_counter() - began_s) * 1000)
            return {FIRST_PAGE: middle(times)}

        yield measure


CONTEST = Contest("listing", (Contender(DAEMON, _daemon), Contender(SQL, _sql), allow(SLOWEST, _ALLOWED_MS)))
