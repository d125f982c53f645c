from __future__ import annotations

from functools import partial
from sqlite3 import Cursor

import pytest

from runwisp.config.settings import Config
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.store import marks, runs
from tests.engine.stage import NOON_S, Stage
from tests.make import config, run

NOON = UnixMs(int(NOON_S * 1000))
MINUTE = 60_000


class Rig:
    """Several daemons, one after the other, on one stage; each ``boot`` is a new one."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.boot_id: str | None = "first boot"
        self.engine: Engine

    def boot(self, text: str | Config) -> None:
        known = text if isinstance(text, Config) else config(text)
        self.engine = Engine(self.stage.resources, known)
        recovery = Recovery(self.stage.resources, known, lambda run, note: None, lambda orphans: {})
        boot = Boot(self.engine, recovery, self.stage.database, lambda: self.boot_id)
        self.stage.resources.background.start("boot", boot.bring_up())
        self.stage.settle()

    def die(self) -> None:
        """``kill -9``: nothing of the engine acts any more, its processes are gone too."""
        self.engine.scheduler.stop()
        for call in self.stage.clock.getDelayedCalls():
            call.cancel()

    def insert(self, *rows: Run) -> None:
        for row in rows:
            self.stage.database.now(partial(runs.insert, run=row))

    def mark(self, name: str, **moments: int) -> None:
        """``name`` was seen at ``first``, and had its last slot at ``tick``."""

        def work(cursor: Cursor) -> None:
            marks.register(cursor, name, UnixMs(moments["first"]))
            if "tick" in moments:
                marks.set_last_tick(cursor, name, UnixMs(moments["tick"]))

        self.stage.database.now(work)

    def last_tick(self, name: str) -> UnixMs | None:
        return self.stage.database.now(marks.registrations)[name].last_tick_at

    def counts(self, *names: str) -> list[int]:
        """How many rows each of the units has."""
        return [len(self.reasons(name)) for name in names]

    def reasons(self, name: str) -> list[EndReason | Status]:
        """End reasons, or the status of what has not ended, oldest first."""
        return [row.end_reason or row.status for row in self.stage.rows() if row.task_name == name]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def hourly(policy: str) -> str:
    return (
        f'[tasks.t]\ncron = "0 * * * *"\ntimezone = "UTC"\nrun = "true"\ncatch_up = {policy}\nparallelism = 9'
    )


def test_a_new_task_owes_nothing(rig: Rig) -> None:
    rig.boot(hourly('"all"'))
    assert rig.stage.rows() == []
    registration = rig.stage.database.now(marks.registrations)["t"]
    assert (registration.first_seen_at, registration.last_tick_at) == (NOON, None)


@pytest.mark.parametrize(
    ("policy", "reruns", "says"),
    [
        ('"latest"', 1, "1 runs now"),
        ('"all"', 4, "4 run now"),
        ('"skip"', 0, "none runs now"),
        ("2", 2, "2 run now"),
    ],
)
def test_missed_slots_leave_one_row_and_are_run_by_the_policy(
    rig: Rig, policy: str, reruns: int, says: str
) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON - 240 * MINUTE)
    rig.boot(hourly(policy))
    missed, *again = rig.stage.rows() if reruns == 0 else sorted(rig.stage.rows(), key=lambda row: row.id)
    assert (missed.end_reason, missed.exit_code, missed.triggered_by) == ("missed", -1, "cron")
    assert missed.created_at == missed.end_at == NOON
    assert missed.message is not None
    assert "4 slots missed since 2026-11-24 09:00" in missed.message
    assert says in missed.message
    assert [row.status for row in again] == [Status.RUNNING] * reruns
    assert rig.last_tick("t") == NOON


def test_a_gap_is_reported_once_whatever_happens_next(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON - 240 * MINUTE)
    rig.boot(hourly('"skip"'))
    rig.die()
    rig.boot(hourly('"skip"'))
    assert rig.reasons("t") == [EndReason.MISSED]


def test_deleting_history_or_running_by_hand_moves_no_anchor(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON - 61 * MINUTE)
    ended = run(
        "t", status=Status.ENDED, end_reason=EndReason.SUCCESS, exit_code=0, end_at=NOON, created_at=NOON
    )
    rig.insert(ended)
    rig.boot(hourly('"latest"'))
    assert EndReason.MISSED in rig.reasons("t")


def test_a_task_that_was_removed_starts_afresh_when_it_returns(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON - 240 * MINUTE)
    rig.boot("")
    rig.die()
    rig.boot(hourly('"all"'))
    assert rig.stage.rows() == []


def test_a_clock_set_back_a_little_fires_nothing_before_the_last_slot(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON + 120 * MINUTE)
    rig.boot(hourly('"latest"'))
    assert rig.engine.scheduler.next_run("t") == NOON + 180 * MINUTE


def test_a_clock_set_back_a_little_does_not_hold_intervals(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON + 120 * MINUTE)
    rig.boot(hourly('"latest"').replace("0 * * * *", "@every 1h"))
    assert rig.engine.scheduler.next_run("t") == NOON + 60 * MINUTE


def test_a_clock_set_far_back_starts_the_schedule_anew(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON + 240 * MINUTE)
    rig.boot(hourly('"latest"'))
    assert rig.engine.scheduler.next_run("t") == NOON + 60 * MINUTE
    assert rig.last_tick("t") == NOON
    assert rig.stage.rows() == []


def test_a_pause_outlives_the_daemon_and_what_it_misses_is_not_owed(rig: Rig) -> None:
    rig.boot(hourly('"all"'))
    rig.engine.pause("t")
    rig.engine.pause("t")
    rig.die()
    rig.stage.clock.advance(4 * 3600)
    rig.boot(hourly('"all"'))
    assert set(rig.engine.paused) == {"t"}
    assert rig.engine.scheduler.next_run("t") is None
    rig.engine.resume("t")
    rig.stage.settle()
    assert rig.engine.scheduler.next_run("t") == NOON + 300 * MINUTE
    rig.die()
    rig.boot(hourly('"all"'))
    assert rig.stage.rows() == []


def test_a_pause_that_makes_no_sense_any_more_is_lifted(rig: Rig) -> None:
    rig.boot(hourly('"all"'))
    rig.engine.pause("t")
    rig.die()
    rig.stage.clock.advance(2 * 3600)
    rig.boot(hourly('"all"') + "\napi_trigger = false")
    assert rig.engine.paused == {}
    assert rig.stage.rows() == []
    assert rig.engine.scheduler.next_run("t") == NOON + 180 * MINUTE


def test_run_on_start_runs_once_for_each_daemon_or_boot(rig: Rig) -> None:
    text = """
        [tasks.each]
        run = "true"
        run_on_start = true
        parallelism = 9
        [tasks.once]
        run = "true"
        run_on_start = "boot"
        parallelism = 9
        [tasks.never]
        run = "true"
    """
    rig.boot(text)
    assert [(row.task_name, row.triggered_by) for row in rig.stage.rows()] == [
        ("each", "startup"),
        ("once", "startup"),
    ]
    rig.die()
    rig.boot(text)
    assert rig.counts("each", "once") == [2, 1]
    rig.die()
    rig.boot_id = "second boot"
    rig.boot(text)
    assert rig.counts("each", "once") == [3, 2]
    rig.die()
    rig.boot_id = None
    rig.boot(text)
    assert rig.counts("each", "once") == [4, 3]


def test_queued_runs_of_an_earlier_daemon_are_taken_up_by_their_policy(rig: Rig) -> None:
    text = """
        [tasks.queues]
        run = "true"
        [tasks.skips]
        run = "true"
        on_overlap = "skip"
        [services.serves]
        run = "true"
        autostart = false
    """
    for name in ("queues", "skips", "serves", "gone"):
        rig.insert(run(name), run(name))
    rig.boot(text)
    assert rig.reasons("queues") == [Status.RUNNING, Status.PENDING]
    assert rig.reasons("skips") == [Status.RUNNING, EndReason.FAILED]
    assert rig.reasons("serves")[:2] == [EndReason.FAILED, EndReason.FAILED]
    assert rig.reasons("gone") == [EndReason.SKIPPED, EndReason.SKIPPED]


RETRIED = '[tasks.t]\nrun = "true"\nretry_attempts = 2\nretry_delay = "1m"\nparallelism = 9\n'


def test_a_crashed_run_is_retried_after_its_delay_and_over_another_restart(rig: Rig) -> None:
    rig.insert(run("t", status=Status.RUNNING, start_at=NOON, created_at=NOON))
    rig.boot(RETRIED)
    assert rig.reasons("t") == [EndReason.CRASHED]
    rig.die()
    rig.stage.clock.advance(40)
    rig.boot(RETRIED)
    rig.stage.clock.advance(19)
    rig.stage.settle()
    assert len(rig.stage.rows()) == 1
    rig.stage.clock.advance(1)
    rig.stage.settle()
    crashed, retry = rig.stage.rows()
    assert (retry.retry_of_run_id, retry.retry_attempt) == (crashed.id, 1)
    assert crashed.next_retry_at is None


def test_a_retry_whose_time_has_passed_starts_at_once(rig: Rig) -> None:
    rig.insert(run("t", status=Status.RUNNING, start_at=NOON, created_at=NOON))
    rig.boot(RETRIED)
    rig.die()
    rig.stage.clock.advance(600)
    rig.boot(RETRIED)
    rig.stage.settle()
    assert rig.reasons("t") == [EndReason.CRASHED, Status.RUNNING]


def test_catch_up_that_runs_the_task_replaces_the_retry_of_its_crashed_run(rig: Rig) -> None:
    rig.mark("t", first=NOON - 600 * MINUTE, tick=NOON - 90 * MINUTE)
    rig.insert(run("t", status=Status.RUNNING, start_at=NOON, created_at=UnixMs(NOON - 90 * MINUTE)))
    rig.boot(RETRIED + 'cron = "0 * * * *"\ntimezone = "UTC"\n')
    rig.stage.clock.advance(600)
    rig.stage.settle()
    assert sorted(map(str, rig.reasons("t"))) == ["crashed", "missed", "running"]
    assert all(row.next_retry_at is None for row in rig.stage.rows())


def test_the_retry_of_a_task_that_is_gone_is_dropped(rig: Rig) -> None:
    rig.insert(
        run(
            "gone",
            status=Status.ENDED,
            end_reason=EndReason.FAILED,
            exit_code=1,
            end_at=NOON,
            next_retry_at=NOON,
        )
    )
    rig.boot("")
    assert rig.stage.rows()[0].next_retry_at is None
