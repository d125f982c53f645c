"""The real daemon when its wall clock is set, when it sleeps, and in the nights of a time change."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runwisp.model import EndReason, Run, Status
from tests.system.program import Daemon, running, wait_until
from tests.system.wall_clock import WallClock

pytestmark = pytest.mark.system

HOUR = 3600.0
BRATISLAVA = ZoneInfo("Europe/Bratislava")


def reasons(rows: Iterable[Run]) -> list[EndReason | None]:
    return [run.end_reason for run in rows]


def fired(rows: Iterable[Run]) -> list[Run]:
    """The runs that were to be executed."""
    return [run for run in rows if run.end_reason is not EndReason.MISSED]


def ended(rows: Iterable[Run]) -> list[Run]:
    return [run for run in rows if run.status is Status.ENDED]


def new_ones(rows: Iterable[Run], old: Iterable[Run]) -> list[Run]:
    known = {run.id for run in old}
    return [run for run in rows if run.id not in known]


def wait_for_more(daemon: Daemon, name: str, more: int) -> None:
    wanted = len(daemon.rows(name)) + more
    daemon.wait_for_rows(name, lambda rows: len(rows) >= wanted, f"{more} more")


SET_BACK = """
    [tasks.tick]
    cron = "* * * * * *"
    env_base = "clean"
    run = "true"
    [tasks.interval]
    cron = "@every 1s"
    env_base = "clean"
    run = "true"
    [tasks.flaky]
    run_on_start = true
    retry_attempts = 4
    retry_delay = "1s"
    env_base = "clean"
    run = "exit 1"
    [tasks.long]
    cron = "* * * * * *"
    on_overlap = "skip"
    timeout = "2s"
    env_base = "clean"
    run = "exec sleep 600"
    [services.web]
    restart_delay = "1s"
    restart_backoff = "constant"
    env_base = "clean"
    run = "true"
"""


def test_set_back_by_an_hour_nothing_fires_twice_and_delays_and_timeouts_are_kept(tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    with running(tmp_path, SET_BACK, clock.environ) as daemon:
        daemon.wait_for_rows("tick", lambda rows: len(rows) >= 2, "two slots")
        daemon.wait_for_rows("long", lambda rows: bool(rows), "the long run")
        clock.step(-HOUR)
        before = daemon.rows()
        edge = (clock.now() + HOUR / 2) * 1000
        for name in ("interval", "web"):
            wait_for_more(daemon, name, 3)
        daemon.wait_for_rows("flaky", lambda rows: len(ended(rows)) == 5, "every retry")
        daemon.wait_for_rows("long", lambda rows: EndReason.TIMEOUT in reasons(rows), "the timeout")
        since = [run for run in new_ones(daemon.rows(), before) if run.created_at < edge]
        assert {run.task_name for run in since} == {"interval", "flaky", "web"}

        # Right again: what the schedules have slept through is a gap like every other.
        clock.step(HOUR)
        rows = daemon.wait_for_rows("tick", lambda rows: EndReason.MISSED in reasons(rows), "the gap")
        (gap,) = (run for run in rows if run.end_reason is EndReason.MISSED)
        assert gap.message is not None
        assert int(gap.message.split()[0]) < 60
        wait_for_more(daemon, "tick", 3)
        assert reasons(daemon.rows("tick")).count(EndReason.MISSED) == 1
        assert daemon.stop() == 0


def test_set_back_by_four_hours_every_schedule_starts_anew_and_the_log_says_so(tmp_path: Path) -> None:
    clock = WallClock(tmp_path)
    with running(tmp_path, SET_BACK, clock.environ) as daemon:
        daemon.wait_for_rows("tick", lambda rows: len(rows) >= 2, "two slots")
        before = daemon.rows("tick")
        clock.step(-4 * HOUR)
        edge = (clock.now() + HOUR) * 1000
        daemon.wait_for_rows(
            "tick", lambda rows: sum(run.created_at < edge for run in rows) >= 3, "slots of the new clock"
        )
        daemon.wait_for_rows(
            "interval", lambda rows: sum(run.created_at < edge for run in rows) >= 3, "intervals"
        )
        assert daemon.said("[WARN] the clock was set far back")
        assert EndReason.MISSED not in reasons(daemon.rows())
        assert len([run for run in daemon.rows("tick") if run.created_at > edge]) - len(before) in (0, 1)
        assert daemon.stop() == 0


def test_set_back_between_two_daemons_the_same_rules_hold(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        env_base = "clean"
        run = "true"
        [tasks.interval]
        cron = "@every 1s"
        env_base = "clean"
        run = "true"
    """
    clock = WallClock(tmp_path)
    with running(tmp_path, config, clock.environ) as daemon:
        daemon.wait_for_rows("tick", lambda rows: len(rows) >= 2, "two slots")
        daemon.kill()
        before = daemon.rows()
        clock.step(-HOUR)
        daemon.start()
        daemon.wait_for_rows("interval", lambda rows: len(new_ones(rows, before)) >= 3, "three intervals")
        assert new_ones(daemon.rows("tick"), before) == []
        daemon.kill()
        clock.step(-3 * HOUR)
        daemon.start()
        rows = daemon.wait_for_rows("tick", lambda rows: len(new_ones(rows, before)) >= 2, "slots")
        assert EndReason.MISSED not in reasons(rows)
        assert daemon.said("[WARN] the clock was set far back")
        assert daemon.stop() == 0


