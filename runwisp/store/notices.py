"""The table ``notifications``, the rows of the bell (spec: notifications, in-app store).

Plain functions over a cursor, to be called inside a transaction. Ids rise with the time of creation, so their
order is that of the list, and a row that repeats keeps its place.
"""

from __future__ import annotations

import json
from sqlite3 import Cursor
from typing import Any

from attrs import fields, frozen

from runwisp.model import Notification, Severity, UnixMs
from runwisp.store.rows import to_moment, to_text
from runwisp.units import format_time, parse_time

_COLUMNS = ", ".join(attribute.name for attribute in fields(Notification))
_PLACES = ", ".join("?" for _ in fields(Notification))
_PAGE = f"SELECT {_COLUMNS} FROM notifications {{where}} ORDER BY id DESC LIMIT ?"
_LATEST = f"""
SELECT {_COLUMNS} FROM notifications WHERE dedup_key = ? ORDER BY last_occurred_at DESC LIMIT 1
"""
_DELETE_AGED = "DELETE FROM notifications WHERE last_occurred_at < ?"
_DELETE_SURPLUS = """
DELETE FROM notifications WHERE id <= (SELECT id FROM notifications ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
# Answered from the index on read_at alone.
_COUNTS = "SELECT count(*), count(*) - count(read_at) FROM notifications"


@frozen
class Counts:
    total: int
    unread: int


def insert(cursor: Cursor, notification: Notification) -> None:
    _put(cursor, "INSERT", notification)


def replace(cursor: Cursor, notification: Notification) -> None:
    """Give the row with the id of ``notification`` all its values."""
    _put(cursor, "REPLACE", notification)


def latest(cursor: Cursor, dedup_key: str) -> Notification | None:
    """The row with this key that repeated last."""
    row = cursor.execute(_LATEST, (dedup_key,)).fetchone()
    return _to_notification(row) if row is not None else None


def prune(cursor: Cursor, keep: int, since: UnixMs) -> int:
    """Delete all but the newest ``keep`` rows, and what last happened before ``since``; how many rows."""
    aged = cursor.execute(_DELETE_AGED, (format_time(since),)).rowcount
    return aged + cursor.execute(_DELETE_SURPLUS, (keep,)).rowcount


def _put(cursor: Cursor, verb: str, notification: Notification) -> None:
    cursor.execute(
        f"{verb} INTO notifications ({_COLUMNS}) VALUES ({_PLACES})",
        (
            notification.id,
            notification.dedup_key,
            notification.kind,
            notification.severity.value,
            notification.task_name,
            notification.run_id,
            notification.title,
            notification.body,
            notification.count,
            json.dumps([format_time(moment) for moment in notification.occurrence_ring]),
            format_time(notification.created_at),
            format_time(notification.last_occurred_at),
            to_text(notification.read_at),
        ),
    )


def get(cursor: Cursor, notification_id: str) -> Notification | None:
    query = f"SELECT {_COLUMNS} FROM notifications WHERE id = ?"
    row = cursor.execute(query, (notification_id,)).fetchone()
    return _to_notification(row) if row is not None else None


def page(cursor: Cursor, limit: int, before: str | None = None) -> list[Notification]:
    """At most ``limit`` rows, newest id first.

    :param before: the id with which the page before this one ended
    """
    where, values = ("", ()) if before is None else ("WHERE id < ?", (before,))
    rows = cursor.execute(_PAGE.format(where=where), (*values, limit))
    return [_to_notification(row) for row in rows]


def counts(cursor: Cursor) -> Counts:
    return Counts(*cursor.execute(_COUNTS).fetchone())


def set_read(cursor: Cursor, notification_id: str, read_at: UnixMs | None) -> Notification | None:
    """Mark one row read at this moment, or unread; what it is then, None if it is not there."""
    cursor.execute("UPDATE notifications SET read_at = ? WHERE id = ?", (to_text(read_at), notification_id))
    return get(cursor, notification_id)


def set_all_read(cursor: Cursor, read_at: UnixMs) -> None:
    """Mark read what is unread; the others keep their time."""
    cursor.execute("UPDATE notifications SET read_at = ? WHERE read_at IS NULL", (format_time(read_at),))


def _to_notification(row: tuple[Any, ...]) -> Notification:  # sqlite3 does not say what its rows hold
    (
        notification_id,
        dedup_key,
        kind,
        severity,
        task_name,
        run_id,
        title,
        body,
        count,
        occurrence_ring,
        created_at,
        last_occurred_at,
        read_at,
    ) = row
    return Notification(
        id=notification_id,
        dedup_key=dedup_key,
        kind=kind,
        severity=Severity(severity),
        task_name=task_name,
        run_id=run_id,
        title=title,
        body=body,
        count=count,
        occurrence_ring=tuple(parse_time(text) for text in json.loads(occurrence_ring)),
        created_at=parse_time(created_at),
        last_occurred_at=parse_time(last_occurred_at),
        read_at=to_moment(read_at),
    )
