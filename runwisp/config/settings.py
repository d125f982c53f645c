"""What ``runwisp.toml`` says, checked and complete. Attributes carry the names of the keys.

Tasks and services are :class:`runwisp.model.Task` and :class:`runwisp.model.Service`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from runwisp.errors import Problem
from runwisp.model import Bytes, Seconds, Service, Task


class Tls(StrEnum):
    OFF = "off"
    AUTO = "auto"


class NotifierType(StrEnum):
    SLACK = "slack"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    NTFY = "ntfy"
    GOTIFY = "gotify"
    PUSHOVER = "pushover"
    SMTP = "smtp"
    SENDMAIL = "sendmail"
    WEBHOOK = "webhook"


class SmtpTls(StrEnum):
    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    OFF = "off"


class ParseMode(StrEnum):
    HTML = "HTML"
    MARKDOWN_V2 = "MarkdownV2"


class EventKind(StrEnum):
    """Kinds of events that a route may name (spec: notifications, kinds and routes)."""

    RUN_STARTED = "run.started"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_TIMEOUT = "run.timeout"
    RUN_CRASHED = "run.crashed"
    RUN_STOPPED = "run.stopped"
    RUN_QUEUE_FULL = "run.queue_full"
    RUN_MISSED = "run.missed"
    RUN_LOG_OVERFLOW = "run.log_overflow"
    RUN_UNHEALTHY = "run.unhealthy"
    RUN_DAEMON_STOPPED = "run.daemon_stopped"
    SERVICE_FATAL = "service.fatal"
    LOG_DISK_PRESSURE = "log.disk_pressure"


@frozen(kw_only=True)
class StorageSettings:
    """None is no cap and no check."""

    max_size: Bytes | None
    min_free_space: Bytes | None


@frozen(kw_only=True)
class DaemonSettings:
    """``include`` holds the globs as absolute paths."""

    shutdown_timeout: Seconds
    external_url: str | None
    allowed_hosts: tuple[str, ...]
    metrics_enabled: bool
    metrics_listen: str | None
    tls: Tls
    tls_cert: str | None
    tls_key: str | None
    trusted_proxies: tuple[str, ...]
    include: tuple[str, ...]


@frozen(kw_only=True)
class NotifySettings:
    default_notifiers: tuple[str, ...]
    coalesce_window: Seconds
    occurrence_ring: int
    keep_notifications: int
    keep_for: Seconds
    retry_budget: Seconds


@frozen(kw_only=True)
class Notifier:
    """A channel for messages; ``options`` are the keys of its type, with defaults, and hold secrets.

    ``template`` is the text of the file that ``template_path`` names.
    """

    id: str
    type: NotifierType
    options: Mapping[str, object] = field(repr=False)
    template: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class RouteMatch:
    """All that is set has to hold; no ``kind`` is every kind, no ``task`` every unit."""

    kind: tuple[EventKind, ...]
    failure: bool
    task: str | None


@frozen(kw_only=True)
class Route:
    match: RouteMatch
    notify: tuple[str, ...]


@frozen(kw_only=True)
class Config:
    """A configuration that can be run.

    ``path`` is the root file, absolute; ``files`` are all whose change would change this configuration and
    that may be looked at: root, included and env files, each with a digest of the text that was read.
    ``timezone`` is that of the scheduler.
    """

    path: Path
    files: Mapping[Path, str] = field(eq=list)
    timezone: str
    timezone_source: Literal["config", "system"]
    storage: StorageSettings
    daemon: DaemonSettings
    notify: NotifySettings
    tasks: Mapping[str, Task]
    services: Mapping[str, Service]
    notifiers: Mapping[str, Notifier]
    routes: tuple[Route, ...]
    warnings: tuple[Problem, ...]

    def unit(self, name: str) -> Task | Service | None:
        return self.tasks.get(name) or self.services.get(name)
