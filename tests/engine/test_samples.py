from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.engine.samples import KEPT, HostFigures, MetricsSample, Samples, measure_host
from runwisp.model import Bytes
from tests.engine.stage import NOON_S


class Rig:
    """Each look at the machine finds one percent more."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.looks = 0
        self.is_broken = False
        self.samples = Samples(self.clock, lambda: self.clock.seconds() + NOON_S, self.measure)
        self.heard: list[float] = []
        self.samples.start()

    def measure(self) -> HostFigures:
        if self.is_broken:
            raise OSError("not mounted")
        self.looks += 1
        return HostFigures(cpu_usage=self.looks - 1, mem_used=Bytes(1), mem_total=Bytes(3))

    def taken(self) -> list[float]:
        return [sample.at / 1000 - NOON_S for sample in self.samples.recent]

    def wake_every(self, interval_s: float, times: int) -> None:
        for _ in range(times):
            self.clock.advance(interval_s)
            self.samples.on_wake()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_machine_can_be_measured() -> None:
    figures = measure_host()
    assert 0 <= figures.cpu_usage <= 100
    assert 0 < figures.mem_used < figures.mem_total


def test_an_idle_daemon_samples_with_wakes_that_come_anyway(rig: Rig) -> None:
    rig.wake_every(30, 3)
    assert rig.taken() == [30, 60, 90]
    assert rig.clock.getDelayedCalls() == []


def test_wakes_that_come_often_or_a_little_early_do_not_change_how_often(rig: Rig) -> None:
    rig.wake_every(1, 60)
    assert rig.taken() == [29, 58]
    rig.wake_every(29.5, 2)
    assert rig.taken()[2:] == [89.5, 119]


def test_there_is_a_sample_every_five_seconds_while_somebody_watches(rig: Rig) -> None:
    rig.samples.hold()
    rig.samples.hold()
    rig.clock.pump([1] * 11)
    rig.samples.release()
    rig.samples.on_wake()
    rig.clock.pump([1] * 4)
    rig.samples.release()
    rig.clock.pump([1] * 20)
    assert rig.taken() == [5, 10, 15]
    assert rig.clock.getDelayedCalls() == []
    rig.samples.hold()
    rig.clock.advance(5)
    rig.samples.release()
    assert rig.taken() == [5, 10, 15, 40]


def test_the_last_samples_are_kept_oldest_first(rig: Rig) -> None:
    rig.wake_every(30, KEPT + 3)
    assert rig.taken() == [30 * number for number in range(4, KEPT + 4)]
    assert rig.samples.recent[0] == MetricsSample(
        at=rig.samples.recent[0].at, cpu_usage=4, mem_usage=33.3, mem_used=Bytes(1), mem_total=Bytes(3)
    )


def test_who_subscribes_gets_each_sample_until_it_has_enough(rig: Rig) -> None:
    enough = rig.samples.subscribe(lambda sample: rig.heard.append(sample.cpu_usage))
    rig.wake_every(30, 2)
    enough()
    rig.wake_every(30, 1)
    assert rig.heard == [1, 2]


def test_the_newest_figures_are_a_few_seconds_old_at_most_and_not_kept(rig: Rig) -> None:
    assert rig.samples.newest() is rig.samples.newest()
    rig.clock.advance(5)
    assert rig.samples.newest().cpu_usage == 2
    assert rig.taken() == []
    rig.wake_every(15, 2)
    assert rig.taken() == [35]
    assert rig.samples.newest() is rig.samples.recent[-1]


def test_a_machine_that_cannot_be_measured_ends_nothing(rig: Rig, logged_failures: list[Failure]) -> None:
    rig.is_broken = True
    rig.samples.start()
    rig.samples.hold()
    rig.clock.advance(5)
    rig.is_broken = False
    rig.clock.advance(5)
    rig.samples.release()
    assert rig.taken() == [10]
    assert [failure.check(OSError) for failure in logged_failures] == [OSError, OSError]
    logged_failures.clear()
