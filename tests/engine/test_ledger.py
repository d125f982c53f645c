from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Cursor
from typing import TypeVar

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from runwisp.errors import StorageError
from runwisp.events import RunCreated, RunEnded, RunUpdated, TaskUpdated
from runwisp.model import EndReason, Run, Status, UnixMs
from runwisp.store import marks
from tests.engine.stage import NOON_S, Stage
from tests.make import run

T = TypeVar("T")
NOON = UnixMs(int(NOON_S * 1000))
FULL = StorageError("the disk is full")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def ended(pending: Run, next_retry_at: UnixMs | None = None) -> Run:
    return evolve(
        pending,
        status=Status.ENDED,
        end_reason=EndReason.STOPPED,
        exit_code=-1,
        end_at=pending.created_at,
        next_retry_at=next_retry_at,
    )


def wait(stage: Stage, seconds: float) -> None:
    stage.clock.advance(seconds)
    stage.settle()


def test_what_is_written_after_a_refused_row_waits_behind_it(stage: Stage) -> None:
    pending, other, ledger = run(), run(), stage.resources.ledger
    stage.database.refusal = FULL
    ledger.record(pending)
    stage.database.refusal = None
    ledger.end(ended(pending))
    ledger.record(other)
    assert stage.rows() == []
    wait(stage, 0.5)
    assert (stage.row(pending).status, stage.row(other).status) == ("ended", "pending")
    assert stage.events == [RunCreated(pending), RunEnded(ended(pending)), RunCreated(other)]
    assert stage.clock.getDelayedCalls() == []


def test_a_mark_does_not_go_back_because_an_earlier_slot_was_refused(stage: Stage) -> None:
    stage.database.now(lambda cursor: marks.register(cursor, "t", NOON))
    stage.database.refusal = FULL
    stage.resources.ledger.record(run(), tick=UnixMs(NOON + 1000))
    wait(stage, 0.25)
    stage.database.refusal = None
    stage.resources.ledger.record(run(), tick=UnixMs(NOON + 2000))
    wait(stage, 0.25)
    assert stage.database.now(marks.registrations)["t"].last_tick_at == NOON + 2000


