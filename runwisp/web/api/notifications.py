"""The rows of the bell: their list and count, and marking them read (spec: rest, notifications)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from sqlite3 import Cursor

from attrs import frozen

from runwisp.events import Bus, NotificationChanged, UnreadCountChanged
from runwisp.model import Notification, UnixMs
from runwisp.store import notices
from runwisp.store.interfaces import IDatabase
from runwisp.store.notices import Counts
from runwisp.units import now_ms
from runwisp.web.cursor import read_cursor, write_cursor
from runwisp.web.params import cursor, integer
from runwisp.web.problem import not_found
from runwisp.web.resources.notification import (
    NotificationList,
    NotificationResource,
    UnreadCount,
    notification_resource,
)
from runwisp.web.routing import Answer, Call, route

#: There is one list, without filters.
_SCOPE = "notifications"


@frozen(kw_only=True)
class NotificationsQuery:
    limit: int = integer(50, minimum=1, maximum=500)
    cursor: str | None = cursor()


@frozen
class NotificationsApi:
    """``wall`` is in seconds since the epoch."""

    database: IDatabase
    bus: Bus
    wall: Callable[[], float]

    @route(
        "GET",
        "/api/notifications",
        summary="List notifications, the newest rows first",
        answers={200: NotificationList},
        query=NotificationsQuery,
    )
    async def list_notifications(self, call: Call[NotificationsQuery, None]) -> Answer:
        limit, text = call.query.limit, call.query.cursor
        before = None if text is None else read_cursor(text, _SCOPE, _sort_key)
        # One more than the page has tells whether it is the last.
        found, counts = await self.database.read(partial(_read_page, limit=limit + 1, before=before))
        page = found[:limit]
        is_last = len(found) == len(page)
        return Answer(
            content=NotificationList(
                items=tuple(map(notification_resource, page)),
                next_cursor=None if is_last else write_cursor(_SCOPE, page[-1].id),
                total=counts.total,
                unread_count=counts.unread,
            )
        )

    @route(
        "GET",
        "/api/notifications/unread-count",
        summary="Count the notifications that are unread",
        answers={200: UnreadCount},
    )
    async def get_unread_count(self, call: Call[None, None]) -> Answer:
        counts = await self.database.read(notices.counts)
        return Answer(content=UnreadCount(counts.unread))

    @route(
        "POST",
        "/api/notifications/read",
        summary="Mark all notifications read",
        answers={200: UnreadCount},
    )
    async def read_notifications(self, call: Call[None, None]) -> Answer:
        now = now_ms(self.wall)
        unread = await self.database.write(partial(_read_all, now=now))
        self.bus.publish(UnreadCountChanged(unread))
        return Answer(content=UnreadCount(unread))

    @route(
        "POST",
        "/api/notifications/{id}/read",
        summary="Mark a notification read, from now on",
        answers={200: NotificationResource},
        problems=(404,),
    )
    async def read_notification(self, call: Call[None, None]) -> Answer:
        return await self._mark(call.path["id"], now_ms(self.wall))

    @route(
        "POST",
        "/api/notifications/{id}/unread",
        summary="Mark a notification unread",
        answers={200: NotificationResource},
        problems=(404,),
    )
    async def unread_notification(self, call: Call[None, None]) -> Answer:
        return await self._mark(call.path["id"], None)

    async def _mark(self, notification_id: str, read_at: UnixMs | None) -> Answer:
        marked, counts = await self.database.write(
            partial(_mark, notification_id=notification_id, read_at=read_at)
        )
        if marked is None:
            raise not_found(f"There is no notification {notification_id}; it may have been deleted.")
        self.bus.publish(NotificationChanged(notification=marked, is_new=False, unread_count=counts.unread))
        return Answer(content=notification_resource(marked))


def _sort_key(notification_id: str) -> str:
    return str(notification_id)


def _read_page(cursor: Cursor, limit: int, before: str | None) -> tuple[list[Notification], Counts]:
    return notices.page(cursor, limit, before), notices.counts(cursor)


def _read_all(cursor: Cursor, now: UnixMs) -> int:
    notices.set_all_read(cursor, now)
    return notices.counts(cursor).unread


def _mark(cursor: Cursor, notification_id: str, read_at: UnixMs | None) -> tuple[Notification | None, Counts]:
    return notices.set_read(cursor, notification_id, read_at), notices.counts(cursor)
