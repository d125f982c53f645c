"""All routes there are, as the classes that declare them."""

from __future__ import annotations

from runwisp.web.api.auth import AuthApi, LocalApi
from runwisp.web.api.bulk import BulkApi
from runwisp.web.api.health import HealthApi
from runwisp.web.api.notifications import NotificationsApi
from runwisp.web.api.openapi import OpenApiApi
from runwisp.web.api.runs import RunsApi

APIS: tuple[type, ...] = (
    HealthApi,
    OpenApiApi,
    AuthApi,
    LocalApi,
    RunsApi,
    BulkApi,
    NotificationsApi,
)
