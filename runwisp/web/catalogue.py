"""All routes there are, as the classes that declare them."""

from __future__ import annotations

from runwisp.web.api.auth import AuthApi, LocalApi
from runwisp.web.api.bulk import BulkApi
from runwisp.web.api.daemon import DaemonApi
from runwisp.web.api.events import EventsApi
from runwisp.web.api.health import HealthApi
from runwisp.web.api.log_stream import LogStreamApi
from runwisp.web.api.logs import LogsApi
from runwisp.web.api.metrics import MetricsApi
from runwisp.web.api.notifications import NotificationsApi
from runwisp.web.api.openapi import OpenApiApi
from runwisp.web.api.runs import RunsApi
from runwisp.web.api.system import SystemApi
from runwisp.web.api.tasks import TasksApi

APIS: tuple[type, ...] = (
    HealthApi,
    MetricsApi,
    OpenApiApi,
    AuthApi,
    LocalApi,
    DaemonApi,
    SystemApi,
    TasksApi,
    RunsApi,
    BulkApi,
    LogsApi,
    NotificationsApi,
    EventsApi,
    LogStreamApi,
)
