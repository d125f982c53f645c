from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from runwisp.web.pace import Pace


class Worker:
    """Does work of some seconds whenever it is its turn, and notes when it began."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self.clock = clock
        self.pace = pace
        self.begun: list[float] = []

    async def _work(self, seconds: float) -> None:
        async with self.pace.turn():
            self.begun.append(self.clock.seconds())
            await _sleep(self.clock, seconds)

    def start(self, seconds: float) -> Deferred[None]:
        return Deferred.fromCoroutine(self._work(seconds))


def _sleep(clock: Clock, seconds: float) -> Deferred[None]:
    done: Deferred[None] = Deferred()
    clock.callLater(seconds, done.callback, None)
    return done


@pytest.fixture
def worker() -> Worker:
    clock = Clock()
    clock.advance(100)
    return Worker(clock, Pace(clock, share=0.25, burst_s=0.0))


def pump(clock: Clock, seconds: float) -> None:
    for _ in range(round(seconds * 4)):
        clock.advance(0.25)


def test_work_is_done_one_after_the_other_with_time_for_everything_else(worker: Worker) -> None:
    works = [worker.start(1.0) for _ in range(3)]
    pump(worker.clock, 10)
    assert worker.begun == [100.0, 104.0, 108.0]
    assert all(work.called for work in works)


def test_after_a_rest_there_may_be_some_work_at_once() -> None:
    clock = Clock()
    worker = Worker(clock, Pace(clock, share=0.25, burst_s=2.0))
    clock.advance(100)
    for _ in range(4):
        worker.start(1.0)
    pump(clock, 20)
    assert worker.begun == [100.0, 101.0, 102.0, 104.0]


def test_work_in_the_reactor_counts_too(worker: Worker) -> None:
    assert worker.pace.delay_s == 0
    with worker.pace.work():
        worker.clock.advance(0.5)
    assert worker.pace.delay_s == 1.5
    worker.start(1.0)
    pump(worker.clock, 3)
    assert worker.begun == [102.0]


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
