from __future__ import annotations

from collections.abc import Iterator

from attrs import define, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from twisted.internet.task import Clock

from runwisp.model import NotifyEvent, Seconds
from runwisp.notify.coalescer import Coalescer
from runwisp.policy.coalescing import Due, Rule, dedup_key
from tests.notify import events
from tests.notify.events import failure, success

MINUTE = 60.0


class Rig:
    """A coalescer on a clock; ``sent`` is what came of it: minute, count, and whether it was a summary."""

    def __init__(self, window: float = 60 * MINUTE, ring: int = 10) -> None:
        self.clock = Clock()
        self.messages: list[tuple[float, Due]] = []
        self.coalescer = Coalescer(self.clock, Rule(Seconds(window), ring), self._send)

    def _send(self, due: Due) -> None:
        self.messages.append((self.clock.seconds(), due))

    @property
    def sent(self) -> list[tuple[float, int | None, bool]]:
        return [(at / MINUTE, due.coalesced_count, due.coalesced_summary) for at, due in self.messages]

    def fail_every_minute(self, times: int) -> None:
        """Failures at once and at each full minute after."""
        for number in range(times):
            if number:
                self.clock.advance(MINUTE)
            self.coalescer.take(failure())

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(MINUTE)


def test_failures_that_stop_after_thirty_minutes_leave_nothing_pending() -> None:
    rig = Rig()
    rig.fail_every_minute(31)
    rig.wait(200)
    assert rig.sent == [(0, None, False), (10, 10, False), (20, 10, False), (30, 10, False)]
    assert rig.clock.getDelayedCalls() == []


def test_failures_that_stop_after_twenty_five_minutes_end_with_a_summary() -> None:
    rig = Rig()
    rig.fail_every_minute(26)
    rig.wait(200)
    assert rig.sent == [(0, None, False), (10, 10, False), (20, 10, False), (80, 5, True)]
    assert rig.clock.getDelayedCalls() == []


def test_twenty_five_failures_are_a_first_two_check_ins_and_a_summary_of_four() -> None:
    rig = Rig()
    for _ in range(25):
        rig.coalescer.take(failure())
    rig.wait(60)
    assert rig.sent == [(0, None, False), (0, 10, False), (0, 10, False), (60, 4, True)]
    rig.wait(60)


def test_a_summary_tells_of_the_latest_event_and_begins_a_window_of_its_own() -> None:
    rig = Rig()
    rig.fail_every_minute(2)
    latest = failure(exit_code=77)
    rig.coalescer.take(latest)
    rig.wait(59)
    assert rig.messages[-1] == (3600, Due(latest, 2, coalesced_summary=True))
    rig.coalescer.take(failure())
    rig.wait(59)
    assert len(rig.sent) == 2
    rig.wait(1)
    assert rig.sent[-1] == (120, 1, True)
    rig.wait(60)


def test_without_check_ins_everything_waits_for_the_summary() -> None:
    rig = Rig(ring=1)
    rig.fail_every_minute(30)
    rig.wait(31)
    assert rig.sent == [(0, None, False), (60, 29, True)]
    rig.wait(60)


def test_without_a_window_everything_is_sent_and_no_timer_runs() -> None:
    rig = Rig(window=0)
    rig.fail_every_minute(3)
    rig.coalescer.take(failure())
    assert rig.sent == [(0, None, False), (1, None, False), (2, None, False), (2, None, False)]
    assert rig.clock.getDelayedCalls() == []


def test_success_and_failure_of_one_task_do_not_reset_each_other() -> None:
    rig = Rig()
    for event in (failure(), success(), failure(), success(), failure("mail")):
        rig.coalescer.take(event)
    assert rig.sent == [(0, None, False)] * 3
    rig.coalescer.flush()
    assert [due.event.kind for _, due in rig.messages[3:]] == ["run.failed", "run.succeeded"]


def test_a_flush_sends_the_summaries_and_forgets_everything() -> None:
    rig = Rig()
    rig.fail_every_minute(4)
    rig.coalescer.flush()
    assert rig.sent == [(0, None, False), (3, 3, True)]
    assert rig.clock.getDelayedCalls() == []
    rig.coalescer.take(failure())
    assert rig.sent[-1] == (3, None, False)
    rig.coalescer.flush()
    assert len(rig.sent) == 3