SET_AHEAD = """
    [tasks.pulse]
    cron = "* * * * * *"
    catch_up = "skip"
    env_base = "clean"
    run = "true"
    [tasks.all]
    cron = "{cron}"
    timezone = "UTC"
    catch_up = "all"
    parallelism = 8
    env_base = "clean"
    run = "true"
    [tasks.latest]
    cron = "{cron}"
    timezone = "UTC"
    parallelism = 2
    env_base = "clean"
    run = "true"
    [tasks.skip]
    cron = "{cron}"
    timezone = "UTC"
    catch_up = "skip"
    env_base = "clean"
    run = "true"
    [tasks.interval]
    cron = "@every 20m"
    env_base = "clean"
    run = "true"
"""


@pytest.mark.parametrize(
    ("cron", "target", "missed", "latest", "sleeps"),
    [
        (
            "* * * * *",
            datetime(2027, 1, 5, 13, 0, 30, tzinfo=UTC),
            60,
            datetime(2027, 1, 5, 13, tzinfo=UTC),
            True,
        ),
        (
            "0 0 1 1 *",
            datetime(2037, 1, 5, 12, 0, 30, tzinfo=UTC),
            10,
            datetime(2037, 1, 1, tzinfo=UTC),
            False,
        ),
    ],
    ids=["by_an_hour_in_which_it_slept", "by_ten_years"],
)
def test_set_ahead_each_gap_is_recorded_once_and_the_policy_decides(
    tmp_path: Path, cron: str, target: datetime, missed: int, latest: datetime, *, sleeps: bool
) -> None:
    clock = WallClock(tmp_path, datetime(2027, 1, 5, 12, 0, 20, tzinfo=UTC))
    with running(tmp_path, SET_AHEAD.format(cron=cron), clock.environ) as daemon:
        daemon.wait_for_rows("pulse", lambda rows: bool(rows), "a first slot")
        if sleeps:
            daemon.process.send_signal(signal.SIGSTOP)
        clock.set(target)
        if sleeps:
            daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_for_rows("all", lambda rows: len(ended(rows)) == 1 + missed, "every slot")
        daemon.wait_for_rows("latest", lambda rows: len(ended(rows)) == 2, "the last slot")
        daemon.wait_for_rows("interval", lambda rows: bool(ended(rows)), "the interval")
        wait_for_more(daemon, "pulse", 2)
        for name, reruns in (("all", missed), ("latest", 1), ("skip", 0)):
            gap, *again = daemon.rows(name)
            assert (gap.end_reason, gap.exit_code, gap.triggered_by) == ("missed", -1, "cron")
            assert gap.created_at == gap.end_at == latest.timestamp() * 1000
            assert gap.message is not None
            assert gap.message.startswith(f"{missed} slots missed since ")
            assert reasons(again) == [EndReason.SUCCESS] * reruns
            assert all(run.created_at >= target.timestamp() * 1000 for run in again)
        assert reasons(daemon.rows("interval")) == [EndReason.SUCCESS]
        assert reasons(daemon.rows("pulse")).count(EndReason.MISSED) == 1
        assert daemon.stop() == 0


def test_after_a_short_sleep_an_overdue_slot_fires_once_and_is_not_missed(tmp_path: Path) -> None:
    config = """
        [tasks.tick]
        cron = "* * * * * *"
        env_base = "clean"
        run = "true"
    """
    clock = WallClock(tmp_path)
    with running(tmp_path, config, clock.environ) as daemon:
        before = daemon.wait_for_rows("tick", lambda rows: len(ended(rows)) >= 2, "two slots")
        daemon.process.send_signal(signal.SIGSTOP)
        clock.step(30)
        woke = clock.now() * 1000
        daemon.process.send_signal(signal.SIGCONT)
        rows = daemon.wait_for_rows(
            "tick", lambda rows: sum(run.created_at >= woke for run in rows) >= 3, "three slots"
        )
        late, *on_time = (run.created_at for run in new_ones(rows, before) if run.created_at >= woke)
        assert EndReason.MISSED not in reasons(rows)
        assert on_time[0] // 1000 > late // 1000
        assert max(run.created_at for run in before) < woke - 25_000
        assert daemon.stop() == 0


