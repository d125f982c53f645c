"""Puts together what the web side answers with: every route with what it needs."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from runwisp.engine.config_watch import ConfigWatch
from runwisp.engine.deletion import Deletion
from runwisp.engine.engine import Engine
from runwisp.engine.samples import Samples
from runwisp.events import Bus, TasksChanged
from runwisp.logs.library import Library
from runwisp.model import Seconds
from runwisp.store.interfaces import IDatabase
from runwisp.web.about import About
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
from runwisp.web.app import App, make_resource
from runwisp.web.auth.auth import Auth
from runwisp.web.daemon_log import DaemonLog
from runwisp.web.feed import Feed
from runwisp.web.gate import IGate, RequestFacts
from runwisp.web.guard import Gate
from runwisp.web.log_feed import LogFeeds, Means
from runwisp.web.routing import Caller, Route
from runwisp.web.run_watch import RunWatch
from runwisp.web.shown_tasks import ShownTasks
from runwisp.web.sse import Audience
from runwisp.web.static import Static
from runwisp.web.waiting import Waiting


@frozen
class Apps:
    """What answers at the main listeners, and at that of the metrics if they have one."""

    main: App
    metrics: App | None


@frozen(kw_only=True)
class Backing:
    """What stands behind the routes. ``wall`` is in seconds since the epoch, ``logs`` the root of the logs.

    ``in_reactor`` calls a function soon, in the thread of the reactor; it may be called in any thread.
    ``url`` is where the daemon listens. ``reload`` applies the configuration anew.
    """

    clock: IReactorTime
    in_reactor: Callable[[Callable[[], None]], object]
    wall: Callable[[], float]
    engine: Engine
    database: IDatabase
    bus: Bus
    logs: Path
    library: Library
    url: str
    about: About
    samples: Samples
    daemon_log: DaemonLog
    reload: Callable[[], Awaitable[TasksChanged]]

    def make_apps(self, auth: Auth) -> Apps:
        """All routes, as the configuration of the start wants them."""
        settings = self.engine.config.daemon
        metrics = [MetricsApi(self._scraping())] if settings.metrics_enabled else []
        is_apart = settings.metrics_listen is not None
        gate = Gate(auth, self.about.host, lambda: self.engine.config.daemon)
        apis = [*self._apis(auth), *(() if is_apart else metrics)]
        return Apps(
            main=make_resource(apis, gate, self.clock, self.wall, Static()),
            metrics=make_resource(metrics, _EverybodyIn(), self.clock, self.wall) if is_apart else None,
        )

    def _apis(self, auth: Auth) -> list[object]:
        engine, database = self.engine, self.database
        shown = ShownTasks(engine, database)
        audience = Audience(self.clock)
        deletion = Deletion(engine.resources.in_thread, database, self.logs, self.bus)
        return [
            HealthApi(engine, database, self.clock),
            OpenApiApi(engine.config.daemon.external_url or self.url),
            AuthApi(auth),
            LocalApi(auth),
            DaemonApi(engine, self.about, self.reload),
            SystemApi(self.clock, self.about, self.samples),
            TasksApi(engine, database, shown, Waiting(self.clock, self.bus)),
            RunsApi(engine, database, deletion),
            BulkApi(engine, database, deletion),
            LogsApi(database, self.library, engine.resources.in_thread, self.clock),
            NotificationsApi(database, self.bus, self.wall),
            EventsApi(self._feed(shown), self.daemon_log, audience),
            LogStreamApi(database, RunWatch(self.bus), self.library, self._log_feeds(), audience),
        ]

    def _log_feeds(self) -> LogFeeds:
        in_thread = self.engine.resources.in_thread
        means = Means(clock=self.clock, in_thread=in_thread, in_reactor=self.in_reactor)
        return LogFeeds(means, self.library)

    def _feed(self, shown: ShownTasks) -> Feed:
        background = self.engine.resources.background
        watch = ConfigWatch(
            self.clock, lambda: self.engine.config, self.engine.resources.in_thread, background, self.bus
        )
        feed = Feed(
            clock=self.clock,
            bus=self.bus,
            background=background,
            samples=self.samples,
            boot=secrets.token_hex(4),
            uptime=self._uptime,
            show_task=shown.one,
            on_join=watch.look,
        )

        def on_wake() -> None:
            self.samples.on_wake()
            if feed.has_clients:
                watch.on_wake()

        self.engine.scheduler.on_wake = on_wake
        return feed

    def _uptime(self) -> Seconds:
        return Seconds(self.clock.seconds() - self.about.began_s)

    def _scraping(self) -> Callable[[], Awaitable[str]]:
        from runwisp.web.metrics import Metrics

        return Metrics(self.engine, self.database, self.samples, self._uptime).scrape


@implementer(IGate)
class _EverybodyIn:
    """Guards the listener of the metrics, which has nothing else to show (spec: rest, host)."""

    def check_host(self, facts: RequestFacts) -> None:
        pass

    def caller(self, facts: RequestFacts) -> Caller:
        return Caller(is_socket=False, address=facts.address, client=facts.address, is_secure=False)

    def admit(self, route: Route, facts: RequestFacts, caller: Caller) -> Caller:
        return caller