@define
class Story:
    """What the model knows of one key."""

    last_sent: float
    pending: list[NotifyEvent]


@frozen
class Told:
    at: float
    event_id: str
    count: int | None
    is_summary: bool


class NaiveCoalescing:
    """The rules as they are written, over plain lists."""

    def __init__(self, window: int, ring: int) -> None:
        self.window = window
        self.ring = ring
        self.stories: dict[str, Story] = {}

    def take(self, event: NotifyEvent, now: float) -> Iterator[Told]:
        yield from self.look(now)
        story = self.stories.get(dedup_key(event))
        if story is None or now - story.last_sent >= self.window:
            yield Told(now, event.id, None, False)
            self.stories[dedup_key(event)] = Story(now, [])
            return
        story.pending.append(event)
        if self.ring > 1 and len(story.pending) >= self.ring:
            yield Told(now, event.id, len(story.pending), False)
            self.stories[dedup_key(event)] = Story(now, [])

    def look(self, now: float) -> Iterator[Told]:
        for key, story in self.stories.items():
            if story.pending and now >= story.last_sent + self.window:
                yield Told(now, story.pending[-1].id, len(story.pending), True)
                self.stories[key] = Story(now, [])

    def flush(self, now: float) -> Iterator[Told]:
        for story in self.stories.values():
            if story.pending:
                yield Told(now, story.pending[-1].id, len(story.pending), True)
        self.stories.clear()

    def is_quiet(self, now: float) -> bool:
        """Nothing that has happened so far matters any more."""
        return all(now - story.last_sent >= self.window for story in self.stories.values())


class CoalescingMachine(RuleBasedStateMachine):
    """Events, time, jumps and flushes in any order, against the model."""

    @initialize(window=st.integers(0, 8), ring=st.integers(1, 4))
    def begin(self, window: int, ring: int) -> None:
        self.model = NaiveCoalescing(window, ring)
        self.rig = Rig(window, ring)
        self.expected: list[Told] = []
        self.taken = 0

    @rule(
        task=st.sampled_from(["a", "b"]),
        kind=st.sampled_from([failure, success, events.started]),
        times=st.integers(1, 3),
    )
    def something_happens(self, task: str, kind: object, times: int) -> None:
        assert callable(kind)
        for _ in range(times):
            event: NotifyEvent = kind(task)
            self.rig.coalescer.take(event)
            self.expected += self.model.take(event, self.rig.clock.seconds())
            self.taken += 1

    @rule(seconds=st.integers(1, 20))
    def time_goes_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.rig.clock.advance(1)
            self.expected += self.model.look(self.rig.clock.seconds())

    @rule(seconds=st.integers(1, 40))
    def timers_are_late(self, seconds: int) -> None:
        self.rig.clock.advance(seconds)
        self.expected += self.model.look(self.rig.clock.seconds())

    @rule()
    def everything_held_is_flushed(self) -> None:
        self.rig.coalescer.flush()
        self.expected += self.model.flush(self.rig.clock.seconds())

    @invariant()
    def the_same_messages_were_sent(self) -> None:
        sent = [
            Told(at, due.event.id, due.coalesced_count, due.coalesced_summary)
            for at, due in self.rig.messages
        ]
        # What is due at one moment for several keys has no order.
        assert sorted(sent, key=_order) == sorted(self.expected, key=_order)
        assert [told.at for told in sent] == sorted(told.at for told in sent)

    @invariant()
    def every_event_is_told_or_pending(self) -> None:
        told = sum(due.coalesced_count or 1 for _, due in self.rig.messages)
        pending = sum(len(story.pending) for story in self.model.stories.values())
        assert told + pending == self.taken

    @invariant()
    def there_is_one_timer_while_anything_matters(self) -> None:
        timers = len(self.rig.clock.getDelayedCalls())
        assert timers == (0 if self.model.is_quiet(self.rig.clock.seconds()) else 1)

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.coalescer.flush()


def _order(told: Told) -> tuple[float, str, bool]:
    return told.at, told.event_id, told.is_summary


CoalescingMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestCoalescing = CoalescingMachine.TestCase
