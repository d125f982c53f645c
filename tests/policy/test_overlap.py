from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runwisp.model import EndReason, Overlap, RunId
from runwisp.policy.overlap import Active, Refuse, Start, Wait, decide, next_start

_SKIPPED, _FULL = Refuse(EndReason.SKIPPED), Refuse(EndReason.QUEUE_FULL)


def _active(text: str) -> list[Active]:
    """Runs named by letters, oldest first; a small letter is one that is stopping."""
    return [Active(RunId(letter.upper()), letter.islower()) for letter in text]


def _decide(policy: str, parallelism: int, active: str, waiting: int, **more: int) -> Start | Wait | Refuse:
    return decide(
        on_overlap=Overlap(policy),
        parallelism=parallelism,
        max_queued=more.get("max_queued", 100),
        active=_active(active),
        waiting=waiting,
        counted=more.get("counted", waiting),
        exempt=bool(more.get("exempt", 0)),
    )


@pytest.mark.parametrize("policy", Overlap)
def test_a_run_starts_if_a_slot_is_free_and_nothing_waits(policy: str) -> None:
    assert _decide(policy, 1, "", 0) == Start()
    assert _decide(policy, 3, "Ab", 0) == Start()
    assert _decide(policy, 1, "", 0, max_queued=0) == Start()
    assert _decide(policy, 1, "A", 0) != Start()
    assert _decide(policy, 1, "a", 0) != Start()
    assert _decide(policy, 1, "", 1) != Start()


def test_skip_refuses_what_would_wait() -> None:
    assert _decide("skip", 1, "A", 0) == _SKIPPED
    assert _decide("skip", 2, "Ab", 0) == _SKIPPED
    assert _decide("skip", 2, "A", 1) == _SKIPPED
    assert _decide("skip", 1, "A", 0, exempt=True) == _SKIPPED


def test_queue_waits_up_to_max_queued() -> None:
    assert _decide("queue", 1, "A", 0) == Wait()
    assert _decide("queue", 1, "A", 99) == Wait()
    assert _decide("queue", 1, "A", 100) == _FULL
    assert _decide("queue", 1, "A", 0, max_queued=0) == _FULL


def test_catch_up_runs_are_neither_limited_nor_counted() -> None:
    assert _decide("queue", 1, "A", 100, exempt=True) == Wait()
    assert _decide("queue", 1, "A", 5000, counted=99) == Wait()
    assert _decide("queue", 1, "A", 5000, counted=100) == _FULL


@pytest.mark.parametrize(
    ("parallelism", "active", "waiting", "decision"),
    [
        (1, "A", 0, Wait(victim=RunId("A"))),
        (2, "AB", 0, Wait(victim=RunId("A"))),
        (2, "aB", 0, Wait()),
        (2, "aB", 1, Wait(victim=RunId("B"))),
        (2, "Ab", 1, Wait(victim=RunId("A"))),
        (1, "a", 0, Wait()),
        (1, "a", 1, Wait(drop_oldest=True)),
        (2, "ab", 1, Wait()),
        (2, "ab", 2, Wait(drop_oldest=True)),
        (1, "ABC", 0, Wait(victim=RunId("A"))),
        (3, "A", 1, Wait()),
    ],
)
def test_terminate_stops_the_oldest_and_only_as_many_as_needed(
    parallelism: int, active: str, waiting: int, decision: Wait
) -> None:
    assert _decide("terminate", parallelism, active, waiting) == decision


@given(st.integers(1, 9), st.integers(0, 12), st.integers(0, 12))
def test_queued_runs_start_while_both_slots_and_runs_are_left(
    parallelism: int, active: int, waiting: int
) -> None:
    started = 0
    while active + started < parallelism and started < waiting:
        started += 1
    assert next_start(parallelism, active, waiting) == started


class Unit(RuleBasedStateMachine):
    """A unit whose runs are only names; what was promised for each policy holds after every step."""

    @initialize(policy=st.sampled_from(Overlap), parallelism=st.integers(1, 3), max_queued=st.integers(0, 3))
    def configure(self, policy: Overlap, parallelism: int, max_queued: int) -> None:
        self.policy, self.parallelism, self.max_queued = policy, parallelism, max_queued
        self.number = 0
        self.active: list[Active] = []
        self.waiting: list[tuple[RunId, bool]] = []
        self.started: list[RunId] = []

    @rule(exempt=st.booleans())
    def fire(self, exempt: bool) -> None:
        self.number += 1
        run = RunId(f"{self.number:05}")
        staying = [active.run_id for active in self.active if not active.stopping]
        decision = decide(
            on_overlap=self.policy,
            parallelism=self.parallelism,
            max_queued=self.max_queued,
            active=self.active,
            waiting=len(self.waiting),
            counted=self._counted(),
            exempt=exempt,
        )
        match decision:
            case Start():
                self._start(run)
            case Refuse(reason):
                assert len(self.active) == self.parallelism
                assert (self.policy, reason) in [
                    (Overlap.SKIP, EndReason.SKIPPED),
                    (Overlap.QUEUE, EndReason.QUEUE_FULL),
                ]
            case Wait(victim, drop_oldest):
                if drop_oldest:
                    self.waiting.pop(0)
                self.waiting.append((run, not exempt))
                if victim is not None:
                    assert victim == staying[0]
                    self._stop(victim)
                    assert self._coming() == len(self.waiting)

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def exit(self, data: st.DataObject) -> None:
        self.active.remove(data.draw(st.sampled_from(self.active)))
        for _ in range(next_start(self.parallelism, len(self.active), len(self.waiting))):
            self._start(self.waiting.pop(0)[0])

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def operator_stops(self, data: st.DataObject) -> None:
        self._stop(data.draw(st.sampled_from(self.active)).run_id)

    @invariant()
    def keeps_its_promises(self) -> None:
        assert len(self.active) <= self.parallelism
        assert not self.waiting or len(self.active) == self.parallelism
        assert self.started == sorted(self.started)
        if self.policy is Overlap.SKIP:
            assert not self.waiting
        if self.policy is Overlap.QUEUE:
            assert self._counted() <= self.max_queued
        if self.policy is Overlap.TERMINATE:
            assert len(self.waiting) <= self._coming()
            newest = RunId(f"{self.number:05}")
            assert self.number == 0 or newest in self.started or newest == self.waiting[-1][0]

    def _start(self, run: RunId) -> None:
        self.active.append(Active(run, stopping=False))
        self.started.append(run)

    def _stop(self, run: RunId) -> None:
        self.active = [
            Active(active.run_id, active.stopping or active.run_id == run) for active in self.active
        ]

    def _coming(self) -> int:
        """Slots that are free or will be."""
        return self.parallelism - sum(not active.stopping for active in self.active)

    def _counted(self) -> int:
        return sum(counts for _, counts in self.waiting)


TestUnit = Unit.TestCase
TestUnit.settings = settings(max_examples=50)
