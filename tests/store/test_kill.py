"""What is committed survives a kill of the process that wrote it (spec: runtime, durability)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runwisp.store import runs
from runwisp.store.connection import open_writer
from runwisp.store.filters import RunFilter

ROOT = Path(__file__).parent.parent.parent

ROUNDS = 3
#: So many rows each round has to have told us of before the kill.
ROWS = 300

WRITER = """
import sys
from pathlib import Path
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from runwisp.model import EndReason
from runwisp.store import runs
from runwisp.store.database import Database
from tests.store.samples import ended, running_run

database = Database(Path(sys.argv[1]), reactor)
database.open()

async def write(number):
    while True:
        run = running_run(number)
        await database.write(lambda cursor: runs.insert(cursor, run))
        await database.write(lambda cursor: runs.end(cursor, ended(run, EndReason.FAILED, True)))
        print(run.id, flush=True)
        number += 8

for number in range(8):
    reactor.callWhenRunning(lambda number=number: Deferred.fromCoroutine(write(int(sys.argv[2]) + number)))
reactor.run()
"""


def write_until_killed(path: Path, start: int) -> set[str]:
    """Ids of runs that the writer said were there, inserted and ended, before it was killed."""
    command = [sys.executable, "-c", WRITER, str(path), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        told = {writer.stdout.readline().strip() for _ in range(ROWS)}
        writer.kill()
        told |= {line.strip() for line in writer.stdout if line.endswith("\n")}
    return told


def test_what_was_committed_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "runwisp.db"
    told: set[str] = set()
    for number in range(ROUNDS):
        told |= write_until_killed(path, number * 100_000)
        connection = open_writer(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        table = runs.page(connection.cursor(), RunFilter(), 1_000_000)
        ended = {run.id for run in table if run.is_failure}
        assert len(told) >= ROWS * (number + 1)
        assert told <= ended
        totals = runs.totals(connection.cursor())
        assert (totals.total, totals.failed) == (len(table), len(ended))
        connection.close()
