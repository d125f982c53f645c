from __future__ import annotations

from collections.abc import Coroutine
from typing import TypeVar

import pytest
from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.events import Bus, RunCreated, RunEnded
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.web.waiting import Waiting
from tests.make import run

T = TypeVar("T")


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = Bus(self.clock)
        self.waiting = Waiting(self.clock, self.bus)
        self.is_true = False

    def begin(self, work: Coroutine[Deferred[object], object, T]) -> tuple[Deferred[None], list[T]]:
        """The work, and where its result will be."""
        results: list[T] = []
        return Deferred.fromCoroutine(work).addCallback(results.append), results

    def ended(self, run: Run) -> Run:
        run = evolve(
            run, status=Status.ENDED, end_reason=EndReason.SUCCESS, exit_code=0, end_at=UnixMs(run.created_at)
        )
        self.bus.publish(RunEnded(run))
        self.clock.advance(0)
        return run


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_end_of_a_run_is_heard_of_and_no_other(rig: Rig) -> None:
    mine, other = run(), run()
    _, results = rig.begin(rig.waiting.end_of(mine))
    rig.ended(other)
    assert results == []
    ended = rig.ended(mine)
    rig.ended(mine)
    assert results == [ended]


def test_a_run_that_has_ended_is_not_waited_for(rig: Rig) -> None:
    ended = rig.ended(run())
    assert rig.begin(rig.waiting.end_of(ended))[1] == [ended]


def test_a_state_is_looked_at_now_and_after_each_event(rig: Rig) -> None:
    done, results = rig.begin(rig.waiting.until(lambda: rig.is_true))
    rig.bus.publish(RunCreated(run()))
    rig.clock.advance(0)
    rig.is_true = True
    assert results == []
    rig.bus.publish(RunCreated(run()))
    rig.clock.advance(0)
    assert done.called
    assert rig.begin(rig.waiting.until(lambda: rig.is_true))[1] == [None]


def test_nothing_is_waited_for_longer_than_allowed(rig: Rig) -> None:
    mine = run()
    _, results = rig.begin(rig.waiting.within(5, rig.waiting.end_of(mine)))
    rig.clock.advance(4.9)
    assert results == []
    rig.clock.advance(0.1)
    assert results == [None]
    rig.ended(mine)
    assert results == [None]


def test_a_result_in_time_leaves_nothing_behind(rig: Rig) -> None:
    mine = run()
    _, results = rig.begin(rig.waiting.within(5, rig.waiting.end_of(mine)))
    ended = rig.ended(mine)
    assert results == [ended]
    assert rig.clock.getDelayedCalls() == []


def test_who_has_lost_interest_is_told_nothing(rig: Rig) -> None:
    mine = run()
    failures: list[Failure] = []
    waiting, results = rig.begin(rig.waiting.within(5, rig.waiting.end_of(mine)))
    waiting.addErrback(failures.append)
    waiting.cancel()
    rig.ended(mine)
    assert results == []
    assert [failure.check(CancelledError) for failure in failures] == [CancelledError]
    assert rig.clock.getDelayedCalls() == []
