"""A task or service as the API shows it: its configuration and its state (spec: rest, task)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, fields, frozen

from runwisp.model import (
    Bytes,
    CatchUp,
    Curve,
    EnvBase,
    Kind,
    LogOnFull,
    Overlap,
    ReplicaState,
    Restart,
    RunId,
    RunOnStart,
    Seconds,
    Service,
    ServiceReport,
    ServiceState,
    Task,
    UnixMs,
)
from runwisp.web.resources.run import RunResource


@frozen(kw_only=True)
class ReplicaResource:
    replica_index: int
    state: ReplicaState
    run_id: RunId | None
    start_at: UnixMs | None
    next_start_at: UnixMs | None = field(metadata={"description": "while it waits for its restart"})
    restarts: int
    failed_starts: int
    last_exit_code: int | None


@frozen(kw_only=True)
class ServiceStateResource:
    state: ServiceState
    running: int = field(metadata={"description": "replicas that are up"})
    replicas: tuple[ReplicaResource, ...]


@frozen(kw_only=True)
class TaskResource:
    """Keys of the configuration have their effective values; one that the kind does not have is null."""

    name: str
    kind: Kind
    group: str | None
    description: str | None
    run: str | None
    api_trigger: bool
    cron: str | None
    timezone: str | None
    run_on_start: RunOnStart | None
    catch_up: CatchUp | None
    catch_up_limit: int | None
    parallelism: int | None
    on_overlap: Overlap
    max_queued: int | None
    timeout: Seconds | None
    graceful_stop: Seconds
    stop_signal: str
    retry_attempts: int | None
    retry_delay: Seconds | None
    retry_backoff: Curve | None
    instances: int | None
    restart: Restart | None
    restart_delay: Seconds | None
    restart_backoff: Curve | None
    healthy_after: Seconds | None
    restart_attempts: int | None = field(metadata={"description": "null never gives up"})
    autostart: bool | None
    priority: int | None
    depends_on: tuple[str, ...] | None
    failures: tuple[str, ...]
    log_max_size: Bytes | None
    log_on_full: LogOnFull
    keep_runs: int | None
    keep_for: Seconds | None
    notify_on_failure: tuple[str, ...]
    notify_on_success: tuple[str, ...]
    env: Mapping[str, str]
    env_base: EnvBase
    env_file: str | None
    secrets_file: str | None
    working_dir: str | None
    shell: str | None
    umask: str | None
    user: str | None
    jitter: None = None
    params: None = None
    health_check: None = None
    compose: None = None
    source: None = None
    source_file: None = None
    next_run_at: UnixMs | None = field(metadata={"description": "null while paused"})
    active_runs: int
    queued_runs: int
    last_run: RunResource | None = field(metadata={"description": "the newest by created_at and id"})
    service: ServiceStateResource | None
    paused_at: UnixMs | None
    held_by: None = None
    usage: None = None


@frozen(kw_only=True)
class TaskList:
    items: tuple[TaskResource, ...]
    next_cursor: None = None
    total: int


@frozen(kw_only=True)
class NextRuns:
    """The coming slots of a schedule, first to last."""

    items: tuple[UnixMs, ...]
    next_cursor: None = None


@frozen(kw_only=True)
class UnitState:
    """What a unit is doing, beside its configuration."""

    next_run_at: UnixMs | None
    active_runs: int
    queued_runs: int
    last_run: RunResource | None
    service: ServiceReport | None
    paused_at: UnixMs | None


def _names(cls: type) -> set[str]:
    return {attribute.name for attribute in fields(cls)}


#: What the API shows otherwise than the unit has it.
_OWN_FORM = {"description", "umask", "source_file"}
_KEYS = sorted(_names(TaskResource) & (_names(Task) | _names(Service)) - _OWN_FORM)


def task_resource(unit: Task | Service, state: UnitState) -> TaskResource:
    # Any: the keys are those of the class, with the same types.
    configuration: dict[str, Any] = {key: getattr(unit, key, None) for key in _KEYS}
    return TaskResource(
        kind=Kind.TASK if isinstance(unit, Task) else Kind.SERVICE,
        description=unit.description or None,
        umask=None if unit.umask is None else f"{unit.umask:04o}",
        next_run_at=state.next_run_at,
        active_runs=state.active_runs,
        queued_runs=state.queued_runs,
        last_run=state.last_run,
        service=None if state.service is None else service_state_resource(state.service),
        paused_at=state.paused_at,
        **configuration,
    )


_REPLICA_NAMES = [attribute.name for attribute in fields(ReplicaResource)]


def service_state_resource(report: ServiceReport) -> ServiceStateResource:
    replicas = tuple(
        ReplicaResource(**{name: getattr(replica, name) for name in _REPLICA_NAMES})
        for replica in report.replicas
    )
    return ServiceStateResource(state=report.state, running=report.running, replicas=replicas)