class Night:
    """A night of a time change, whose moments are visited one after the other.

    Between them the clock is set ahead over stretches in which only ``zz``, which fires last, has slots.
    """

    def __init__(self, daemon: Daemon, clock: WallClock) -> None:
        self.daemon = daemon
        self.clock = clock

    def go_to(self, moment: datetime) -> dict[str, EndReason | None]:
        """Set the clock to two seconds before ``moment``; what its slots lead to, by task."""
        self.clock.set(datetime.fromtimestamp(moment.timestamp() - 2, UTC))
        return self.wait_for(moment)

    def wait_for(self, moment: datetime) -> dict[str, EndReason | None]:
        """What the slots of ``moment`` lead to, by task."""
        at = moment.timestamp() * 1000
        self.daemon.wait_for_rows("zz", lambda rows: any(run.created_at >= at for run in fired(rows)), "it")
        wait_until(lambda: self._runs(at) == ended(self._runs(at)), "the ends of the runs")
        return {run.task_name: run.end_reason for run in self._runs(at)}

    def _runs(self, at: float) -> list[Run]:
        return [run for run in self.daemon.rows() if run.task_name != "zz" and run.created_at >= at]


def night_config(**crons: str) -> str:
    return "".join(
        f"""
        [tasks.{name}]
        cron = "{cron}"
        timezone = "Europe/Bratislava"
        catch_up = "skip"
        env_base = "clean"
        run = "true"
        """
        for name, cron in {"zz": "* * * * * *", **crons}.items()
    )


def local(day: datetime, hour: int, minute: int, *, is_repeated: bool = False) -> datetime:
    return day.replace(hour=hour, minute=minute, fold=int(is_repeated), tzinfo=BRATISLAVA)


RUNS = EndReason.SUCCESS
SKIPPED = EndReason.DST_SKIPPED


def test_in_the_night_that_loses_an_hour_wall_clock_jobs_run_once_at_its_end(tmp_path: Path) -> None:
    day = datetime(2027, 3, 28)  # noqa: DTZ001  the zone comes with the hour
    clock = WallClock(tmp_path, datetime(2027, 3, 28, 0, 59, 55, tzinfo=UTC))
    config = night_config(
        once="30 2 * * *",
        twice_in_it="15,45 2 * * *",
        in_it_and_after="15 2,3 * * *",
        at_both_ends="0 2,3 * * *",
        steps_in_it="*/15 2 * * *",
        every_quarter="*/15 * * * *",
    )
    with running(tmp_path, config, clock.environ) as daemon:
        night = Night(daemon, clock)
        assert night.wait_for(local(day, 3, 0)) == dict.fromkeys(
            ["once", "twice_in_it", "in_it_and_after", "at_both_ends", "every_quarter"], RUNS
        )
        assert night.go_to(local(day, 3, 15)) == {"in_it_and_after": RUNS, "every_quarter": RUNS}
        assert {run.task_name for run in daemon.rows() if run.end_reason is EndReason.MISSED} <= {"zz"}
        assert daemon.rows("steps_in_it") == []
        assert daemon.stop() == 0


def test_in_the_night_that_repeats_an_hour_wall_clock_jobs_run_in_the_first_copy(tmp_path: Path) -> None:
    day = datetime(2026, 10, 25)  # noqa: DTZ001  the zone comes with the hour
    clock = WallClock(tmp_path, datetime(2026, 10, 24, 23, 59, 55, tzinfo=UTC))
    config = night_config(
        once="30 2 * * *", half_hours="0,30 2 * * *", steps="*/30 2 * * *", hourly="0 * * * *"
    )
    with running(tmp_path, config, clock.environ) as daemon:
        night = Night(daemon, clock)
        assert night.wait_for(local(day, 2, 0)) == {"half_hours": RUNS, "steps": RUNS, "hourly": RUNS}
        assert night.go_to(local(day, 2, 30)) == {"once": RUNS, "half_hours": RUNS, "steps": RUNS}
        assert night.go_to(local(day, 2, 0, is_repeated=True)) == {
            "half_hours": SKIPPED,
            "steps": RUNS,
            "hourly": RUNS,
        }
        assert night.go_to(local(day, 2, 30, is_repeated=True)) == {
            "once": SKIPPED,
            "half_hours": SKIPPED,
            "steps": RUNS,
        }
        rows = [run for run in daemon.rows() if run.task_name != "zz"]
        assert EndReason.MISSED not in reasons(rows)
        assert not any(run.is_failure for run in rows)
        assert daemon.stop() == 0
