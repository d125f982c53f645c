from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from runwisp.engine.engine import Engine
from runwisp.engine.scheduler import LONGEST_SLEEP_S, Gap, ISlotTaker, Scheduler
from runwisp.model import UnixMs
from runwisp.policy.firing import Slot
from tests.engine.stage import NOON_S, Stage
from tests.make import config, task


@implementer(ISlotTaker)
class Rig:
    """A scheduler on a clock that starts at noon; all times are in seconds since noon."""

    def __init__(self, **crons: str) -> None:
        self.clock = Clock()
        self.offset_s = NOON_S
        self.fired: list[tuple[str, float]] = []
        self.gaps: list[tuple[str, float, float]] = []
        self.anew: list[str] = []
        self.broken: set[str] = set()
        self.caught_up: Deferred[None] = succeed(None)
        self.scheduler = Scheduler(self.clock, self.wall, self)
        for name, cron in crons.items():
            self.scheduler.add(task(f'cron = "{cron}"\ntimezone = "UTC"', name=name))
        self.scheduler.start()

    def wall(self) -> float:
        return self.clock.seconds() + self.offset_s

    def fire(self, name: str, slot: Slot) -> None:
        assert self.wall() * 1000 >= slot.at
        if name in self.broken:
            raise RuntimeError("broken on purpose")
        self.fired.append((name, slot.at / 1000 - NOON_S))

    def catch_up(self, gaps: Sequence[Gap], now: UnixMs) -> Deferred[None]:
        self.gaps += [(gap.entry.name, gap.entry.after / 1000 - NOON_S, now / 1000 - NOON_S) for gap in gaps]
        return self.caught_up

    def start_anew(self, names: Sequence[str], now: UnixMs) -> None:
        self.anew += names

    def run(self, seconds: int) -> None:
        for _ in range(seconds * 4):
            self.clock.advance(0.25)

    def next(self, name: str) -> float | None:
        at = self.scheduler.next_run(name)
        return None if at is None else at / 1000 - NOON_S


def test_the_engine_and_the_rig_take_slots() -> None:
    stage = Stage()
    assert verifyObject(ISlotTaker, Engine(stage.resources, config("")))
    assert verifyObject(ISlotTaker, Rig())


def test_tasks_fire_at_their_slots_and_in_name_order_within_one() -> None:
    rig = Rig(b="*/2 * * * * *", a="*/4 * * * * *")
    rig.run(8)
    assert rig.fired == [("b", 2), ("a", 4), ("b", 4), ("b", 6), ("a", 8), ("b", 8)]


def test_an_interval_is_counted_from_its_registration() -> None:
    rig = Rig(every="@every 7s")
    rig.run(21)
    assert rig.fired == [("every", 7), ("every", 14), ("every", 21)]


def test_the_timer_sleeps_to_the_earliest_slot_but_not_for_long() -> None:
    rig = Rig(soon="5 0 12 * * *", late="0 13 * * *")
    (call,) = rig.clock.getDelayedCalls()
    assert call.getTime() == 5
    rig.run(5)
    (call,) = rig.clock.getDelayedCalls()
    assert call.getTime() == 5 + LONGEST_SLEEP_S


def test_slots_that_a_late_wake_finds_overdue_fire_once_as_the_last_of_them() -> None:
    rig = Rig(secondly="* * * * * *")
    rig.run(1)
    rig.clock.advance(5)
    rig.run(1)
    assert rig.fired == [("secondly", 1), ("secondly", 6), ("secondly", 7)]


def test_an_overdue_interval_fires_once_and_keeps_its_rhythm() -> None:
    rig = Rig(every="@every 5s")
    rig.clock.advance(23)
    rig.run(7)
    assert rig.fired == [("every", 20), ("every", 25), ("every", 30)]


def test_nothing_fires_after_a_stop() -> None:
    rig = Rig(a="* * * * * *")
    rig.scheduler.stop()
    rig.run(3)
    assert rig.fired == []
    assert rig.clock.getDelayedCalls() == []


def test_a_task_added_later_is_scheduled_from_then_on() -> None:
    rig = Rig(a="0 13 * * *")
    rig.run(2)
    rig.scheduler.add(task('cron = "*/5 * * * * *"\ntimezone = "UTC"', name="b"))
    rig.run(4)
    assert rig.fired == [("b", 5)]
    assert (rig.next("a"), rig.next("b"), rig.next("c")) == (3600, 10, None)


