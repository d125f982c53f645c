from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from runwisp.engine.execution import NOTE_AFTER_S
from runwisp.engine.process import Launch
from runwisp.engine.task import TaskKeeper
from runwisp.errors import StorageError
from runwisp.events import RunCreated, RunEnded, RunStarted
from runwisp.model import EndReason, Run, Status, Stream, TriggeredBy, TriggerSource, Unit, UnixMs
from runwisp.store import marks
from tests.engine.fakes import MemoryLog
from tests.engine.stage import NOON_S, Stage
from tests.make import task


@pytest.fixture
def stage() -> Stage:
    return Stage()


def keeper(stage: Stage, lines: str = "") -> TaskKeeper:
    return TaskKeeper(stage.resources, task(lines))


def fire(stage: Stage, keeper: TaskKeeper, times: int = 1) -> list[Run]:
    """Fire by hand, and let the rows be written."""
    found: list[Run] = []
    for _ in range(times):
        keeper.fire(TriggeredBy.API, TriggerSource.CLI).addCallback(found.append)
    stage.settle()
    assert len(found) == times
    return found


def reasons(stage: Stage) -> list[EndReason | None]:
    return [run.end_reason for run in stage.rows()]


def test_a_run_goes_from_its_row_to_its_end(stage: Stage) -> None:
    it = keeper(stage)
    (run,) = fire(stage, it)
    assert (run.status, run.triggered_by, run.trigger_source) == ("running", "api", "cli")
    (child,) = stage.children
    child.say(b"hello\n")
    stage.clock.advance(NOTE_AFTER_S)
    stage.clock.advance(1.5 - NOTE_AFTER_S)
    child.exit(0)
    stage.settle()
    row = stage.row(run)
    assert (row.status, row.end_reason, row.exit_code, row.is_failure) == ("ended", "success", 0, False)
    assert row.duration == 1.5
    assert (row.cpu_time, row.peak_memory_bytes, row.process_group) == (0.25, 4096, child.pid)
    log = stage.logs[run.id]
    assert log.lines == [(Stream.STDOUT, b"hello\n")]
    assert log.is_closed
    assert log.is_synced
    assert [type(event) for event in stage.events] == [RunCreated, RunStarted, RunEnded]
    assert it.is_idle


def test_the_row_is_committed_before_the_process_is_started(stage: Stage) -> None:
    commit = stage.database.hold()
    keeper(stage).fire(TriggeredBy.CRON, tick=UnixMs(int(NOON_S * 1000)))
    stage.settle()
    assert stage.children == []
    assert stage.events == []
    commit()
    stage.settle()
    assert len(stage.children) == 1


def test_a_run_does_not_end_before_its_start_though_the_clock_is_set_back(stage: Stage) -> None:
    first, second = fire(stage, keeper(stage), 2)
    stage.clock.advance(60)
    stage.spawner.of(first).exit()
    stage.settle()
    stage.wall_offset_s -= 3600
    stage.spawner.of(second).exit()
    stage.settle()
    assert stage.row(second).duration == 0.0


def test_a_failing_exit_is_recorded_with_its_code(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage))
    stage.children[0].exit(3)
    stage.settle()
    row = stage.row(run)
    assert (row.end_reason, row.exit_code, row.is_failure) == ("failed", 3, True)


def test_a_run_ended_by_a_foreign_signal_has_no_code_and_says_which_signal(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage))
    stage.children[0].die(SIGKILL)
    stage.settle()
    assert (stage.row(run).end_reason, stage.row(run).exit_code) == ("failed", -1)
    assert stage.logs[run.id].notes == ["ended by SIGKILL"]


def test_a_start_that_fails_is_a_run_with_a_reason(stage: Stage) -> None:
    stage.spawner.refusal = "cannot start /bin/nope: No such file or directory"
    (run,) = fire(stage, keeper(stage))
    row = stage.row(run)
    assert (row.end_reason, row.exit_code) == ("failed", -1)
    assert row.message == stage.spawner.refusal
    assert stage.logs[run.id].notes == [f"could not start: {stage.spawner.refusal}"]
    assert stage.logs[run.id].is_closed


