"""Kills the daemon at random moments and starts it again, and looks whether all that was promised holds.

``python -m tests.system.kill_rounds --rounds 1000`` does by hand what the suite does with few rounds. The
moments of the kills follow from the seed, what they hit does not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random

from attrs import frozen

from runwisp.logs.index import NEWLINE_ADDED
from runwisp.logs.opening import open_log
from runwisp.logs.paths import log_paths
from runwisp.logs.reader import Entry
from runwisp.model import EndReason, Run, RunId, Status, Stream, TriggeredBy, UnixMs
from runwisp.store.connection import migrate
from runwisp.units import parse_time
from tests.system.launcher import QuickDaemon
from tests.system.program import is_alive, wait_until

#: Rounds in one directory: every check looks at all that has happened there.
CHAPTER = 50
#: Set in the environment of every process of the runs, to their directory.
MARK = "KILL_ROUNDS"
#: Seconds between the slots of each task.
EVERY_S = {"all": 1, "latest": 2, "flaky": 3, "strays": 2, "replaced": 1}
PARALLELISM = {"all": 2}

_CRON = {1: "* * * * * *", 2: "*/2 * * * * *", 3: "*/3 * * * * *"}
#: Says who runs, and tells when two processes have the same place.
_BEGIN = """
echo "$RUNWISP_RUN_ID" >> executed
exec 9>"place.$RUNWISP_TASK.$RUNWISP_REPLICA_INDEX"
flock -n 9 || echo "$RUNWISP_RUN_ID" >> overlapping
"""
_PRINT = "printf 'half '; echo oops >&2; sleep 0.2; echo 'of a line'; printf 'no newline'"
_PRINTED = b"half of a line\nno newline"
_NUMBERS = b"".join(b"%d\n" % number for number in range(1, 3001))
#: What each unit prints to stdout until it ends by itself.
PRINTED = {"all": _PRINTED, "latest": _PRINTED, "flaky": b"bad\n", "pair": _NUMBERS}
#: How runs may end; every unit may crash, and what has slots may miss them.
ENDS = {
    "all": {EndReason.SUCCESS, EndReason.FAILED},
    "latest": {EndReason.SUCCESS, EndReason.SKIPPED},
    "flaky": {EndReason.FAILED},
    "strays": {EndReason.TIMEOUT, EndReason.SKIPPED},
    "replaced": {EndReason.STOPPED, EndReason.TIMEOUT, EndReason.FAILED},
    "pair": {EndReason.SUCCESS, EndReason.STOPPED},
}
RETRY_ATTEMPTS = {"all": 1, "flaky": 2}


def config(home: Path, *, has_slots: bool) -> str:
    """The units; without slots the tasks run only what is left to run."""

    def cron(name: str) -> str:
        return f'cron = "{_CRON[EVERY_S[name]]}"' if has_slots else ""

    return f"""
[defaults]
graceful_stop = "300ms"
env = {{ {MARK} = "{home}" }}

# Three sources feed one queue: slots, starts of the daemon and retries.
[tasks.all]
{cron("all")}
run_on_start = {"true" if has_slots else "false"}
catch_up = "all"
parallelism = 2
retry_attempts = 1
retry_delay = "0s"
run = '''
echo "$RUNWISP_RUN_ID" >> executed
{_PRINT}
test "$RUNWISP_RETRY_ATTEMPT" = 1 || exit 3'''

[tasks.latest]
{cron("latest")}
on_overlap = "skip"
run = '''{_BEGIN}
{_PRINT}'''

[tasks.flaky]
{cron("flaky")}
catch_up = "skip"
retry_attempts = 2
retry_delay = "100ms"
run = '''{_BEGIN}
echo bad
sleep 0.05
exit 3'''

# A grandchild in a session of its own, whose parent is gone.
[tasks.strays]
{cron("strays")}
on_overlap = "skip"
timeout = "500ms"
run = '''{_BEGIN}
setsid sh -c 'sleep 600 & exit 0'
sleep 600'''

