"""A notification as the API shows it, and the list and count of them (spec: rest, notification)."""

from __future__ import annotations

from attrs import field, frozen

from runwisp.model import Notification, RunId, Severity, UnixMs


@frozen(kw_only=True)
class NotificationResource:
    id: str
    fingerprint: str = field(metadata={"description": "repeats with the same one are folded into one row"})
    kind: str
    severity: Severity
    title: str
    body: str
    task_name: str | None
    run_id: RunId | None = field(metadata={"description": "of the newest occurrence; the run may be gone"})
    count: int
    occurrence_ring: tuple[UnixMs, ...] = field(metadata={"description": "newest first"})
    created_at: UnixMs
    last_occurred_at: UnixMs
    read_at: UnixMs | None = field(metadata={"description": "null while it is unread"})


@frozen(kw_only=True)
class NotificationList:
    items: tuple[NotificationResource, ...]
    next_cursor: str | None
    total: int
    unread_count: int


@frozen
class UnreadCount:
    unread_count: int


def notification_resource(notification: Notification) -> NotificationResource:
    return NotificationResource(
        id=notification.id,
        fingerprint=notification.dedup_key,
        kind=notification.kind,
        severity=notification.severity,
        title=notification.title,
        body=notification.body,
        task_name=notification.task_name,
        run_id=notification.run_id,
        count=notification.count,
        occurrence_ring=notification.occurrence_ring,
        created_at=notification.created_at,
        last_occurred_at=notification.last_occurred_at,
        read_at=notification.read_at,
    )
