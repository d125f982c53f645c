"""The past of the demo has what the real one may have, and looks like it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from attrs import frozen

import runwisp.demo
from runwisp.config.loader import load
from runwisp.config.settings import Config
from runwisp.demo.history import seed
from runwisp.logs.opening import open_log
from runwisp.logs.paths import log_paths
from runwisp.model import EndReason, Notification, Run, Status, Stream, UnixMs
from runwisp.policy.failures import is_failure
from runwisp.store import notices, runs
from runwisp.store.connection import open_reader
from runwisp.store.datadir import DataDir
from runwisp.store.runs import RunFilter

NOW = UnixMs(1_772_449_215_500)


@frozen
class Past:
    """What was written; runs are newest first."""

    config: Config
    data_dir: DataDir
    runs: list[Run]
    notices: list[Notification]

    def of(self, name: str) -> list[Run]:
        return [run for run in self.runs if run.task_name == name]

    def lines(self, run: Run) -> list[tuple[Stream, str]]:
        paths = log_paths(self.data_dir.logs, run.task_name, run.id, run.created_at)
        with open_log(paths, is_ended=True, repair=False) as log:
            return [(line.stream, line.text) for line in log.lines(1, log.total_lines)]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    data_dir = DataDir(tmp_path_factory.mktemp("demo") / "data")
    config = load(Path(runwisp.demo.__file__).parent / "runwisp.toml", {}, host_zone="Europe/Vienna")
    seed(config, data_dir, NOW, Random(4))
    with closing(open_reader(data_dir.database)) as connection:
        cursor: sqlite3.Cursor = connection.cursor()
        yield Past(config, data_dir, runs.page(cursor, RunFilter(), 10_000), notices.page(cursor, 1000))


def test_there_are_some_hundred_runs_of_every_unit(past: Past) -> None:
    assert 200 < len(past.runs) < 1000
    assert {run.task_name for run in past.runs} == {*past.config.tasks, *past.config.services}


def test_runs_ended_in_every_way_that_one_meets(past: Past) -> None:
    met = {run.end_reason for run in past.runs}
    expected = {"success", "failed", "timeout", "skipped", "log_overflow", "stopped"}
    assert expected <= {reason for reason in met if reason is not None}
    assert {run.replica_index for run in past.of("mail")} == {0, 1, 2}


def test_no_run_is_from_the_future_or_still_going_on(past: Past) -> None:
    for run in past.runs:
        assert run.status is Status.ENDED
        assert run.end_at is not None
        assert run.created_at <= (run.start_at or run.created_at) <= run.end_at <= NOW


def test_ids_rise_with_the_time_of_creation(past: Past) -> None:
    assert [run.id for run in past.runs] == sorted((run.id for run in past.runs), reverse=True)
    times = [run.created_at for run in past.runs]
    assert times == sorted(times, reverse=True)


def test_a_task_never_runs_twice_at_a_time_and_is_skipped_instead(past: Past) -> None:
    for name in past.config.tasks:
        ran = [run for run in reversed(past.of(name)) if run.start_at is not None]
        for earlier, later in pairwise(ran):
            assert (earlier.end_at or 0) <= later.created_at
    for run in past.of("orders"):
        if run.end_reason is EndReason.SKIPPED:
            others = past.of("orders")
            assert any(o.created_at < run.created_at <= (o.end_at or 0) for o in others if o is not run)


def test_what_failed_is_retried_after_the_delay(past: Past) -> None:
    task = past.config.tasks["invoices"]
    by_id = {run.id: run for run in past.runs}
    retries = [run for run in past.of("invoices") if run.retry_attempt]
    assert retries
    for run in retries:
        assert run.retry_of_run_id is not None
        first = by_id[run.retry_of_run_id]
        assert (first.end_reason, first.exit_code, first.retry_attempt) == ("failed", 7, 0)
        assert first.end_at is not None
        assert run.created_at == first.end_at + round(task.retry_delay * 1000)


def test_failures_are_what_their_units_take_for_one(past: Past) -> None:
    for run in past.runs:
        unit = past.config.unit(run.task_name)
        assert unit is not None
        assert run.end_reason is not None
        assert run.exit_code is not None
        assert run.is_failure is is_failure(unit.failures, run.end_reason, run.exit_code)


def test_one_log_is_long_one_has_colours_and_one_is_cut(past: Past) -> None:
    assert len(past.lines(past.of("backup")[0])) > 10_000
    assert any("\x1b[1;32m" in text for _, text in past.lines(past.of("tests")[0]))
    *kept, limit, _ = past.lines(past.of("access-log")[0])
    assert "output limit of 64 KB reached" in limit[1]
    assert len(kept) > 1000


def test_lines_have_the_times_at_which_they_were_printed(past: Past) -> None:
    run = past.of("backup")[0]
    paths = log_paths(past.data_dir.logs, run.task_name, run.id, run.created_at)
    with open_log(paths, is_ended=True, repair=False) as log:
        times = [line.ts or 0 for line in log.lines(1, log.total_lines)]
    assert run.start_at is not None
    assert run.end_at is not None
    assert run.start_at < times[0] < times[-1] < run.end_at
    assert times == sorted(times)


def test_repeats_are_one_row_of_the_bell_and_only_new_ones_are_unread(past: Past) -> None:
    counted = Counter[str]()
    for notice in past.notices:
        counted[notice.task_name or ""] = max(counted[notice.task_name or ""], notice.count)
        assert (notice.read_at is None) == (notice.last_occurred_at >= NOW - 45 * 60_000)
    assert counted["certificates"] > 20
    assert any(notice.read_at is None for notice in past.notices)
    assert any(notice.read_at is not None for notice in past.notices)
