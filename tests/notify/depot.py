"""Outbound delivery in memory: real lanes, outbox and bell on a clock, with channels that do as told."""

from __future__ import annotations

from collections import Counter
from functools import partial

from attrs import define
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from runwisp.config.settings import Config, Notifier
from runwisp.events import Bus
from runwisp.model import Notification, NotifyEvent, Run
from runwisp.notify.channel import Parcel, Undelivered
from runwisp.notify.inapp import InApp
from runwisp.notify.message import Message
from runwisp.notify.outbound import Outbound
from runwisp.notify.request import HttpRequest
from runwisp.policy.coalescing import Due
from runwisp.store import notices, outbox
from runwisp.store.outbox import Entry
from runwisp.units import RunIds
from tests import make
from tests.fakes import ImmediateDatabase
from tests.notify import events

HOOKS = """
[notify]
default_notifiers = ["ops", "dev"]
retry_budget = "5m"
[notifiers.ops]
type = "slack"
webhook_url = "https://hooks.example.net/s3cr3t"
[notifiers.dev]
type = "slack"
webhook_url = "https://hooks.example.net/other"
"""


@define
class FakeChannel:
    """Does the next of its ``outcomes`` with each attempt: None succeeds, and so does everything behind them.

    A Deferred is waited for.
    """

    notifier: Notifier
    depot: Depot
    outcomes: list[Undelivered | Deferred[str] | None]

    def write(self, message: Message) -> Parcel:
        self.depot.messages.append(message)
        return HttpRequest("POST", "", {}, message.title.encode())

    def send(self, parcel: Parcel) -> Deferred[str]:
        assert isinstance(parcel, HttpRequest)
        at_s = round(self.depot.clock.seconds() - self.depot.began_s, 3)
        self.depot.attempts.append((at_s, self.notifier.id, parcel.body.decode()))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Undelivered):
            return fail(outcome)
        name = parcel.body.decode().partition(" ")[0]
        if outcome is not None:
            self.depot.silent[name] = outcome
        answer = outcome if outcome is not None else succeed("200 OK")
        return answer.addCallback(self._arrived, name)

    def _arrived(self, answer: str, name: str) -> str:
        self.depot.arrived[name] += 1
        return answer


class Depot:
    """One daemon after the other, on one database.

    ``outcomes`` are those of the attempts by notifier; ``attempts`` are what has been tried: when, by which
    notifier and with what title. ``arrived`` counts by the name of the task how often its message arrived,
    ``silent`` has the attempts that were or are waited for.
    """

    def __init__(self, config: str | Config = HOOKS) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.began_s = self.clock.seconds()
        self.database = ImmediateDatabase()
        self.outcomes: dict[str, list[Undelivered | Deferred[str] | None]] = {"ops": [], "dev": []}
        self.attempts: list[tuple[float, str, str]] = []
        self.messages: list[Message] = []
        self.arrived: Counter[str] = Counter()
        self.silent: dict[str, Deferred[str]] = {}
        self.tails: dict[str, str] = {}
        self.config = make.config(config) if isinstance(config, str) else config
        self.ids = RunIds(self.wall)
        self.start()

    def kill(self) -> None:
        """Nothing that was under way goes on."""
        self.clock = Clock()
        self.clock.advance(2000)
        self.attempts.clear()
        self.messages.clear()

    def start(self) -> None:
        """A new daemon."""
        bus = Bus(self.clock)
        bell = InApp(self.clock, self.wall, self.database, bus, lambda: self.config.notify)
        self.outbound = Outbound(
            clock=self.clock,
            wall=self.wall,
            chance=lambda: 0.5,
            ids=self.ids,
            database=self.database,
            bell=bell,
            make=self._make,
            read_tail=self._read_tail,
        )
        self.outbound.start(self.config, "bright-falcon")

    def wall(self) -> float:
        return events.START / 1000 + self.clock.seconds()

    def send(self, task_name: str = "backup", token: str = "ops") -> NotifyEvent:
        """A failure for a notifier, as a first message."""
        event = events.failure(task_name)
        self.outbound.send(token, Due(event))
        return event

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def change(self, config: str) -> None:
        self.config = make.config(config)
        self.outbound.change(self.config)

    def stop(self, within_s: float = 5.0) -> Deferred[None]:
        return self.outbound.stop(within_s)

    def entries(self) -> list[Entry]:
        return self.database.now(outbox.everything)

    def rows(self) -> list[Notification]:
        """The rows of the bell, oldest first."""
        return self.database.now(partial(notices.page, limit=1000))[::-1]

    def put(self, *entries: Entry) -> None:
        for entry in entries:
            self.database.now(partial(outbox.insert, entry=entry))

    async def _make(self, notifier: Notifier) -> FakeChannel:
        return FakeChannel(notifier, self, self.outcomes.setdefault(notifier.id, []))

    async def _read_tail(self, run: Run) -> str:
        return self.tails.get(run.task_name, "")
