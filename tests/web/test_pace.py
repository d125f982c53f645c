from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from runwisp.web.pace import LONGEST_S, Pace

#: All times here are so many of these, which binary fractions hold exactly.
UNIT_S = 1 / 64


class Worker:
    """Does work of some units whenever it is its turn, and notes when it began, in units too."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self.clock = clock
        self.pace = pace
        self.begun: list[float] = []

    async def _work(self, units: float) -> None:
        async with self.pace.turn():
            self.begun.append(self.clock.seconds() / UNIT_S)
            await deferLater(self.clock, units * UNIT_S)

    def start(self, units: float) -> Deferred[None]:
        return Deferred.fromCoroutine(self._work(units))


@pytest.fixture
def worker() -> Worker:
    clock = Clock()
    clock.advance(100 * UNIT_S)
    return Worker(clock, Pace(clock, share=0.25, burst_s=0.0))


def pump(clock: Clock, units: float) -> None:
    for _ in range(round(units * 4)):
        clock.advance(UNIT_S / 4)


def test_work_is_done_one_after_the_other_with_time_for_everything_else(worker: Worker) -> None:
    works = [worker.start(1.0) for _ in range(3)]
    pump(worker.clock, 10)
    assert worker.begun == [100.0, 104.0, 108.0]
    assert all(work.called for work in works)


def test_after_a_rest_there_may_be_some_work_at_once() -> None:
    clock = Clock()
    worker = Worker(clock, Pace(clock, share=0.25, burst_s=2 * UNIT_S))
    clock.advance(100 * UNIT_S)
    for _ in range(4):
        worker.start(1.0)
    pump(clock, 20)
    assert worker.begun == [100.0, 101.0, 102.0, 104.0]


def test_work_in_the_reactor_counts_too(worker: Worker) -> None:
    assert worker.pace.delay_s == 0
    with worker.pace.work():
        worker.clock.advance(UNIT_S / 2)
    assert worker.pace.delay_s == 1.5 * UNIT_S
    worker.start(1.0)
    pump(worker.clock, 3)
    assert worker.begun == [102.0]


def test_a_slow_disk_is_no_work(worker: Worker) -> None:
    with worker.pace.work():
        worker.clock.advance(60)
    worker.clock.advance(LONGEST_S / 0.25)
    assert worker.pace.delay_s == 0


def test_very_many_can_be_done_at_once() -> None:
    clock = Clock()
    pace, done = Pace(clock, share=0.25, burst_s=0.0), []

    async def work() -> None:
        async with pace.turn():
            done.append(await first)

    first: Deferred[int] = Deferred()
    works = [Deferred.fromCoroutine(work()) for _ in range(2000)]
    first.callback(7)
    assert all(work.called for work in works)
    assert len(done) == 2000


def test_who_leaves_while_it_waits_or_works_holds_up_nobody(worker: Worker) -> None:
    first, second, third = (worker.start(1.0) for _ in range(3))
    for given_up in (second, first):
        given_up.cancel()
        given_up.addErrback(lambda failure: None)
    pump(worker.clock, 2)
    assert worker.begun == [100.0, 100.0]
    assert third.called
