"""``/api/daemon``: what the daemon is, and its reload (spec: rest, daemon and system)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from runwisp import __version__
from runwisp.config.staleness import is_stale
from runwisp.engine.engine import Engine
from runwisp.events import TasksChanged
from runwisp.web.about import About
from runwisp.web.resources.daemon import (
    Capability,
    DaemonIdentity,
    DaemonInfo,
    ReloadResult,
    reload_result,
)
from runwisp.web.routing import Access, Answer, Call, route

_NAME = "runwisp"


@frozen
class DaemonApi:
    """``reload`` applies the configuration anew, or raises why it cannot."""

    engine: Engine
    about: About
    reload: Callable[[], Awaitable[TasksChanged]]

    @route("GET", "/api/daemon", summary="Show the daemon", answers={200: DaemonInfo})
    async def get_daemon(self, call: Call[None, None]) -> Answer:
        engine, about, config = self.engine, self.about, self.engine.config
        is_config_stale = await engine.resources.in_thread(is_stale, config)
        return Answer(
            content=DaemonInfo(
                name=_NAME,
                version=__version__,
                fingerprint=about.fingerprint,
                pid=about.pid,
                started_at=about.started_at,
                uptime=about.uptime(engine.resources.clock.seconds()),
                host=about.host,
                port=about.port,
                external_url=config.daemon.external_url,
                data_dir=str(about.data_dir),
                config_path=str(config.path),
                socket_path=str(about.socket),
                config_loaded_at=engine.config_loaded_at,
                config_stale=is_config_stale,
                config_warnings=tuple(map(str, config.warnings)),
                resolved_timezone=config.timezone,
                timezone_source=config.timezone_source,
                auth_required=about.is_auth_required,
                service_managed=about.is_service_managed,
                shutting_down=engine.is_closing,
                tasks=len(config.tasks),
                services=len(config.services),
                active_runs=engine.active_count,
                queued_runs=engine.queued_count,
                capabilities=(
                    Capability(name="user_switch", available=about.can_switch_user),
                    Capability(name="compose", available=False),
                ),
            )
        )

    @route(
        "GET",
        "/api/daemon/identity",
        access=Access.LOCAL,
        summary="Tell who holds the address",
        answers={200: DaemonIdentity},
    )
    async def get_identity(self, call: Call[None, None]) -> Answer:
        return Answer(
            content=DaemonIdentity(
                name=_NAME,
                version=__version__,
                fingerprint=self.about.fingerprint,
                pid=self.about.pid,
                data_dir=str(self.about.data_dir),
                config_path=str(self.engine.config.path),
                socket_path=str(self.about.socket),
            )
        )

    @route(
        "POST",
        "/api/daemon/reload",
        summary="Read the configuration anew and apply it, or nothing of it",
        answers={200: ReloadResult},
        problems=(422, 503),
    )
    async def reload_daemon(self, call: Call[None, None]) -> Answer:
        changes = await self.reload()
        return Answer(content=reload_result(changes, changes.warnings))
