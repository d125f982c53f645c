"""Whatever happens, each message arrives once, or is given up with a row, and is never sent in doubt."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.defer import Deferred

from runwisp.model import Seconds
from runwisp.notify.channel import Permanent, Retryable, Undelivered
from tests.notify.depot import HOOKS, Depot

TOKENS = st.sampled_from(("ops", "dev"))
OUTCOMES = st.sampled_from(("sent", "later", "busy", "never", "silence", "silence"))
UNLIMITED = HOOKS.replace("5m", "100d")


class Deliveries(RuleBasedStateMachine):
    """Two channels under a daemon that is killed, stopped and reloaded."""

    def __init__(self) -> None:
        super().__init__()
        self.depot = Depot(UNLIMITED)
        self.sent: list[str] = []
        #: Messages of which nobody knows whether they have arrived.
        self.doubtful: set[str] = set()

    @rule(token=TOKENS)
    def send(self, token: str) -> None:
        name = f"t{len(self.sent)}"
        self.sent.append(name)
        self.depot.send(name, token)

    @rule(token=TOKENS, outcomes=st.lists(OUTCOMES, min_size=1, max_size=4))
    def decide(self, token: str, outcomes: list[str]) -> None:
        self.depot.outcomes[token][:] = [self.outcome(outcome) for outcome in outcomes]

    def outcome(self, name: str) -> Undelivered | Deferred[str] | None:
        if name == "later":
            return Retryable("500")
        if name == "busy":
            return Retryable("429", after=Seconds(30.0))
        if name == "never":
            return Permanent("404")
        if name == "silence":
            return Deferred(lambda given_up: given_up.errback(Retryable("given up")))
        return None

    @rule()
    def answer(self) -> None:
        """What was silent answers after all."""
        for attempt in self.waiting().values():
            attempt.callback("200 OK")

    def waiting(self) -> dict[str, Deferred[str]]:
        """The attempts that are waited for, by the name of the task; at most one for each channel."""
        return {name: attempt for name, attempt in self.depot.silent.items() if not attempt.called}

    @rule(seconds=st.sampled_from((0.5, 5.0, 120.0)))
    def wait(self, seconds: float) -> None:
        self.depot.wait(seconds)

    @rule()
    def kill(self) -> None:
        self.doubtful |= self.waiting().keys()
        self.depot.silent.clear()
        self.depot.kill()
        self.depot.start()

    @rule(within_s=st.sampled_from((0.0, 5.0)))
    def stop(self, within_s: float) -> None:
        self.doubtful |= self.waiting().keys()
        stopped = self.depot.stop(within_s)
        self.depot.wait(within_s)
        assert stopped.called
        assert self.depot.clock.getDelayedCalls() == []
        self.depot.start()

    @rule()
    def reload(self) -> None:
        self.depot.change(UNLIMITED)

    @invariant()
    def nothing_is_sent_again_that_may_have_arrived(self) -> None:
        assert all(count == 1 for count in self.depot.arrived.values())
        assert not self.depot.arrived.keys() & self.lost()
        assert self.doubtful <= self.lost()

    def lost(self) -> set[str]:
        return {str(row.task_name) for row in self.depot.rows()}

    def teardown(self) -> None:
        """In the end every channel works, and each message is accounted for."""
        for outcomes in self.depot.outcomes.values():
            outcomes.clear()
        self.answer()
        for _ in range(3):
            self.depot.wait(120)
        assert self.depot.entries() == []
        assert self.depot.arrived.keys() | self.lost() == set(self.sent)
        self.nothing_is_sent_again_that_may_have_arrived()


Deliveries.TestCase.settings = settings(max_examples=100, stateful_step_count=25)
TestDeliveries = Deliveries.TestCase
