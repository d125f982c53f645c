"""What the events of the streams carry (spec: rest, event streams)."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from runwisp.engine.samples import MetricsSample
from runwisp.model import RunId, Seconds
from runwisp.web.resources.notification import NotificationResource
from runwisp.web.resources.run import RunResource
from runwisp.web.resources.task import ServiceStateResource, TaskResource


class Reason(StrEnum):
    """Why events may be missing."""

    BEHIND = "behind"
    RESTARTED = "restarted"
    UNKNOWN_ID = "unknown_id"


@frozen
class OfRun:
    run: RunResource


@frozen
class OfDeletedRun:
    run_id: RunId
    task_name: str


@frozen
class OfService:
    task_name: str
    service: ServiceStateResource


@frozen
class OfTask:
    task: TaskResource


@frozen
class OfConfig:
    stale: bool


@frozen
class OfNotification:
    notification: NotificationResource
    unread_count: int


@frozen
class OfSystem:
    sample: MetricsSample
    uptime: Seconds
    usage: None = None


@frozen
class Resync:
    reason: Reason


@frozen
class LogRotated:
    first_available: int


@frozen
class LogDone:
    total_lines: int
    run: RunResource


@frozen
class TextLines:
    items: tuple[str, ...]