[tasks.replaced]
{cron("replaced")}
on_overlap = "terminate"
timeout = "10s"
run = '''{_BEGIN}
trap 'exit 0' TERM
sleep 600 & wait'''

[services.pair]
instances = 2
restart_delay = "100ms"
restart_backoff = "constant"
run = '''{_BEGIN}
seq 1 1500; sleep 0.2; seq 1501 3000'''
"""


#: What the daemon committed, in order: rows of runs as they appear, marks as they move.
_AUDIT = """
CREATE TABLE audit (number INTEGER PRIMARY KEY, task_name TEXT, run_id TEXT, before TEXT, after TEXT);
CREATE TRIGGER audit_run AFTER INSERT ON runs BEGIN
    INSERT INTO audit (task_name, run_id) VALUES (NEW.task_name, NEW.id);
END;
CREATE TRIGGER audit_mark AFTER UPDATE OF last_tick_at ON task_registrations BEGIN
    INSERT INTO audit (task_name, before, after) VALUES (NEW.task_name, OLD.last_tick_at, NEW.last_tick_at);
END;
"""


@frozen
class Process:
    """A living process of a run."""

    pid: int
    run_id: RunId


@frozen
class Mark:
    """A move of the mark of a task, and the runs by cron that have appeared since the last one."""

    before: UnixMs | None
    after: UnixMs
    runs: tuple[Run, ...]

    @property
    def gap(self) -> Run | None:
        """The row of a gap, if the mark has moved over one."""
        gaps = [run for run in self.runs if run.end_reason is EndReason.MISSED]
        assert len(gaps) <= 1, gaps
        return gaps[0] if gaps else None


@frozen
class Left:
    """What a killed daemon has left, oldest first."""

    running: tuple[RunId, ...]
    queued: tuple[RunId, ...]


class Rounds:
    """Daemons that are killed, one after the other in the same directory ``home``."""

    def __init__(self, home: Path, seed: int) -> None:
        self.random = Random(seed)
        self.queues: list[tuple[RunId, ...]] = []
        self.home = home
        self.daemon = QuickDaemon(home, config(home, has_slots=True))
        self.daemon.data.mkdir(mode=0o700)
        migrate(self._database)
        with closing(sqlite3.connect(self._database)) as connection:
            connection.executescript(_AUDIT)

    def play(self, rounds: int) -> None:
        try:
            for _ in range(rounds):
                self._round()
            self._finish()
        finally:
            if self.daemon.is_running:
                self.daemon.kill()
            self.daemon.close()
            for process in self._processes():
                os.kill(process.pid, signal.SIGKILL)

    @property
    def _database(self) -> Path:
        return self.home / "data" / "runwisp.db"

    def _round(self) -> None:
        left = self._left()
        if self.random.random() < 0.3:
            self.daemon.start(is_ready=False)
            _live(self.random.uniform(0, 0.25))
        else:
            self.daemon.start()
            self._check_recovery(left)
            _live(self.random.uniform(0, 0.8))
        self.daemon.kill()
        self._check_records()

    def _finish(self) -> None:
        """Let everything that is still owed happen, and stop as one should."""
        self.daemon.config.write_text(config(self.home, has_slots=False))
        left = self._left()
        self.daemon.start()
        self._check_recovery(left)
        wait_until(lambda: not self._owed(), "everything that waits has run")
        assert self.daemon.stop() == 0
        assert self._processes() == []
        assert all(run.status is Status.ENDED for run in self.daemon.rows())
        self._check_records()
        self._check_retries()
        self._check_queues()
        for run in self.daemon.rows():
            self._check_log(run)

    def _left(self) -> Left:
        rows = self.daemon.rows()
        queued = tuple(run.id for run in rows if run.status is Status.PENDING)
        self.queues.append(queued)
        return Left(tuple(run.id for run in rows if run.status is Status.RUNNING), queued)

    def _owed(self) -> list[Run]:
        return [
            run
            for run in self.daemon.rows()
            if run.task_name != "pair" and (run.status is not Status.ENDED or run.next_retry_at is not None)
        ]

    # A daemon has just become ready

    def _check_recovery(self, left: Left) -> None:
        processes = self._processes()
        rows = {run.id: run for run in self.daemon.rows()}
        for run_id in left.running:
            run = rows[run_id]
            assert (run.end_reason, run.exit_code) == (EndReason.CRASHED, -2), run
        for process in processes:
            assert process.run_id in rows, f"has no row: {process}"
            assert process.run_id not in left.running, f"outlived its run: {process} {rows[process.run_id]}"
        assert rows.keys() >= set(left.queued)
        wait_until(
            lambda: all(self._is_running(process) for process in processes if is_alive(process.pid)),
            "no process without a running row",
        )

    def _is_running(self, process: Process) -> bool:
        (run,) = (run for run in self.daemon.rows() if run.id == process.run_id)
        return run.status is Status.RUNNING

    def _processes(self) -> list[Process]:
        return list(_marked_processes(self.home))

    # The daemon is dead

    def _check_records(self) -> None:
        with closing(sqlite3.connect(self._database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = {run.id: run for run in self.daemon.rows()}
        self._check_places(rows.values())
        self._check_ends(rows.values())
        self._check_executions(rows)
        self._check_slots(rows)
        said = self.daemon.everything_said()
        assert "[ERROR]" not in said, said
        assert "Traceback" not in said, said

    def _check_places(self, rows: Iterable[Run]) -> None:
        """No more runs are in flight than there are places."""
        places = [(run.task_name, run.replica_index) for run in rows if run.status is Status.RUNNING]
        for name, index in places:
            assert places.count((name, index)) <= PARALLELISM.get(name, 1)
        assert not (self.home / "overlapping").exists()

    def _check_ends(self, rows: Iterable[Run]) -> None:
        for run in rows:
            if run.status is Status.ENDED:
                allowed = ENDS[run.task_name] | {EndReason.CRASHED, EndReason.MISSED}
                assert run.end_reason in allowed, run

    def _check_executions(self, rows: dict[RunId, Run]) -> None:
        """Nothing is executed twice, or without a row, or recorded as executed though it was not."""
        log = self.home / "executed"
        executed = [RunId(line) for line in log.read_text().splitlines()] if log.exists() else []
        assert len(set(executed)) == len(executed)
        assert set(executed) <= rows.keys()
        never = {EndReason.MISSED, EndReason.SKIPPED}
        for run in rows.values():
            if run.end_reason is EndReason.SUCCESS or run.exit_code == 3:
                assert run.id in executed, run
            elif run.status is Status.PENDING or run.end_reason in never:
                assert run.id not in executed, run

    def _check_slots(self, rows: dict[RunId, Run]) -> None:
        """Every slot up to the mark of a task has exactly one fate."""
        marks = {name: list(self._marks(rows, name)) for name in EVERY_S}
        firings = [
            mark.runs[0].created_at
            for some in marks.values()
            for mark in some
            if mark.gap is None and mark.runs
        ]
        for name, every_s in EVERY_S.items():
            for mark, following in pairwise(marks[name]):
                assert following.before == mark.after < following.after, f"{name}: {mark} {following}"
                first = UnixMs(mark.after + every_s * 1000)
                count = (following.after - first) // (every_s * 1000) + 1
                if following.gap is None:
                    assert len(following.runs) == 1, f"{name}: {following}"
                    # Overdue slots fire once, as the last of them: but only if nothing could fire meanwhile.
                    overtaking = [at for at in firings if first <= at < following.after]
                    assert count == 1 or not overtaking, f"{name}: {count - 1} slots lost: {following}"
                else:
                    assert following.gap.created_at == following.gap.end_at == following.after
                    assert following.gap.message is not None
                    assert following.gap.message.startswith(f"{count} slot"), (count, following)

    def _marks(self, rows: dict[RunId, Run], name: str) -> Iterator[Mark]:
        with closing(sqlite3.connect(self._database)) as connection:
            entries = connection.execute(
                "SELECT run_id, before, after FROM audit WHERE task_name = ? ORDER BY number", (name,)
            ).fetchall()
        fired: list[Run] = []
        for run_id, before, after in entries:
            if run_id is None:
                yield Mark(parse_time(before) if before else None, parse_time(after), tuple(fired))
                fired = []
            elif rows[run_id].triggered_by is TriggeredBy.CRON and rows[run_id].retry_of_run_id is None:
                fired.append(rows[run_id])
        assert fired == [], f"{name}: fired without moving its mark"

    def _check_retries(self) -> None:
        """What failed was tried again, once; what crashed at most once, since catch-up may do for it."""
        rows = [run for run in self.daemon.rows() if run.task_name in RETRY_ATTEMPTS]
        retries = [run for run in rows if run.retry_of_run_id is not None]
        by_predecessor = {run.retry_of_run_id: run for run in retries}
        assert len(by_predecessor) == len(retries)
        for run in rows:
            most = RETRY_ATTEMPTS[run.task_name]
            assert run.next_retry_at is None
            retry = by_predecessor.get(run.id)
            if retry is not None:
                assert retry.retry_attempt == run.retry_attempt + 1 <= most
                assert run.end_reason in (EndReason.FAILED, EndReason.CRASHED)
            elif run.retry_attempt < most:
                assert run.end_reason is not EndReason.FAILED, f"not tried again: {run}"

    def _check_queues(self) -> None:
        """What waited when a daemon died has started, in the order in which it waited."""
        rows = {run.id: run for run in self.daemon.rows()}
        for run_ids in self.queues:
            started = [rows[run_id].start_at for run_id in run_ids if rows[run_id].task_name == "all"]
            assert None not in started
            assert started == sorted(started, key=lambda at: at or 0)

    # Logs

    def _check_log(self, run: Run) -> None:
        paths = log_paths(self.daemon.data / "logs", run.task_name, run.id, run.created_at)
        with open_log(paths, is_ended=True) as snapshot:
            entries = list(snapshot.entries(1, snapshot.total_lines))
            raw = b"".join(snapshot.raw())
        assert [entry.n for entry in entries] == list(range(1, len(entries) + 1))
        assert raw.count(b"\n") in (len(entries), len(entries) - 1)
        assert not os.path.exists(paths.part)
        printed = PRINTED.get(run.task_name, b"")
        stored = _stored(entries, Stream.STDOUT)
        if run.end_reason is EndReason.SUCCESS or run.exit_code == 3:
            assert stored == printed, run
        else:
            assert printed.startswith(stored), (run, stored)
        notes = [entry for entry in entries if entry.stream is Stream.SYSTEM]
        if run.end_reason is EndReason.CRASHED:
            deaths = [entry for entry in notes if b"the daemon died" in entry.data]
            assert deaths == entries[-1:], run
        else:
            assert not [entry for entry in notes if b"died" in entry.data], run


def _live(seconds: float) -> None:
    """Let the daemon be; when it dies is the subject, so there is nothing else to wait for."""
    threading.Event().wait(seconds)


def _stored(entries: Iterable[Entry], stream: Stream) -> bytes:
    """What a process wrote to the stream."""
    return b"".join(
        entry.data.removesuffix(b"\n") if entry.flags & NEWLINE_ADDED else entry.data
        for entry in entries
        if entry.stream is stream
    )


def _marked_processes(home: Path) -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        try:
            content = (folder / "environ").read_bytes() if folder.name.isdecimal() else b""
        except OSError:
            continue
        environ = dict(entry.partition(b"=")[::2] for entry in content.split(b"\0"))
        if environ.get(MARK.encode()) == os.fsencode(home) and is_alive(int(folder.name)):
            yield Process(int(folder.name), RunId(environ[b"RUNWISP_RUN_ID"].decode()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    for done in range(0, options.rounds, CHAPTER):
        # What a failure has left stays where it is.
        home = Path(tempfile.mkdtemp(prefix="kill_rounds-"))
        seed = options.seed + done
        print(f"round {done}: seed {seed}, in {home}", flush=True)
        Rounds(home, seed).play(min(CHAPTER, options.rounds - done))
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
