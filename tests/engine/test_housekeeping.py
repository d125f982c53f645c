from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, execute
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure

from runwisp.engine import deletion, housekeeping
from runwisp.engine.deletion import STEP_RUNS
from runwisp.engine.housekeeping import STEP_RUNS_BY_SIZE, SWEEP_EVERY_S, Housekeeping
from runwisp.errors import StorageError
from runwisp.events import RunDeleted
from runwisp.logs.paths import LogPaths, log_paths
from runwisp.model import Bytes, EndReason, Run, RunId, Status, UnixMs
from runwisp.policy.retention import StoredRun, expired
from runwisp.store import runs
from tests import make
from tests.engine.stage import NOON_S, Stage

T = TypeVar("T")

NOW = UnixMs(int(NOON_S * 1000))


def task(name: str, limits: str) -> str:
    return f'[tasks.{name}]\nrun = "true"\n{limits}\n'


# Any: the fields of a run have types of their own, which evolve checks no further.
def ended(name: str = "t", age_s: float = 0, **changes: Any) -> Run:
    """A run that succeeded and was created ``age_s`` seconds ago."""
    created_at = UnixMs(NOW - round(age_s * 1000))
    run = make.run(name, created_at=created_at, start_at=created_at, end_at=created_at)
    return evolve(run, status=Status.ENDED, end_reason=EndReason.SUCCESS, exit_code=0, **changes)


def in_flight(name: str = "t", age_s: float = 0) -> Run:
    created_at = UnixMs(NOW - round(age_s * 1000))
    return make.run(name, created_at=created_at, start_at=created_at, status=Status.RUNNING)


def waiting_for_retry(name: str = "t", age_s: float = 0) -> Run:
    return ended(name, age_s, next_retry_at=UnixMs(NOW + 1000))


class House:
    """Rows in a database, and files with 100 bytes for each, that are kept by ``toml_text``."""

    def __init__(self, directory: Path, toml_text: str) -> None:
        self.stage = Stage()
        self.config = make.config(toml_text)
        self.logs = directory / "logs"
        self.events: list[RunDeleted] = []
        self._threads: list[Callable[[], object]] | None = None
        resources = evolve(self.stage.resources, in_thread=self._in_thread)
        self.keeping = Housekeeping(
            resources, self.stage.database, lambda: self.config, self.logs, self.stage.bus
        )

    def paths(self, run: Run) -> LogPaths:
        return log_paths(self.logs, run.task_name, run.id, run.created_at)

    def add(self, *table: Run) -> list[Run]:
        for run in table:
            self.stage.database.now(partial(runs.insert, run=run))
            paths = self.paths(run)
            paths.directory.mkdir(parents=True, exist_ok=True)
            paths.log.write_bytes(b"x" * 68)
            paths.index.write_bytes(b"x" * 32)
        return list(table)

    def hold_threads(self) -> Callable[[], object]:
        """Let work for threads wait; each call of what is returned does one piece."""
        held = self._threads = []
        return lambda: held.pop(0)()

    def sweep(self) -> None:
        """From the start to the end of the first sweep."""
        self.keeping.start()
        self.stage.settle()
        self.stop()

    def stop(self) -> Deferred[None]:
        done = self.keeping.stop()
        self.stage.settle()
        return done

    def left(self) -> list[RunId]:
        """The runs with a row, by age; each has files, and nobody else has."""
        rows = self.stage.rows()
        files = {path for path in self.logs.rglob("*") if path.is_file()}
        assert files == {path for run in rows for path in (self.paths(run).log, self.paths(run).index)}
        assert {path.name for path in self.logs.glob("*")} == {run.task_name for run in rows}
        return [run.id for run in rows]

    def deleted(self) -> list[RunId]:
        """The runs that the bus said were deleted, in its order."""
        return [event.run_id for event in self.stage.events if isinstance(event, RunDeleted)]

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        if self._threads is None:
            return execute(work, *args)
        done: Deferred[T] = Deferred()
        self._threads.append(lambda: execute(work, *args).chainDeferred(done))
        return done