def test_an_error_of_the_daemon_ends_the_run_and_frees_its_slot(
    stage: Stage, logged_failures: list[Failure]
) -> None:
    def broken(unit: Unit, run: Run) -> Launch:
        raise ZeroDivisionError

    stage.resources = evolve(stage.resources, prepare=broken)
    it = keeper(stage)
    (run,) = fire(stage, it)
    assert (stage.row(run).end_reason, stage.row(run).exit_code) == ("failed", -1)
    assert "the daemon's log" in (stage.row(run).message or "")
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()
    assert it.is_idle


def test_an_error_of_the_daemon_after_the_process_ends_the_run_as_well(
    stage: Stage, logged_failures: list[Failure], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(log: MemoryLog) -> None:
        raise ZeroDivisionError

    (run,) = fire(stage, it := keeper(stage))
    monkeypatch.setattr(MemoryLog, "close", broken)
    (child,) = stage.children
    child.exit(0)
    stage.settle()
    assert stage.row(run).end_reason == "failed"
    assert [failure.type for failure in logged_failures] == [ZeroDivisionError]
    logged_failures.clear()
    assert it.is_idle


def test_no_more_than_parallelism_run_at_once_and_the_rest_waits_in_order(stage: Stage) -> None:
    runs = fire(stage, keeper(stage, "parallelism = 2"), 4)
    assert [stage.row(run).status for run in runs] == ["running", "running", "pending", "pending"]
    assert len(stage.spawner.alive) == 2
    stage.spawner.of(runs[1]).exit()
    stage.settle()
    assert [stage.row(run).status for run in runs] == ["running", "ended", "running", "pending"]
    stage.spawner.of(runs[0]).exit()
    stage.spawner.of(runs[2]).exit()
    stage.settle()
    stage.spawner.of(runs[3]).exit()
    stage.settle()
    assert reasons(stage) == [EndReason.SUCCESS] * 4


def test_queued_runs_that_cannot_be_started_end_one_after_the_other(stage: Stage) -> None:
    it = keeper(stage)
    fire(stage, it, 3)
    stage.spawner.refusal = "cannot start a process"
    it.change(task("parallelism = 3"))
    stage.settle()
    assert reasons(stage) == [None, EndReason.FAILED, EndReason.FAILED]


def test_a_full_queue_refuses_the_next_firing_with_a_row(stage: Stage) -> None:
    runs = fire(stage, keeper(stage, "max_queued = 1"), 3)
    assert [stage.row(run).end_reason for run in runs] == [None, None, "queue_full"]
    assert stage.row(runs[2]).exit_code == -1
    assert stage.row(runs[2]).message == "the queue was full"
    assert stage.row(runs[2]).start_at is None


def test_skip_records_the_firing_and_runs_nothing(stage: Stage) -> None:
    runs = fire(stage, keeper(stage, 'on_overlap = "skip"'), 2)
    assert [stage.row(run).end_reason for run in runs] == [None, "skipped"]
    assert not stage.row(runs[1]).is_failure
    assert len(stage.children) == 1


def test_terminate_starts_the_new_run_when_its_victim_is_gone(stage: Stage) -> None:
    it = keeper(stage, 'on_overlap = "terminate"\ngraceful_stop = "2s"')
    (old,) = fire(stage, it)
    stage.spawner.of(old).ignores.add(SIGTERM)
    (new,) = fire(stage, it)
    assert stage.row(new).status is Status.PENDING
    assert stage.spawner.of(old).signals == [SIGTERM]
    stage.clock.advance(2)
    stage.settle()
    assert stage.spawner.of(old).signals == [SIGTERM, SIGKILL]
    assert (stage.row(old).end_reason, stage.row(old).exit_code) == ("stopped", -1)
    assert stage.row(new).status is Status.RUNNING


def test_terminate_with_more_firings_than_victims_keeps_the_newest(stage: Stage) -> None:
    it = keeper(stage, 'on_overlap = "terminate"')
    (old,) = fire(stage, it)
    stage.spawner.of(old).ignores.add(SIGTERM)
    second, third = fire(stage, it, 2)
    assert (stage.row(second).end_reason, stage.row(second).exit_code) == ("stopped", -1)
    assert stage.row(third).status is Status.PENDING


def test_a_timeout_climbs_the_stop_ladder(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage, 'timeout = "30s"\ngraceful_stop = "4s"'))
    child = stage.children[0]
    child.ignores.add(SIGTERM)
    stage.clock.advance(29)
    assert child.signals == []
    stage.clock.advance(1)
    assert child.signals == [SIGTERM]
    stage.clock.advance(4)
    stage.settle()
    row = stage.row(run)
    assert (row.end_reason, row.exit_code, row.duration) == ("timeout", -1, 34.0)
    assert "timeout of 30.0s is over, stopping the run" in stage.logs[run.id].notes


