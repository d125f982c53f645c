"""The notifier that is always there: rows in the database for the bell (spec: notifications, in-app)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from sqlite3 import Cursor

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from runwisp.config.settings import NotifySettings
from runwisp.errors import StorageError
from runwisp.events import Bus, NotificationChanged, UnreadCountChanged
from runwisp.model import NotifyEvent, NotifyKind, UnixMs
from runwisp.notify.seams import IBell
from runwisp.policy.coalescing import dedup_key, fold
from runwisp.store import notices
from runwisp.store.interfaces import IDatabase
from runwisp.units import now_ms

PRUNE_EVERY_S = 300.0
#: So many events are kept while the database refuses their rows.
MOST_REFUSED = 256


@implementer(IBell)
class InApp:
    """Writes the rows, tells the bus of them, and deletes old ones.

    What the database refuses, as on a full disk, is tried again with what comes next, or after a while.

    :param settings: those that hold at the moment
    :param wall: seconds since the epoch
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        database: IDatabase,
        bus: Bus,
        settings: Callable[[], NotifySettings],
    ) -> None:
        self._wall = wall
        self._database = database
        self._bus = bus
        self._settings = settings
        self._refused: tuple[NotifyEvent, ...] = ()
        self._pruning = LoopingCall(lambda: Deferred.fromCoroutine(self._tidy()))
        self._pruning.clock = clock
        self._pruned: Deferred[LoopingCall] | None = None

    def start(self) -> None:
        """Begin to delete old rows, now and from time to time."""
        self._pruned = self._pruning.start(PRUNE_EVERY_S)

    async def stop(self) -> None:
        """Delete no more, and try once more what was refused; returns when nothing is under way."""
        if self._pruning.running:
            self._pruning.stop()
        if self._pruned is not None:
            await self._pruned
        await self._ring(())
        for event in self._refused:
            self._lose(event)

    def ring(self, events: Sequence[NotifyEvent]) -> Deferred[None]:
        return Deferred.fromCoroutine(self._ring(events))

    async def _ring(self, events: Sequence[NotifyEvent]) -> None:
        events, self._refused = (*self._refused, *events), ()
        if not events:
            return
        try:
            changes = await self._database.write(partial(_store, events=events, settings=self._settings()))
        except StorageError as error:
            self.log.warn("notifications not stored yet: {error}", error=error, count=len(events))
            self._keep((*events, *self._refused))
            return
        for change in changes:
            self._bus.publish(change)

    def _keep(self, events: tuple[NotifyEvent, ...]) -> None:
        """Remember ``events`` for the next try, the newest of them if they are too many."""
        for event in events[:-MOST_REFUSED]:
            self._lose(event)
        self._refused = events[-MOST_REFUSED:]

    def _lose(self, event: NotifyEvent) -> None:
        self.log.error("notification lost", kind=event.kind.value, task=event.task_name)

    async def _tidy(self) -> None:
        await self._ring(())
        await self._prune()

    async def _prune(self) -> None:
        settings = self._settings()
        since = UnixMs(now_ms(self._wall) - round(settings.keep_for * 1000))
        try:
            unread = await self._database.write(
                partial(_prune, keep=settings.keep_notifications, since=since)
            )
        except StorageError as error:
            self.log.warn("old notifications could not be deleted: {error}", error=error)
            return
        if unread is not None:
            self._bus.publish(UnreadCountChanged(unread))


def _store(
    cursor: Cursor, events: Sequence[NotifyEvent], settings: NotifySettings
) -> list[NotificationChanged]:
    return [_store_one(cursor, event, settings) for event in events]


def _store_one(cursor: Cursor, event: NotifyEvent, settings: NotifySettings) -> NotificationChanged:
    # Failed deliveries are recorded even for those who want no bell.
    is_silent = event.kind is NotifyKind.DELIVERY_FAILED and not settings.default_notifiers
    row, is_new = fold(
        notices.latest(cursor, dedup_key(event)),
        event,
        window=settings.coalesce_window,
        ring=settings.occurrence_ring,
        is_silent=is_silent,
    )
    if is_new:
        notices.insert(cursor, row)
    else:
        notices.replace(cursor, row)
    return NotificationChanged(notification=row, is_new=is_new, unread_count=notices.counts(cursor).unread)


def _prune(cursor: Cursor, keep: int, since: UnixMs) -> int | None:
    """The number of unread rows after a deletion, None if nothing was to be deleted."""
    if not notices.prune(cursor, keep, since):
        return None
    return notices.counts(cursor).unread