def test_a_task_that_was_removed_fires_no_more_and_a_new_schedule_takes_its_place() -> None:
    rig = Rig(a="*/2 * * * * *", b="*/2 * * * * *")
    rig.scheduler.remove("a")
    rig.scheduler.remove("b")
    rig.scheduler.remove("c")
    rig.scheduler.add(task('cron = "*/3 * * * * *"\ntimezone = "UTC"', name="b"))
    rig.run(6)
    assert rig.fired == [("b", 3), ("b", 6)]


def test_a_firing_that_fails_holds_up_no_other(logged_failures: list[Failure]) -> None:
    rig = Rig(a="* * * * * *", b="* * * * * *")
    rig.broken.add("a")
    rig.run(2)
    assert rig.fired == [("b", 1), ("b", 2)]
    assert len(logged_failures) == 2
    logged_failures.clear()


def test_lateness_is_what_the_timer_is_overdue() -> None:
    rig = Rig(a="*/10 * * * * *")
    assert rig.scheduler.lateness_s() == 0
    rig.clock.rightNow += 12
    assert rig.scheduler.lateness_s() == 2


def test_a_clock_set_back_fires_no_slot_twice() -> None:
    rig = Rig(minutely="* * * * *")
    rig.run(60)
    rig.offset_s -= 1800
    rig.run(1860)
    assert rig.fired == [("minutely", 60), ("minutely", 120)]


def test_an_interval_goes_on_in_real_time_when_the_clock_is_set_back() -> None:
    rig = Rig(every="@every 40s")
    rig.run(10)
    rig.offset_s -= 1800
    rig.run(110)
    assert len(rig.fired) == 3


def test_a_clock_set_back_by_more_than_three_hours_starts_every_schedule_anew() -> None:
    rig = Rig(minutely="* * * * *", every="@every 40s")
    rig.run(60)
    rig.fired.clear()
    rig.offset_s -= 4 * 3600
    rig.run(60)
    assert rig.anew == ["every", "minutely"]
    assert ("minutely", 120 - 4 * 3600) in rig.fired


@pytest.mark.parametrize("asleep", [False, True])
def test_a_long_sleep_or_a_clock_set_ahead_is_a_gap(asleep: bool) -> None:
    rig = Rig(minutely="* * * * *", hourly="0 * * * *", yearly="0 0 1 1 *")
    rig.run(60)
    if asleep:
        rig.clock.advance(7200)
    else:
        rig.offset_s += 7200
        rig.run(30)
    now = rig.wall() - NOON_S
    assert [(name, after) for name, after, _ in rig.gaps] == [("hourly", 0), ("minutely", 60)]
    assert all(now - 30 <= until <= now for _, _, until in rig.gaps)
    assert rig.fired == [("minutely", 60)]
    rig.run(60)
    assert rig.fired[1:] == [("minutely", 7320)]


def test_nothing_fires_while_a_gap_is_being_caught_up() -> None:
    rig = Rig(secondly="* * * * * *")
    rig.caught_up = Deferred()
    rig.clock.advance(600)
    rig.run(5)
    assert rig.fired == []
    rig.caught_up.callback(None)
    rig.run(1)
    assert [at for _, at in rig.fired] == [605, 606]


def test_a_clock_that_jumps_while_a_gap_is_being_caught_up_is_another_gap() -> None:
    rig = Rig(secondly="* * * * * *")
    rig.caught_up = Deferred()
    rig.clock.advance(600)
    rig.offset_s += 300
    rig.clock.advance(1)
    caught_up, rig.caught_up = rig.caught_up, succeed(None)
    caught_up.callback(None)
    rig.run(1)
    assert rig.gaps == [("secondly", 0, 600), ("secondly", 600, 901)]
    assert rig.fired == [("secondly", 902)]