def test_a_trapped_signal_keeps_the_exit_code_of_the_process(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage, 'timeout = "30s"'))
    child = stage.children[0]
    child.ignores.add(SIGTERM)
    stage.clock.advance(30)
    child.exit(0)
    stage.settle()
    assert (stage.row(run).end_reason, stage.row(run).exit_code) == ("timeout", 0)


def test_the_timeout_counts_from_the_start_and_not_while_waiting(stage: Stage) -> None:
    first, second = fire(stage, keeper(stage, 'timeout = "30s"'), 2)
    stage.clock.advance(20)
    stage.spawner.of(first).exit()
    stage.settle()
    stage.clock.advance(29)
    assert stage.spawner.of(second).is_alive
    stage.clock.advance(1)
    stage.settle()
    assert stage.row(second).end_reason is EndReason.TIMEOUT


def test_a_log_that_overflows_under_kill_task_stops_the_run(stage: Stage) -> None:
    stage.log_limit = 10
    (run,) = fire(stage, keeper(stage, 'log_on_full = "kill_task"'))
    stage.children[0].say(b"x" * 11)
    stage.settle()
    assert stage.row(run).end_reason is EndReason.LOG_OVERFLOW


def test_pipes_that_stay_open_are_cut_two_seconds_after_the_exit(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage))
    child = stage.children[0]
    child.keeps_pipes, child.holders = True, (4711, 4712)
    child.exit(0)
    stage.settle()
    assert stage.row(run).status is Status.RUNNING
    stage.clock.advance(1)
    child.say(b"late\n")
    stage.clock.advance(1)
    stage.settle()
    assert stage.row(run).end_reason is EndReason.SUCCESS
    assert stage.logs[run.id].lines == [(Stream.STDOUT, b"late\n")]
    assert stage.logs[run.id].notes == ["output closed; still held open by process 4711, 4712"]


def test_a_stop_after_the_exit_does_not_change_what_happened(stage: Stage) -> None:
    it = keeper(stage)
    (run,) = fire(stage, it)
    stage.children[0].keeps_pipes = True
    stage.children[0].exit(0)
    it.stop()
    stage.clock.advance(2)
    stage.settle()
    assert stage.row(run).end_reason is EndReason.SUCCESS


def test_an_operators_stop_ends_what_runs_and_what_waits(stage: Stage) -> None:
    it = keeper(stage)
    running, waiting = fire(stage, it, 2)
    it.stop()
    stage.settle()
    assert [stage.row(run).end_reason for run in (running, waiting)] == ["stopped", "stopped"]
    assert stage.row(waiting).exit_code == -1
    assert it.is_idle
    assert len(stage.children) == 1


def test_a_stop_while_the_row_is_being_written_prevents_the_start(stage: Stage) -> None:
    it = keeper(stage)
    commit = stage.database.hold()
    fired: list[Run] = []
    it.fire(TriggeredBy.API).addCallback(fired.append)
    it.stop()
    commit()
    stage.settle()
    assert stage.children == []
    assert stage.row(fired[0]).end_reason is EndReason.STOPPED


@pytest.mark.parametrize(
    ("lines", "delays"),
    [
        ('retry_attempts = 3\nretry_delay = "2s"', [2, 2, 2]),
        ('retry_attempts = 3\nretry_delay = "2s"\nretry_backoff = "exponential"', [2, 4, 8]),
    ],
)
def test_a_failed_run_is_retried_with_its_delays_and_linked(
    stage: Stage, lines: str, delays: list[int]
) -> None:
    it = keeper(stage, lines)
    (run,) = fire(stage, it)
    for number, delay_s in enumerate(delays, 1):
        stage.spawner.of(run).exit(1)
        stage.settle()
        ended = stage.row(run)
        assert ended.end_at is not None
        assert ended.next_retry_at == ended.end_at + delay_s * 1000
        stage.clock.advance(delay_s - 0.001)
        assert len(stage.rows()) == number
        stage.clock.advance(0.001)
        stage.settle()
        assert stage.row(run).next_retry_at is None
        retry = stage.rows()[-1]
        assert (retry.retry_attempt, retry.retry_of_run_id) == (number, run.id)
        assert (retry.triggered_by, retry.trigger_source) == ("api", "cli")
        run = retry
    stage.spawner.of(run).exit(1)
    stage.settle()
    assert stage.row(run).next_retry_at is None
    assert it.is_idle


