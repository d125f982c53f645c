from __future__ import annotations

from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from runwisp.engine.procfs import ProcessInfo
from runwisp.engine.recovery import Recovery
from runwisp.model import Run, Status, UnixMs
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
"""


class Rig:
    """A machine whose only process is ``alive``, until it gets one of the signals ``dies_of``."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.finished: list[tuple[str, str]] = []
        self.signals: list[tuple[int, int]] = []
        self.alive: ProcessInfo | None = None
        self.dies_of = {SIGTERM, SIGKILL}
        self.recovery = Recovery(
            self.stage.resources, config(CONFIG), self._finish, self._find, kill_group=self._kill
        )

    def _finish(self, orphan: Run, note: str) -> None:
        self.finished.append((orphan.id, note))

    def _find(self, pid: int) -> ProcessInfo | None:
        return self.alive if self.alive is not None and self.alive.pid == pid else None

    def _kill(self, group: int, signum: int) -> None:
        if self.alive is None or self.alive.pid != group:
            raise ProcessLookupError
        self.signals.append((group, signum))
        if signum in self.dies_of:
            self.alive = None

    def orphan(self, name: str = "known", **changes: Any) -> Run:  # Any: see tests.make.run
        start = UnixMs(int(NOON_S * 1000) - 5000)
        orphan = run(name, status=Status.RUNNING, created_at=start, start_at=start, **changes)
        self.stage.database.now(lambda cursor: runs.insert(cursor, orphan))
        return orphan

    def reconcile(self, *orphans: Run) -> Deferred[None]:
        done = Deferred.fromCoroutine(self.recovery.reconcile(list(orphans)))
        self.stage.settle()
        return done


def process(pid: int = 77, started: int = 9) -> ProcessInfo:
    return ProcessInfo(pid, "sh", is_zombie=False, parent=1, group=pid, session=pid, started=started)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_run_found_running_is_crashed_and_its_log_finished(rig: Rig) -> None:
    orphan = rig.orphan(process_group=77, process_started=9)
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


def test_a_leftover_is_stopped_before_its_run_is_ended(rig: Rig) -> None:
    orphan = rig.orphan(process_group=77, process_started=9)
    rig.alive = process()
    done = rig.reconcile(orphan)
    rig.stage.clock.advance(0.1)
    assert done.called
    assert rig.signals == [(77, SIGTERM)]
    assert "77" in rig.finished[0][1]


def test_a_leftover_that_ignores_the_signal_is_killed_after_its_grace(rig: Rig) -> None:
    orphan = rig.orphan(process_group=77, process_started=9)
    rig.alive, rig.dies_of = process(), {SIGKILL}
    done = rig.reconcile(orphan)
    rig.stage.clock.pump([0.5] * 5)
    assert not done.called
    assert rig.signals == [(77, SIGTERM)]
    rig.stage.clock.pump([0.5] * 3)
    assert done.called
    assert rig.signals == [(77, SIGTERM), (77, SIGKILL)]


@pytest.mark.parametrize("started", [8, None])
def test_another_process_with_the_same_pid_is_left_alone(rig: Rig, started: int | None) -> None:
    orphan = rig.orphan(process_group=77, process_started=started)
    rig.alive = process()
    assert rig.reconcile(orphan).called
    assert rig.signals == []