def test_a_task_that_is_added_after_a_jump_of_the_clock_does_not_hide_it() -> None:
    rig = Rig(minutely="* * * * *", every="@every 40s")
    rig.run(1)
    rig.offset_s += 300
    rig.scheduler.add(task('cron = "0 13 * * *"\ntimezone = "UTC"', name="new"))
    rig.run(1)
    assert rig.gaps == [("minutely", 0, 301)]
    rig.offset_s -= 4 * 3600
    rig.scheduler.add(task('cron = "0 14 * * *"\ntimezone = "UTC"', name="newer"))
    assert rig.anew == ["every", "minutely", "new"]
    assert rig.next("minutely") == 360 - 4 * 3600


def test_nothing_fires_if_the_scheduler_stops_while_a_gap_is_being_caught_up() -> None:
    rig = Rig(secondly="* * * * * *")
    rig.caught_up = Deferred()
    rig.clock.advance(600)
    rig.scheduler.stop()
    rig.caught_up.callback(None)
    rig.run(2)
    assert rig.fired == []
    assert rig.clock.getDelayedCalls() == []


def test_a_catch_up_that_fails_does_not_end_the_schedules(logged_failures: list[Failure]) -> None:
    rig = Rig(secondly="* * * * * *")
    rig.caught_up = fail(RuntimeError("broken on purpose"))
    rig.clock.advance(600)
    assert logged_failures.pop().check(RuntimeError)
    rig.run(1)
    assert rig.fired == [("secondly", 601)]


def test_an_interval_that_was_slept_through_fires_once_and_goes_on_from_there() -> None:
    rig = Rig(every="@every 40s")
    rig.clock.advance(610)
    rig.run(80)
    assert rig.gaps == []
    assert rig.fired == [("every", 600), ("every", 650), ("every", 690)]


def test_a_small_step_forward_is_an_ordinary_late_firing() -> None:
    rig = Rig(minutely="* * * * *")
    rig.run(50)
    rig.offset_s += 40
    rig.run(10)
    assert rig.gaps == []
    assert rig.fired == [("minutely", 60)]


def test_an_overdue_slot_that_runs_counts_before_a_skipped_copy() -> None:
    rig = Rig()
    # Clocks in Bratislava go back from 03:00 to 02:00 at 01:00 UTC on 2026-10-25.
    rig.offset_s = 1792890000.0 - 10
    rig.scheduler.add(task('cron = "0,58 0,59 2 * * *"\ntimezone = "Europe/Bratislava"', name="a"))
    rig.clock.advance(20)
    assert rig.fired == [("a", 1792890000.0 - 2 - NOON_S)]


def test_skipped_copies_are_no_next_run() -> None:
    rig = Rig()
    # Clocks in Bratislava go back from 03:00 to 02:00 at 01:00 UTC on 2026-10-25.
    rig.offset_s = 1792890000.0 - 60
    rig.scheduler.add(task('cron = "30 2 * * *"\ntimezone = "Europe/Bratislava"', name="b"))
    assert rig.scheduler.next_run("b") == 1792891800000 + 24 * 3600 * 1000


@pytest.mark.parametrize(("hours", "anew"), [(-4, ["every", "secondly"]), (-1, [])])
def test_a_clock_that_is_set_while_slots_fire_is_noticed_at_the_next_one(hours: int, anew: list[str]) -> None:
    class Stepping(Rig):
        def fire(self, name: str, slot: Slot) -> None:
            super().fire(name, slot)
            if name == "secondly" and self.offset_s == NOON_S:
                self.offset_s += hours * 3600

    rig = Stepping(secondly="* * * * * *", every="@every 1s")
    rig.run(1)
    rig.run(40)
    assert rig.anew == anew
    assert len([name for name, _ in rig.fired if name == "every"]) > 5


def test_the_coming_slots_are_known_as_far_as_one_asks() -> None:
    rig = Rig(a="0 */6 * * *")
    assert [at / 1000 - NOON_S for at in islice(rig.scheduler.coming("a"), 3)] == [21600, 43200, 64800]
    assert list(rig.scheduler.coming("nobody")) == []


def test_others_may_go_with_each_wake_and_their_failures_hold_up_nothing(
    logged_failures: list[Failure],
) -> None:
    rig = Rig()
    wakes: list[float] = []

    def on_wake() -> None:
        wakes.append(rig.clock.seconds())
        if len(wakes) == 2:
            raise RuntimeError("broken on purpose")

    rig.scheduler.on_wake = on_wake
    rig.run(90)
    assert wakes == [30, 60, 90]
    assert logged_failures.pop().check(RuntimeError)
