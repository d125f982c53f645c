"""A daemon in memory with its notifications: real engine, router and bell; fake processes and outbound."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred

from runwisp.config.settings import Config
from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.reload import Reloading
from runwisp.events import NotificationChanged, UnreadCountChanged
from runwisp.model import Notification, Run
from runwisp.notify.inapp import InApp
from runwisp.notify.service import Notifiers
from runwisp.policy.reload import plan_reload
from runwisp.store import notices, runs
from tests.engine.fakes import FakeChild
from tests.engine.stage import Stage
from tests.make import config
from tests.notify.outlet import FakeOutbound


class House:
    """Notifications start before the engine boots, as in the daemon."""

    def __init__(self, toml_text: str | Config, *left_rows: Run) -> None:
        self.stage = Stage()
        self.outbound = FakeOutbound()
        known = toml_text if isinstance(toml_text, Config) else config(toml_text)
        for row in left_rows:
            self.stage.database.now(partial(runs.insert, run=row))
        resources = self.stage.resources
        self.engine = Engine(resources, known)
        self.bell = InApp(
            self.stage.clock,
            self.stage.wall,
            self.stage.database,
            self.stage.bus,
            lambda: self.engine.config.notify,
        )
        self.notifiers = self.make_notifiers()
        self.notifiers.start("bright-falcon")
        recovery = Recovery(resources, known, lambda run, note: None, lambda orphans: {})
        boot = Boot(self.engine, recovery, self.stage.database, lambda: None)
        resources.background.start("boot", boot.bring_up())
        self.stage.settle()

    def make_notifiers(self) -> Notifiers:
        return Notifiers(
            clock=self.stage.clock,
            wall=self.stage.wall,
            ids=self.stage.resources.ids,
            bus=self.stage.bus,
            bell=self.bell,
            outbound=self.outbound,
            config=lambda: self.engine.config,
        )

    # What happens

    def begin(self, name: str) -> FakeChild:
        """Fire a task; its process."""
        self.engine.trigger(name, None)
        self.stage.settle()
        return self.stage.children[-1]

    def finish(self, name: str, code: int = 1) -> None:
        """Fire a task whose process exits at once."""
        self.begin(name).exit(code)
        self.stage.settle()

    def wait(self, seconds: float) -> None:
        self.stage.clock.advance(seconds)
        self.stage.settle()

    def reload(self, toml_text: str) -> None:
        new = config(toml_text)
        Reloading(self.engine, new, plan_reload(self.engine.config, new)).apply()
        self.stage.settle()

    def shut_down(self, within_s: float = 5.0) -> Deferred[None]:
        """Stop the engine, and then the notifiers, which have so many seconds left."""

        async def stop() -> None:
            await self.engine.shut_down(10.0)
            await self.notifiers.stop(within_s)

        done = Deferred.fromCoroutine(stop())
        self.stage.settle()
        return done

    # What came of it

    def rows(self) -> list[Notification]:
        """The rows of the bell, newest first."""
        return self.stage.database.now(partial(notices.page, limit=10_000))

    @property
    def unread(self) -> int:
        return self.stage.database.now(notices.counts).unread

    def told(self) -> list[NotificationChanged | UnreadCountChanged]:
        """What the bus was told about the bell since this was asked last."""
        told = [
            event
            for event in self.stage.events
            if isinstance(event, NotificationChanged | UnreadCountChanged)
        ]
        self.stage.events.clear()
        return told

    def sent(self) -> list[tuple[str, str, int | None]]:
        """What went to outbound: token, kind and count of each message."""
        return [(token, due.event.kind.value, due.coalesced_count) for token, due in self.outbound.sent]
