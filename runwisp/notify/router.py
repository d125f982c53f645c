"""Makes events for notifications of what the bus tells, and hands each to whom it is for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.logger import Logger

from runwisp.config.notifications import IN_APP
from runwisp.engine.background import Background
from runwisp.events import Bus, DiskPressure, Event, RunEnded, RunStarted, ServiceFatal
from runwisp.model import NotifyEvent, NotifyKind
from runwisp.notify.seams import IBell
from runwisp.policy import notify_events
from runwisp.policy.routing import RouteTable
from runwisp.units import RunIds, now_ms

#: So many events may wait; what comes then is dropped.
MOST_WAITING = 256


class Router:
    """Subscribes to the bus from :meth:`start` to :meth:`stop`.

    :param ids: makes the id of each event
    :param wall: seconds since the epoch
    :param dispatch: called with a token and an event for each notifier but the bell
    """

    log = Logger()

    def __init__(
        self,
        *,
        bus: Bus,
        ids: RunIds,
        wall: Callable[[], float],
        bell: IBell,
        dispatch: Callable[[str, NotifyEvent], None],
    ) -> None:
        self._bus = bus
        self._ids = ids
        self._wall = wall
        self._background = Background()
        self._bell = bell
        self._dispatch = dispatch
        self._waiting: deque[NotifyEvent] = deque()
        self._dropped = 0
        self._is_pumping = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self.table: RouteTable

    def start(self, table: RouteTable) -> None:
        """Route what happens from now on by ``table``, which may be replaced at any time."""
        self.table = table
        self._unsubscribe = self._bus.subscribe(self._heard)

    async def stop(self) -> None:
        """Hear nothing more; returns when all that was heard has been handed on."""
        self._unsubscribe()
        await self._background.when_idle()

    def _heard(self, heard: Event) -> None:
        event = self._raised(heard)
        if event is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting.append(event)
        if not self._is_pumping:
            self._is_pumping = True
            self._background.start("routing of notifications", self._pump())

    def _raised(self, heard: Event) -> NotifyEvent | None:
        match heard:
            case RunEnded(run):
                kind = notify_events.kind_of_end(run)
                if kind is not None and self.table.wants(kind):
                    return notify_events.run_ended(run, self._ids(), now_ms(self._wall))
            case RunStarted(run) if self.table.wants(NotifyKind.RUN_STARTED):
                return notify_events.run_started(run, self._ids(), now_ms(self._wall))
            case ServiceFatal(run, attempts) if self.table.wants(NotifyKind.SERVICE_FATAL):
                return notify_events.service_fatal(run, attempts, self._ids(), now_ms(self._wall))
            case DiskPressure() if self.table.wants(NotifyKind.LOG_DISK_PRESSURE):
                return notify_events.disk_pressure(
                    heard.run,
                    free_bytes=heard.free_bytes,
                    min_free_bytes=heard.min_free_bytes,
                    killed_task=heard.killed_task,
                    event_id=self._ids(),
                    now=now_ms(self._wall),
                )
        return None

    async def _pump(self) -> None:
        """Hand on what waits, in the order in which it happened, until nothing does."""
        while self._waiting:
            events, self._waiting = self._waiting, deque()
            with self.log.failuresHandled("notifications failed", count=len(events)):
                await self._hand_on(events)
            if self._dropped:
                self.log.warn("too many notifications at once: some were dropped", count=self._dropped)
                self._dropped = 0
        self._is_pumping = False

    async def _hand_on(self, events: deque[NotifyEvent]) -> None:
        rows = []
        for event in events:
            for token in self.table.targets(event):
                if token == IN_APP:
                    rows.append(event)
                    continue
                # A target may be secret.
                notifier, _, _ = token.partition(":")
                with self.log.failuresHandled("notifier {notifier} failed", notifier=notifier):
                    self._dispatch(token, event)
        if rows:
            await self._bell.ring(rows)