def ids(table: list[Run]) -> list[RunId]:
    return [run.id for run in table]


@pytest.fixture
def log() -> Iterator[Sequence[LogEvent]]:
    with capturedLogs() as events:
        yield events


def lines(log: Sequence[LogEvent]) -> list[tuple[str, str]]:
    """Level and text of what was logged, in short."""
    return [(event["log_level"].name, formatEvent(event)) for event in log]


def test_the_newest_runs_stay_and_the_others_go_oldest_first(tmp_path: Path, log: Sequence[LogEvent]) -> None:
    house = House(tmp_path, task("t", "keep_runs = 2"))
    table = house.add(*(ended(age_s=age) for age in (5, 4, 3, 2, 1)))
    house.sweep()
    assert house.left() == ids(table[3:])
    assert house.deleted() == ids(table[:3])
    assert lines(log) == [("info", "deleted old runs")]
    assert log[0]["count"] == 3


def test_runs_go_when_they_are_too_old(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", 'keep_for = "10s"'))
    table = house.add(ended(age_s=10.001), ended(age_s=10), ended(age_s=1))
    house.sweep()
    assert house.left() == ids(table[1:])


def test_keep_runs_0_keeps_only_what_is_not_over(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    table = house.add(ended(age_s=9), in_flight(age_s=8), waiting_for_retry(age_s=7), ended())
    house.sweep()
    assert house.left() == ids(table[1:3])


def test_without_limits_nothing_goes(tmp_path: Path, log: Sequence[LogEvent]) -> None:
    house = House(tmp_path, task("t", ""))
    table = house.add(ended(age_s=10**8), ended())
    house.sweep()
    assert house.left() == ids(table)
    assert list(log) == []


def test_a_unit_that_is_no_longer_configured_keeps_its_history(tmp_path: Path) -> None:
    house = House(tmp_path, "[defaults]\nkeep_runs = 0\n" + task("t", ""))
    table = house.add(ended("gone"), ended("t"))
    house.sweep()
    assert house.left() == ids(table[:1])


def test_services_have_limits_too(tmp_path: Path) -> None:
    house = House(tmp_path, '[services.s]\nrun = "true"\nkeep_runs = 1\n')
    table = house.add(ended("s", 2), ended("s", 1))
    house.sweep()
    assert house.left() == ids(table[1:])


def test_many_runs_go_in_steps(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 1"))
    table = house.add(*(ended(age_s=age) for age in range(2 * STEP_RUNS + 10, 0, -1)))
    next_piece = house.hold_threads()
    house.keeping.start()
    for number in range(3):
        assert len(house.stage.rows()) == len(table) - number * STEP_RUNS
        next_piece()
    house.stage.settle()
    assert house.left() == ids(table[-1:])
    assert house.stop().called


TASKS = ("a", "b")
LIMITS = st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(1, 6))
KINDS = st.sampled_from([ended, ended, ended, in_flight, waiting_for_retry])
# Few ages, so that many runs share one.
TABLES = st.lists(st.tuples(KINDS, st.sampled_from([*TASKS, "gone"]), st.integers(0, 6)), max_size=16)


@given(TABLES, st.tuples(LIMITS, LIMITS), st.integers(1, 4))
def test_a_sweep_leaves_exactly_what_the_rule_keeps(
    drawn: list[tuple[Callable[[str, float], Run], str, int]],
    limits: tuple[tuple[int | None, int | None], ...],
    step: int,
) -> None:
    text, gone = "", set[RunId]()
    table = [kind(name, age) for kind, name, age in drawn]
    by_age = sorted(table, key=lambda run: (run.created_at, run.id))
    for name, (keep_runs, keep_for) in zip(TASKS, limits, strict=True):
        keys = "" if keep_runs is None else f"keep_runs = {keep_runs}\n"
        keys += "" if keep_for is None else f'keep_for = "{keep_for}s"\n'
        text += task(name, keys)
        stored = [
            StoredRun(run.id, run.created_at, run.status is Status.ENDED, run.next_retry_at is not None)
            for run in reversed(by_age)
            if run.task_name == name
        ]
        unit = make.task(keys)
        gone |= {*expired(stored, keep_runs=unit.keep_runs, keep_for=unit.keep_for, now=NOW)}
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(housekeeping, "STEP_RUNS", step)
        house = House(Path(directory), text)
        house.add(*table)
        house.sweep()
        assert house.left() == [run.id for run in by_age if run.id not in gone]
    ages = {run.id: (run.task_name, run.created_at, run.id) for run in table}
    assert house.deleted() == sorted(gone, key=ages.__getitem__)


def test_it_sweeps_at_its_start_and_every_hour_by_the_present_configuration(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 3"))
    table = house.add(*(ended(age_s=age) for age in (4, 3, 2, 1)))
    house.keeping.start()
    assert house.left() == ids(table[1:])
    house.config = make.config(task("t", "keep_runs = 1"))
    house.stage.clock.advance(SWEEP_EVERY_S - 1)
    assert house.left() == ids(table[1:])
    house.stage.clock.advance(1)
    assert house.left() == ids(table[3:])
    assert house.stop().called
    assert house.stage.clock.getDelayedCalls() == []


def test_files_go_before_rows_and_the_event_comes_last(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    (run,) = house.add(ended())
    commit = house.stage.database.hold()
    house.keeping.start()
    house.stage.settle()
    assert not house.paths(run).log.exists()
    assert ids(house.stage.rows()) == [run.id]
    assert house.deleted() == []
    commit()
    house.stage.settle()
    assert house.left() == []
    assert house.deleted() == [run.id]
    assert house.stop().called


def test_a_stop_waits_for_the_step_under_way_and_begins_no_other(tmp_path: Path) -> None:
    house = House(tmp_path, "[storage]\nmax_size = '1b'\n" + task("t", "keep_runs = 0"))
    table = house.add(*(ended(age_s=age) for age in range(STEP_RUNS + 1, 0, -1)))
    commit = house.stage.database.hold()
    house.keeping.start()
    done, again = house.stop(), house.stop()
    assert not done.called
    commit()
    house.stage.settle()
    assert done.called
    assert again.called
    assert house.left() == ids(table[-1:])
    assert house.stage.clock.getDelayedCalls() == []


def test_a_stop_does_not_wait_for_a_measurement_whose_result_nobody_needs(tmp_path: Path) -> None:
    house = House(tmp_path, "[storage]\nmax_size = '1b'\n" + task("t", ""))
    table = house.add(ended(), ended())
    next_piece = house.hold_threads()
    house.keeping.start()
    done = house.stop()
    next_piece()
    assert done.called
    assert house.left() == ids(table)


def test_a_stop_before_the_start_has_nothing_to_wait_for(tmp_path: Path) -> None:
    assert House(tmp_path, task("t", "")).stop().called


def test_a_run_that_somebody_else_deletes_meanwhile_is_told_once(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    first, second = house.add(ended(age_s=2), ended(age_s=1))
    next_piece = house.hold_threads()
    house.keeping.start()
    house.stage.database.now(lambda cursor: runs.delete(cursor, first.id))
    next_piece()
    house.stage.settle()
    assert house.deleted() == [second.id]
    assert house.stop().called


def test_a_file_that_cannot_be_deleted_is_a_warning_and_the_row_goes(
    tmp_path: Path, log: Sequence[LogEvent]
) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    (run,) = house.add(ended())
    house.paths(run).part.mkdir()
    house.sweep()
    assert house.stage.rows() == []
    assert [event["log_level"] for event in log] == [LogLevel.warn, LogLevel.info]
    assert str(house.paths(run).part) in formatEvent(log[0])


def test_a_database_that_refuses_puts_the_sweep_off_to_the_next_hour(
    tmp_path: Path, log: Sequence[LogEvent]
) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    (run,) = house.add(ended())
    house.stage.database.refusal = StorageError("the database is full")
    house.keeping.start()
    assert ids(house.stage.rows()) == [run.id]
    assert lines(log) == [("warn", "not all old runs could be deleted: the database is full")]
    house.stage.database.refusal = None
    house.stage.clock.advance(SWEEP_EVERY_S)
    assert house.left() == []
    assert house.stop().called


def test_a_mistake_in_a_sweep_is_logged_and_does_not_end_the_sweeping(
    tmp_path: Path, logged_failures: list[Failure], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    house.add(ended())
    with monkeypatch.context() as patch:
        patch.setattr(deletion, "remove_logs", lambda logs: 1 / 0)
        house.keeping.start()
    assert logged_failures.pop().check(ZeroDivisionError)
    house.stage.clock.advance(SWEEP_EVERY_S)
    assert house.left() == []
    assert house.stop().called


def test_above_max_size_the_oldest_ended_runs_of_all_units_go_until_the_rest_fits(
    tmp_path: Path, log: Sequence[LogEvent]
) -> None:
    house = House(tmp_path, "[storage]\nmax_size = '15kb'\n" + task("t", ""))
    steady = house.add(in_flight("t", 1000), waiting_for_retry("t", 999))
    table = house.add(*(ended("t" if age % 2 else "gone", age) for age in range(300, 0, -1)))
    house.sweep()
    # 302 runs have 30,200 bytes; 15 KB are 15,360.
    assert house.left() == ids(steady) + ids(table[2 * STEP_RUNS_BY_SIZE :])
    assert lines(log) == [
        ("warn", "logs take 29.5 KB, max_size is 15 KB: deleting the oldest runs"),
        ("info", "deleted the oldest runs"),
    ]
    assert (log[1]["count"], log[1]["logs"]) == (200, "10.0 KB")


def test_max_size_counts_what_the_other_limits_have_left(tmp_path: Path, log: Sequence[LogEvent]) -> None:
    house = House(tmp_path, "[storage]\nmax_size = '300b'\n" + task("t", "keep_runs = 3"))
    table = house.add(*(ended(age_s=age) for age in (5, 4, 3, 2, 1)))
    house.sweep()
    assert house.left() == ids(table[2:])
    assert lines(log) == [("info", "deleted old runs")]


def test_max_size_gives_up_when_only_runs_in_flight_are_left(tmp_path: Path, log: Sequence[LogEvent]) -> None:
    house = House(tmp_path, "[storage]\nmax_size = '50b'\n" + task("t", ""))
    table = house.add(in_flight(), ended())
    house.sweep()
    assert house.left() == ids(table[:1])
    assert [event["log_level"] for event in log] == [LogLevel.warn, LogLevel.info]


def test_the_database_shrinks_after_a_sweep(tmp_path: Path) -> None:
    house = House(tmp_path, task("t", "keep_runs = 0"))
    for number in range(500):
        run = ended(message="x" * 1000, age_s=number)
        house.stage.database.now(partial(runs.insert, run=run))

    def pages(pragma: str) -> int:
        return int(house.stage.database.now(lambda cursor: cursor.execute(f"PRAGMA {pragma}").fetchone()[0]))

    before = pages("page_count")
    house.sweep()
    assert pages("freelist_count") == 0
    assert pages("page_count") < before / 2


def test_too_little_space_at_the_start_is_a_warning(tmp_path: Path, log: Sequence[LogEvent]) -> None:
    house = House(tmp_path, task("t", ""))
    house.stage.min_free_space, house.stage.free_space = Bytes(2048), Bytes(1024)
    house.sweep()
    assert lines(log) == [
        ("warn", "free space is 1 KB, less than the minimum of 2 KB: runs will fail until there is more")
    ]
