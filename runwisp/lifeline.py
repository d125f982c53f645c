"""Tells the service manager how the daemon is: ready, status, alive, stopping (spec: operations, notify)."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from runwisp.engine.engine import Engine
from runwisp.events import Bus, Event
from runwisp.sdnotify import Notifier
from runwisp.store.interfaces import IDatabase

#: STATUS is sent on change, but not more often than this.
STATUS_PAUSE_S = 60.0
#: A scheduler that is this late with its own timer is stuck.
STUCK_S = 10.0


class Lifeline(Service):
    """Does nothing but exist when no service manager asked to be notified."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, notifier: Notifier, engine: Engine, database: IDatabase, bus: Bus
    ) -> None:
        self._clock = clock
        self._notifier = notifier
        self._engine = engine
        self._database = database
        self._bus = bus
        self._status_call: IDelayedCall | None = None
        self._watchdog_call: IDelayedCall | None = None
        self._is_probing = False

    def ready(self) -> None:
        """The daemon is up: READY, a first STATUS, and from now on the watchdog."""
        if not self._notifier.is_wanted:
            return
        self._notifier.ready()
        self._send_status()
        self._bus.subscribe(self._on_event)
        self._watch()

    def reloading(self) -> None:
        """A reload begins."""
        self._notifier.reloading(round(self._clock.seconds() * 1_000_000))

    def reloaded(self) -> None:
        """It is over, whether applied or rejected."""
        self._notifier.ready()
        self._send_status()

    def stopping(self, extend_s: float) -> None:
        """The daemon begins to stop and may need ``extend_s`` seconds for it."""
        self._notifier.stopping()
        self._notifier.extend_timeout(round(extend_s * 1_000_000))

    def stopService(self) -> None:
        super().stopService()
        for call in (self._status_call, self._watchdog_call):
            if call is not None and call.active():
                call.cancel()

    def _on_event(self, event: Event) -> None:
        if self._status_call is None:
            self._status_call = self._clock.callLater(STATUS_PAUSE_S, self._send_status)

    def _send_status(self) -> None:
        if self._status_call is not None and self._status_call.active():
            self._status_call.cancel()
        self._status_call = None
        self._notifier.status(self._engine.summary())

    def _watch(self) -> None:
        interval_s = self._notifier.watchdog_interval
        if interval_s is None:
            return
        self._watchdog_call = self._clock.callLater(interval_s / 2, self._watch)
        # An unanswered probe means that the writer is stuck: the manager is to see silence then.
        if self._is_probing or self._engine.scheduler.lateness_s() > STUCK_S:
            self.log.warn("not telling the watchdog: the database or the scheduler is stuck")
            return
        self._is_probing = True
        self._database.write(lambda cursor: cursor.execute("SELECT 1").fetchone()).addCallbacks(
            self._alive, self._probe_failed
        )

    def _alive(self, _: object) -> None:
        self._is_probing = False
        self._notifier.watchdog()

    def _probe_failed(self, failure: Failure) -> None:
        self._is_probing = False
        self.log.warn("not telling the watchdog: {error}", error=failure.value)
