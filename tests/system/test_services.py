"""Services of the real daemon: replicas that come back, give up, and start in order."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from runwisp.model import EndReason, Run, Status
from tests.system.program import Daemon, is_alive, running, wait_until

pytestmark = pytest.mark.system


def in_flight(daemon: Daemon, name: str) -> list[Run]:
    """The runs of a service whose processes can be told."""
    return [
        run for run in daemon.rows(name) if run.status is Status.RUNNING and run.process_group is not None
    ]


def test_a_killed_replica_comes_back_and_the_others_do_not_notice(tmp_path: Path) -> None:
    config = """
        [services.web]
        instances = 3
        restart_delay = "10ms"
        run = "exec sleep 600"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: len(in_flight(daemon, "web")) == 3, "three replicas")
        before = {run.replica_index: run for run in in_flight(daemon, "web")}
        victim = before[1]
        assert victim.process_group is not None
        os.kill(victim.process_group, signal.SIGKILL)
        wait_until(
            lambda: (
                len(in_flight(daemon, "web")) == 3
                and victim.id not in {run.id for run in in_flight(daemon, "web")}
            ),
            "the new replica",
        )
        after = {run.replica_index: run for run in in_flight(daemon, "web")}
        assert (after[0], after[2]) == (before[0], before[2])
        assert after[1].process_group is not None
        assert is_alive(after[1].process_group)
        (ended,) = [run for run in daemon.rows("web") if run.id == victim.id]
        assert (ended.end_reason, ended.exit_code, ended.is_failure) == ("failed", -1, True)
        assert daemon.stop() == 0
        assert {run.end_reason for run in daemon.rows("web")} == {EndReason.FAILED, EndReason.STOPPED}


def test_a_replica_that_does_not_come_up_is_given_up(tmp_path: Path) -> None:
    config = """
        [services.broken]
        restart_attempts = 1
        restart_delay = "10ms"
        run = "exit 3"
        [services.well]
        run = "exec sleep 600"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: daemon.said("replica is fatal"), "the end of the patience")
        rows = daemon.wait_for_rows(
            "broken", lambda rows: len(rows) == 2 and not in_flight(daemon, "broken"), "two"
        )
        first, last = rows
        assert (first.end_reason, first.exit_code) == ("failed", 3)
        assert (last.end_reason, last.exit_code, last.is_failure) == ("start_failed", 3, True)
        assert last.message == "gave up after 2 failed starts in a row"
        wait_until(lambda: bool(in_flight(daemon, "well")), "the other service")
        assert daemon.stop() == 0
        assert len(daemon.rows("broken")) == 2


def test_a_service_starts_after_those_it_depends_on_and_is_stopped_before_them(tmp_path: Path) -> None:
    config = """
        [defaults]
        healthy_after = "300ms"
        [services.a-web]
        depends_on = ["b-api"]
        run = "exec sleep 600"
        [services.b-api]
        depends_on = ["c-db"]
        run = "exec sleep 600"
        [services.c-db]
        run = "exec sleep 600"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: bool(in_flight(daemon, "a-web")), "the last in the chain")
        assert [run.task_name for run in daemon.rows()] == ["c-db", "b-api", "a-web"]
        starts = [run.start_at for run in daemon.rows() if run.start_at is not None]
        assert all(later - earlier >= 300 for earlier, later in pairwise(starts))
        assert daemon.stop() == 0
        ends = {run.task_name: run.end_at for run in daemon.rows() if run.end_at is not None}
        assert sorted(ends, key=lambda name: (ends[name], name)) == ["a-web", "b-api", "c-db"]
        assert {run.end_reason for run in daemon.rows()} == {EndReason.STOPPED}


def test_without_autostart_a_service_stays_down_and_nobody_waits_for_it(tmp_path: Path) -> None:
    config = """
        [services.db]
        autostart = false
        run = "exec sleep 600"
        [services.web]
        depends_on = ["db"]
        run = "exec sleep 600"
    """
    with running(tmp_path, config) as daemon:
        wait_until(lambda: bool(in_flight(daemon, "web")), "the dependent")
        assert daemon.said("starts without its dependency")
        assert daemon.rows("db") == []
        assert daemon.stop() == 0
