from __future__ import annotations

from twisted.internet.task import Clock

from runwisp.engine.scheduler import LONGEST_SLEEP_S, Scheduler
from runwisp.model import UnixMs
from runwisp.policy.firing import Slot
from tests.engine.stage import NOON_S
from tests.make import task


class Rig:
    """A scheduler on a clock that starts at noon; ``fired`` has the seconds since noon of each slot."""

    def __init__(self, **crons: str) -> None:
        self.clock = Clock()
        self.offset_s = NOON_S
        self.fired: list[tuple[str, float]] = []
        self.scheduler = Scheduler(self.clock, self.wall, self._fire)
        for name, cron in crons.items():
            self.scheduler.add(task(f'cron = "{cron}"\ntimezone = "UTC"', name=name))
        self.scheduler.start()

    def wall(self) -> float:
        return self.clock.seconds() + self.offset_s

    def _fire(self, name: str, slot: Slot) -> None:
        assert self.wall() * 1000 >= slot.at
        self.fired.append((name, slot.at / 1000 - NOON_S))

    def run(self, seconds: int) -> None:
        for _ in range(seconds * 4):
            self.clock.advance(0.25)


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


def test_a_clock_set_back_fires_no_slot_twice() -> None:
    rig = Rig(minutely="* * * * *")
    rig.run(60)
    rig.offset_s -= 1800
    rig.run(1860)
    assert rig.fired == [("minutely", 60), ("minutely", 120)]


def test_slots_that_a_late_wake_finds_overdue_fire_once() -> None:
    rig = Rig(secondly="* * * * * *")
    rig.run(1)
    rig.clock.advance(5)
    rig.run(1)
    assert rig.fired == [("secondly", 1), ("secondly", 2), ("secondly", 7)]


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
    assert rig.scheduler.next_run("b") == UnixMs(int((NOON_S + 10) * 1000))
    assert rig.scheduler.next_run("a") == UnixMs(int((NOON_S + 3600) * 1000))
    assert rig.scheduler.next_run("c") is None


def test_a_firing_that_fails_holds_up_no_other(logged_failures: list[object]) -> None:
    clock, fired = Clock(), list[str]()

    def fire(name: str, slot: Slot) -> None:
        if name == "a":
            raise RuntimeError("broken on purpose")
        fired.append(name)

    scheduler = Scheduler(clock, lambda: clock.seconds() + NOON_S, fire)
    for name in "ab":
        scheduler.add(task('cron = "* * * * * *"\ntimezone = "UTC"', name=name))
    scheduler.start()
    clock.pump([1, 1])
    assert fired == ["b", "b"]
    assert len(logged_failures) == 2
    logged_failures.clear()


def test_lateness_is_what_the_timer_is_overdue() -> None:
    rig = Rig(a="*/10 * * * * *")
    assert rig.scheduler.lateness_s() == 0
    rig.clock.rightNow += 12
    assert rig.scheduler.lateness_s() == 2
