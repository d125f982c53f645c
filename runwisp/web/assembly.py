"""Puts together what the web side answers with: every route with what it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from runwisp.engine.deletion import Deletion
from runwisp.engine.engine import Engine
from runwisp.engine.samples import Samples
from runwisp.events import Bus, TasksChanged
from runwisp.logs.library import Library
from runwisp.store.interfaces import IDatabase
from runwisp.web.about import About
from runwisp.web.api.auth import AuthApi, LocalApi
from runwisp.web.api.bulk import BulkApi
from runwisp.web.api.daemon import DaemonApi
from runwisp.web.api.health import HealthApi
from runwisp.web.api.logs import LogsApi
from runwisp.web.api.metrics import MetricsApi
from runwisp.web.api.notifications import NotificationsApi
from runwisp.web.api.openapi import OpenApiApi
from runwisp.web.api.runs import RunsApi
from runwisp.web.api.system import SystemApi
from runwisp.web.api.tasks import TasksApi
from runwisp.web.app import App, make_resource
from runwisp.web.auth.auth import Auth
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.guard import Gate
from runwisp.web.routing import Caller, Route
from runwisp.web.shown_tasks import ShownTasks
from runwisp.web.waiting import Waiting


@frozen
class Apps:
    """What answers at the main listeners, and at that of the metrics if they have one."""

    main: App
    metrics: App | None


@frozen(kw_only=True)
class Backing:
    """What stands behind the routes. ``wall`` is in seconds since the epoch, ``logs`` the root of the logs.

    ``url`` is where the daemon listens. ``reload`` applies the configuration anew.
    """

    clock: IReactorTime
    wall: Callable[[], float]
    engine: Engine
    database: IDatabase
    bus: Bus
    logs: Path
    library: Library
    url: str
    about: About
    samples: Samples
    reload: Callable[[], Awaitable[TasksChanged]]

    def make_apps(self, auth: Auth) -> Apps:
        """All routes, as the configuration of the start wants them."""
        settings = self.engine.config.daemon
        metrics = [MetricsApi(self._scraping())] if settings.metrics_enabled else []
        is_apart = settings.metrics_listen is not None
        gate = Gate(auth, self.about.host, lambda: self.engine.config.daemon)
        apis = [*self._apis(auth), *(() if is_apart else metrics)]
        return Apps(
            main=make_resource(apis, gate, self.clock, self.wall),
            metrics=make_resource(metrics, _EverybodyIn(), self.clock, self.wall) if is_apart else None,
        )

    def _apis(self, auth: Auth) -> list[object]:
        engine, database = self.engine, self.database
        deletion = Deletion(engine.resources.in_thread, database, self.logs, self.bus)
        return [
            HealthApi(engine, database, self.clock),
            OpenApiApi(engine.config.daemon.external_url or self.url),
            AuthApi(auth),
            LocalApi(auth),
            DaemonApi(engine, self.about, self.reload),
            SystemApi(self.clock, self.about, self.samples),
            TasksApi(engine, database, ShownTasks(engine, database), Waiting(self.clock, self.bus)),
            RunsApi(engine, database, deletion),
            BulkApi(engine, database, deletion),
            LogsApi(database, self.library, engine.resources.in_thread, self.clock),
            NotificationsApi(database, self.bus, self.wall),
        ]

    def _scraping(self) -> Callable[[], Awaitable[str]]:
        from runwisp.web.metrics import Metrics

        def uptime_s() -> float:
            return self.clock.seconds() - self.about.began_s

        return Metrics(self.engine, self.database, self.samples, uptime_s).scrape


@implementer(IGate)
class _EverybodyIn:
    """Guards the listener of the metrics, which has nothing else to show (spec: rest, host)."""

    def check_host(self, facts: RequestFacts) -> None:
        pass

    def caller(self, facts: RequestFacts) -> Caller:
        return Caller(is_socket=False, address=facts.address, client=facts.address, is_secure=False)

    def admit(self, route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        return caller
