"""The daemon and its machine as the API shows them (spec: rest, daemon info; system; small resources)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from attrs import field, frozen

from runwisp.engine.samples import MetricsSample
from runwisp.model import Bytes, Seconds, UnixMs


@frozen(kw_only=True)
class Capability:
    name: str
    available: bool


@frozen(kw_only=True)
class DaemonInfo:
    name: str
    version: str
    fingerprint: str
    pid: int
    started_at: UnixMs
    uptime: Seconds
    host: str
    port: int
    external_url: str | None
    data_dir: str
    config_path: str
    socket_path: str
    config_loaded_at: UnixMs
    config_stale: bool = field(metadata={"description": "a file on disk differs from what is loaded"})
    config_warnings: tuple[str, ...]
    resolved_timezone: str
    timezone_source: Literal["config", "system"]
    auth_required: bool
    service_managed: bool = field(metadata={"description": "started by systemd or launchd"})
    shutting_down: bool
    tasks: int
    services: int
    active_runs: int
    queued_runs: int
    capabilities: tuple[Capability, ...]


@frozen(kw_only=True)
class DaemonIdentity:
    name: str
    version: str
    fingerprint: str
    pid: int
    data_dir: str
    config_path: str
    socket_path: str


@frozen(kw_only=True)
class ChangedUnit:
    name: str
    reasons: tuple[str, ...] = field(metadata={"description": "the keys that changed"})


@frozen(kw_only=True)
class ReloadResult:
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ChangedUnit, ...]
    settings: tuple[str, ...]
    warnings: tuple[str, ...]


class Changes(Protocol):
    """What a reload has changed, as its plan and its event say it."""

    @property
    def added(self) -> tuple[str, ...]: ...

    @property
    def removed(self) -> tuple[str, ...]: ...

    @property
    def changed(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def settings(self) -> tuple[str, ...]: ...


def reload_result(changes: Changes, warnings: Sequence[object]) -> ReloadResult:
    return ReloadResult(
        added=changes.added,
        removed=changes.removed,
        changed=tuple(ChangedUnit(name=name, reasons=keys) for name, keys in changes.changed.items()),
        settings=changes.settings,
        warnings=tuple(map(str, warnings)),
    )


@frozen(kw_only=True)
class SystemStats:
    """The machine; ``uptime`` is the daemon's."""

    host: str
    os: str
    arch: str
    cpu_cores: int
    cpu_usage: float
    mem_usage: float
    mem_total: Bytes
    mem_used: Bytes
    uptime: Seconds
    work_dir: str


@frozen(kw_only=True)
class MetricsList:
    """The kept samples, oldest first."""

    items: tuple[MetricsSample, ...]
    next_cursor: None = None