def test_a_success_is_not_retried(stage: Stage) -> None:
    it = keeper(stage, "retry_attempts = 3")
    fire(stage, it)
    stage.children[0].exit(0)
    stage.settle()
    assert it.is_idle


def test_a_stop_drops_the_waiting_retry_and_its_time(stage: Stage) -> None:
    it = keeper(stage, "retry_attempts = 3")
    (run,) = fire(stage, it)
    stage.children[0].exit(1)
    stage.settle()
    it.stop()
    stage.settle()
    assert stage.row(run).next_retry_at is None
    stage.clock.advance(100)
    assert len(stage.rows()) == 1


def test_one_waiting_retry_is_dropped_and_the_others_still_come(stage: Stage) -> None:
    it = keeper(stage, "retry_attempts = 3\nparallelism = 2")
    dropped, kept = fire(stage, it, 2)
    for child in stage.children[:2]:
        child.exit(1)
    stage.settle()
    assert it.drop_retry(dropped.id)
    assert not it.drop_retry(dropped.id)
    stage.settle()
    assert stage.row(dropped).next_retry_at is None
    stage.clock.advance(100)
    stage.settle()
    assert [run.retry_of_run_id for run in stage.rows()] == [None, None, kept.id]


def test_a_shutdown_leaves_queue_and_retries_in_the_database_for_the_next_daemon(stage: Stage) -> None:
    it = keeper(stage, 'parallelism = 2\nretry_attempts = 1\nretry_delay = "1m"')
    failed, running, waiting = fire(stage, it, 3)
    stage.spawner.of(failed).exit(1)
    stage.settle()
    (also_waiting,) = fire(stage, it)
    it.close()
    stage.settle()
    assert stage.row(failed).next_retry_at is not None
    assert [stage.row(run).end_reason for run in (running, waiting)] == ["stopped", "stopped"]
    assert stage.row(also_waiting).status is Status.PENDING
    assert it.is_idle

    stage.clock.advance(30)
    successor = keeper(stage, 'parallelism = 2\nretry_attempts = 1\nretry_delay = "1m"')
    successor.resume(stage.row(also_waiting))
    successor.resume_retry(stage.row(failed))
    stage.settle()
    assert stage.row(also_waiting).status is Status.RUNNING
    stage.clock.advance(30)
    stage.settle()
    assert stage.rows()[-1].retry_of_run_id == failed.id


def test_a_shutdown_whose_time_is_over_ends_runs_as_daemon_stopped(stage: Stage) -> None:
    it = keeper(stage)
    (run,) = fire(stage, it)
    stage.children[0].ignores.add(SIGTERM)
    it.close()
    it.cut_short()
    stage.settle()
    assert stage.children[0].signals == [SIGTERM, SIGKILL]
    assert stage.row(run).end_reason is EndReason.DAEMON_STOPPED


def test_a_slot_moves_the_mark_of_its_task_whatever_its_fate(stage: Stage) -> None:
    it = keeper(stage, 'on_overlap = "skip"')
    noon = UnixMs(int(NOON_S * 1000))
    stage.database.now(lambda cursor: marks.register(cursor, it.task.name, noon))
    done: list[Deferred[Run]] = [
        it.fire(TriggeredBy.CRON, tick=noon),
        it.fire(TriggeredBy.CRON, tick=UnixMs(noon + 1000)),
        it.skip_repeated(UnixMs(noon + 2000)),
    ]
    stage.settle()
    assert all(deferred.called for deferred in done)
    assert reasons(stage) == [None, EndReason.SKIPPED, EndReason.DST_SKIPPED]
    assert stage.database.now(marks.registrations)[it.task.name].last_tick_at == noon + 2000


def test_a_row_that_the_database_refuses_is_written_later(stage: Stage) -> None:
    (run,) = fire(stage, keeper(stage))
    stage.database.refusal = StorageError("the disk is full")
    stage.children[0].exit(0)
    stage.settle()
    stage.clock.advance(0.5)
    assert stage.row(run).status is Status.RUNNING
    stage.database.refusal = None
    stage.clock.advance(1)
    stage.settle()
    assert stage.row(run).end_reason is EndReason.SUCCESS