class Hesitant:
    """Holds every write up, and lets a test answer them one by one."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Callable[[], object]] = []
        self._write = stage.database.write
        monkeypatch.setattr(stage.database, "write", self.write)

    def write(self, work: Callable[[Cursor], T]) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        self.answers.append(lambda: self._write(work).chainDeferred(done))
        return done


def test_rows_that_were_under_way_together_are_tried_again_in_their_order(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, later = run(), run()
    hesitant = Hesitant(stage, monkeypatch)
    stage.resources.ledger.record(pending)
    stage.resources.ledger.end(ended(pending))
    stage.database.refusal = FULL
    hesitant.answers.pop(0)()
    stage.resources.ledger.record(later)
    hesitant.answers.pop(0)()
    stage.database.refusal = None
    wait(stage, 0.5)
    while hesitant.answers:
        hesitant.answers.pop(0)()
    stage.settle()
    assert stage.events == [RunCreated(pending), RunEnded(ended(pending)), RunCreated(later)]


def test_what_was_under_way_behind_a_refused_row_does_not_overtake_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database.now(lambda cursor: marks.register(cursor, "t", NOON))
    first, second = run(), run()
    hesitant = Hesitant(stage, monkeypatch)
    stage.resources.ledger.record(first, tick=UnixMs(NOON + 1000))
    stage.resources.ledger.record(second, tick=UnixMs(NOON + 2000))
    stage.database.refusal = FULL
    hesitant.answers.pop(0)()
    stage.database.refusal = None
    hesitant.answers.pop(0)()
    assert stage.rows() == []
    wait(stage, 0.5)
    while hesitant.answers:
        hesitant.answers.pop(0)()
    stage.settle()
    assert stage.events == [RunCreated(first), RunCreated(second)]
    assert stage.database.now(marks.registrations)["t"].last_tick_at == NOON + 2000


def test_a_row_is_tried_again_ever_more_rarely(stage: Stage) -> None:
    stage.database.refusal = FULL
    stage.resources.ledger.record(run())
    waits = []
    for _ in range(7):
        (call,) = stage.clock.getDelayedCalls()
        waits.append(call.getTime() - stage.clock.seconds())
        wait(stage, waits[-1])
    assert waits == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_closed_ledger_tries_each_row_once_more_and_gives_it_up(stage: Stage) -> None:
    lost = [run(), run()]
    stage.database.refusal = FULL
    happenings = [stage.resources.ledger.record(each) for each in lost]
    stage.resources.ledger.close()
    stage.settle()
    assert all(happening.has_happened for happening in happenings)
    assert stage.rows() == []
    assert stage.clock.getDelayedCalls() == []


def test_a_closed_ledger_tries_all_rows_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, ledger = [run(), run(), run()], stage.resources.ledger
    stage.database.refusal = FULL
    for row in rows:
        ledger.record(row)
    hesitant = Hesitant(stage, monkeypatch)
    ledger.close()
    assert len(hesitant.answers) == 3
    stage.database.refusal = None
    for answer in hesitant.answers:
        answer()
    assert [row.id for row in stage.rows()] == [row.id for row in rows]


def test_a_row_that_cannot_be_written_at_all_holds_up_no_other(
    stage: Stage, logged_failures: list[Failure]
) -> None:
    twice, other = run(), run()
    stage.resources.ledger.record(twice)
    stage.database.refusal = FULL
    stage.resources.ledger.record(other)
    stage.resources.ledger.record(twice)
    stage.resources.ledger.end(ended(other))
    stage.database.refusal = None
    wait(stage, 0.5)
    assert stage.row(other).status is Status.ENDED
    assert len(logged_failures) == 1
    logged_failures.clear()
    assert stage.resources.ledger.when_written().called


def test_the_ledger_says_when_every_row_is_written_or_given_up(stage: Stage) -> None:
    ledger = stage.resources.ledger
    assert ledger.when_written().called
    commit = stage.database.hold()
    ledger.record(run())
    done = [ledger.when_written(), ledger.when_written()]
    assert not any(each.called for each in done)
    stage.database.refusal = FULL
    commit()
    assert not any(each.called for each in done)
    ledger.close()
    assert all(each.called for each in done)


def test_the_ledger_says_when_all_that_was_asked_for_so_far_is_written(stage: Stage) -> None:
    pending = run()
    stage.database.refusal = FULL
    stage.resources.ledger.record(pending)
    so_far = stage.resources.ledger.so_far()
    stage.database.refusal = None
    assert not so_far.has_happened
    wait(stage, 0.5)
    assert so_far.has_happened
    assert stage.rows() == [pending]


def test_what_is_told_follows_all_that_was_asked_for_before(stage: Stage) -> None:
    pending = run()
    stage.database.refusal = FULL
    stage.resources.ledger.record(pending)
    stage.resources.ledger.tell(TaskUpdated("t"))
    stage.database.refusal = None
    wait(stage, 0.5)
    stage.resources.ledger.tell(TaskUpdated("u"))
    stage.settle()
    assert stage.events == [RunCreated(pending), TaskUpdated("t"), TaskUpdated("u")]


def test_the_bus_hears_when_a_planned_retry_exists_or_will_never(stage: Stage) -> None:
    ledger = stage.resources.ledger
    first, second = (ended(run(), next_retry_at=UnixMs(NOON + 5000)) for _ in range(2))
    again = run(retry_of_run_id=first.id, retry_attempt=1)
    for each in (first, second):
        ledger.record(each)
    ledger.record(again, predecessor=first)
    ledger.drop_retry(second)
    stage.settle()
    assert stage.events[4:] == [
        RunCreated(again),
        RunUpdated(evolve(first, next_retry_at=None)),
        RunUpdated(evolve(second, next_retry_at=None)),
    ]
