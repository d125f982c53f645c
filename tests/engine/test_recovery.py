from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from runwisp.engine.leftovers import assign, find_leftovers
from runwisp.engine.procfs import ProcessInfo
from runwisp.engine.recovery import Recovery
from runwisp.model import EndReason, Run, RunId, Status, UnixMs
from runwisp.store import runs
from tests.engine.stage import NOON_S, Stage
from tests.make import config, run

CONFIG = """
[tasks.known]
run = "true"
graceful_stop = "3s"
[tasks.calm]
run = "true"
failures = ["-crashed"]
[tasks.retried]
run = "true"
retry_attempts = 1
retry_delay = "7s"
"""


class Rig:
    """A machine whose only process is ``alive``, until it gets one of the signals ``dies_of``."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.finished: list[tuple[str, str]] = []
        self.signals: list[int] = []
        self.alive: ProcessInfo | None = None
        self.dies_of = {SIGTERM, SIGKILL}
        self.recovery = Recovery(
            self.stage.resources, config(CONFIG), self._finish, self._find, self._look, self._kill
        )

    def _finish(self, orphan: Run, note: str) -> None:
        self.finished.append((orphan.id, note))

    def _find(self, orphans: Sequence[Run]) -> Mapping[RunId, Sequence[ProcessInfo]]:
        return {} if self.alive is None else {orphan.id: [self.alive] for orphan in orphans}

    def _look(self, pid: int) -> ProcessInfo | None:
        return self.alive

    def _kill(self, target: ProcessInfo, signum: int) -> bool:
        self.signals.append(signum)
        if signum in self.dies_of:
            self.alive = None
        return True

    def orphan(self, name: str = "known", **changes: Any) -> Run:  # Any: see tests.make.run
        start = UnixMs(int(NOON_S * 1000) - 5000)
        created = UnixMs(start - 60_000)
        orphan = run(name, status=Status.RUNNING, created_at=created, start_at=start, **changes)
        self.stage.database.now(lambda cursor: runs.insert(cursor, orphan))
        return orphan

    def reconcile(self, *orphans: Run) -> Deferred[list[Run]]:
        done = Deferred.fromCoroutine(self.recovery.reconcile(list(orphans)))
        self.stage.settle()
        return done


def process(pid: int = 77, started: int = 9, group: int = 77, session: int = 77) -> ProcessInfo:
    return ProcessInfo(pid, "sh", is_zombie=False, parent=1, group=group, session=session, started=started)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_run_found_running_is_crashed_and_its_log_finished(rig: Rig) -> None:
    orphan = rig.orphan()
    assert rig.reconcile(orphan).called
    row = rig.stage.row(orphan)
    assert (row.status, row.end_reason, row.exit_code, row.is_failure) == ("ended", "crashed", -2, True)
    assert row.duration == 5.0
    assert rig.finished == [(orphan.id, "the daemon died while this run was in flight")]
    assert rig.signals == []


def test_whether_a_crash_is_a_failure_is_for_the_unit_to_say(rig: Rig) -> None:
    calm, gone = rig.orphan("calm"), rig.orphan("no-longer-configured")
    rig.reconcile(calm, gone)
    assert not rig.stage.row(calm).is_failure
    assert rig.stage.row(gone).is_failure


def test_the_time_of_a_retry_is_written_with_the_end(rig: Rig) -> None:
    orphan = rig.orphan("retried")
    rig.reconcile(orphan)
    row = rig.stage.row(orphan)
    assert row.end_at is not None
    assert row.next_retry_at == row.end_at + 7000


def test_a_leftover_is_stopped_before_its_run_is_ended(rig: Rig) -> None:
    orphan = rig.orphan()
    rig.alive = process()
    assert rig.reconcile(orphan).called
    assert rig.signals == [SIGTERM]
    assert "sh (77)" in rig.finished[0][1]


def test_a_leftover_that_ignores_the_signal_is_killed_after_its_grace(rig: Rig) -> None:
    orphan = rig.orphan()
    rig.alive, rig.dies_of = process(), {SIGKILL}
    done = rig.reconcile(orphan)
    rig.stage.clock.pump([0.25] * 11)
    assert not done.called
    assert rig.signals == [SIGTERM]
    rig.stage.clock.pump([0.25] * 2)
    assert done.called
    assert rig.signals == [SIGTERM, SIGKILL]


def test_a_leftover_that_cannot_be_killed_does_not_hold_the_boot_for_ever(rig: Rig) -> None:
    orphan = rig.orphan()
    rig.alive, rig.dies_of = process(), set()
    done = rig.reconcile(orphan)
    rig.stage.clock.pump([0.25] * 40)
    assert done.called
    assert rig.stage.row(orphan).end_reason is EndReason.CRASHED


@pytest.mark.parametrize(
    ("found", "is_its_own"),
    [
        (process(), True),
        (process(pid=90, started=12), True),
        (process(pid=90, started=12, group=90), True),
        (process(started=8), False),
        (process(pid=90, started=12, group=90, session=90), False),
    ],
)
def test_a_process_is_told_by_its_group_or_session_and_its_age(found: ProcessInfo, is_its_own: bool) -> None:
    orphan = run("known", process_group=77, process_started=9)
    assert (orphan.id in assign([orphan], [found], lambda process: None)) is is_its_own


def test_a_process_that_left_the_group_is_told_by_the_run_in_its_environment() -> None:
    known, unknown = run("known", process_group=77, process_started=9), run("known")
    stray, leader = process(pid=90, group=90, session=90), process(pid=91, group=91, session=91)
    ids = {90: known.id, 91: unknown.id}
    found = assign([known, unknown], [stray, leader], lambda process: ids[process.pid])
    assert found == {known.id: [stray], unknown.id: [leader]}


def test_nothing_is_found_of_this_process_and_its_ancestors() -> None:
    own = run("known", process_group=os.getpgid(0), process_started=0)
    assert os.getpid() not in {process.pid for process in find_leftovers([own]).get(own.id, ())}


def test_a_shutdown_while_leftovers_are_stopped_ends_the_recovery_quietly(rig: Rig) -> None:
    rig.alive, rig.dies_of = process(), set()
    first, second = rig.orphan(), rig.orphan("calm")
    done = rig.reconcile(first, second)
    done.cancel()
    ended: list[Failure] = []
    done.addErrback(ended.append)
    assert len(ended) == 1
    assert rig.stage.clock.getDelayedCalls() == []
    assert [rig.stage.row(each).status for each in (first, second)] == ["running", "running"]


def test_a_crashed_run_does_not_end_before_its_start_though_the_clock_is_set_back(rig: Rig) -> None:
    orphan = rig.orphan()
    rig.stage.wall_offset_s -= 3600
    rig.reconcile(orphan)
    assert rig.stage.row(orphan).duration == 0.0
