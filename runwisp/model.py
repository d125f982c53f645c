"""The values that every floor speaks about: units, runs and their fixed words.

Attributes carry the names of ``runwisp.toml``, of the database columns and of the API. Nothing here decides,
reads or writes anything. Defaults of configuration keys stand in :mod:`runwisp.config.fields`, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import NewType

from attrs import field, frozen

RunId = NewType("RunId", str)
#: A span of time in seconds.
Seconds = NewType("Seconds", float)
#: A number of bytes.
Bytes = NewType("Bytes", int)
#: A moment: milliseconds since the Unix epoch, UTC.
UnixMs = NewType("UnixMs", int)


class Status(StrEnum):
    """Phase of a run; it only moves forward."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


class EndReason(StrEnum):
    """What happened to an ended run (spec: runtime, end reasons)."""

    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    CRASHED = "crashed"
    SKIPPED = "skipped"
    LOG_OVERFLOW = "log_overflow"
    QUEUE_FULL = "queue_full"
    DST_SKIPPED = "dst_skipped"
    DAEMON_STOPPED = "daemon_stopped"
    MISSED = "missed"
    START_FAILED = "start_failed"
    UNHEALTHY = "unhealthy"


class TriggeredBy(StrEnum):
    CRON = "cron"
    API = "api"
    SERVICE = "service"
    STARTUP = "startup"


class TriggerSource(StrEnum):
    UI = "ui"
    CLI = "cli"
    HOOK = "hook"


class Kind(StrEnum):
    TASK = "task"
    SERVICE = "service"


class Overlap(StrEnum):
    QUEUE = "queue"
    SKIP = "skip"
    TERMINATE = "terminate"


class CatchUp(StrEnum):
    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


class Curve(StrEnum):
    """How a delay grows from one attempt to the next."""

    CONSTANT = "constant"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class LogOnFull(StrEnum):
    DROP_OLD = "drop_old"
    DROP_NEW = "drop_new"
    KILL_TASK = "kill_task"


class Restart(StrEnum):
    ALWAYS = "always"
    ON_FAILURE = "on_failure"
    NEVER = "never"


class ReplicaState(StrEnum):
    """How a slot of a service is."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FATAL = "fatal"


class ServiceState(StrEnum):
    """How a service is as a whole."""

    RUNNING = "running"
    DEGRADED = "degraded"
    STOPPED = "stopped"
    FATAL = "fatal"


class EnvBase(StrEnum):
    INHERIT = "inherit"
    CLEAN = "clean"


class RunOnStart(StrEnum):
    DAEMON = "daemon"
    BOOT = "boot"


class Severity(StrEnum):
    """How much a notification asks for attention."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class NotifyKind(StrEnum):
    """What notifications tell about (spec: notifications, kinds)."""

    RUN_STARTED = "run.started"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_TIMEOUT = "run.timeout"
    RUN_CRASHED = "run.crashed"
    RUN_STOPPED = "run.stopped"
    RUN_QUEUE_FULL = "run.queue_full"
    RUN_MISSED = "run.missed"
    SERVICE_FATAL = "service.fatal"
    LOG_DISK_PRESSURE = "log.disk_pressure"
    DELIVERY_FAILED = "notify.delivery_failed"
    TEST = "notify.test"


class Stream(IntEnum):
    """Where a captured line came from; the numbers are those of the index file."""

    STDOUT = 1
    STDERR = 2
    SYSTEM = 3


@frozen(kw_only=True)
class Unit:
    """What a task and a service have in common, with every default and inherited value filled in."""

    name: str
    run: str
    description: str
    group: str | None
    api_trigger: bool
    on_overlap: Overlap
    graceful_stop: Seconds
    stop_signal: str
    failures: tuple[str, ...]
    working_dir: str | None
    shell: str
    umask: int | None
    env_base: EnvBase
    user: str | None
    log_max_size: Bytes | None
    log_on_full: LogOnFull
    keep_runs: int | None
    keep_for: Seconds | None
    env: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    env_file: str | None
    secrets_file: str | None
    notify_on_failure: tuple[str, ...]
    notify_on_success: tuple[str, ...]
    source_file: str


@frozen(kw_only=True)
class Task(Unit):
    """A unit of work that runs and exits."""

    cron: str | None
    timezone: str | None
    run_on_start: RunOnStart | None
    catch_up: CatchUp
    catch_up_limit: int | None
    parallelism: int
    max_queued: int
    timeout: Seconds | None
    retry_attempts: int
    retry_delay: Seconds
    retry_backoff: Curve


@frozen(kw_only=True)
class Service(Unit):
    """A unit of work that the supervisor keeps alive in ``instances`` replicas."""

    instances: int
    restart: Restart
    restart_delay: Seconds
    restart_backoff: Curve
    healthy_after: Seconds
    restart_attempts: int | None
    priority: int
    autostart: bool
    depends_on: tuple[str, ...]


@frozen(kw_only=True)
class Run:
    """One observable execution: a row of the table ``runs``.

    ``exit_code`` is -1 for a run that never started or was ended by a signal and -2 for a crashed one.
    """

    id: RunId
    task_name: str
    status: Status
    created_at: UnixMs
    triggered_by: TriggeredBy
    trigger_source: TriggerSource | None = None
    end_reason: EndReason | None = None
    exit_code: int | None = None
    start_at: UnixMs | None = None
    end_at: UnixMs | None = None
    retry_attempt: int = 0
    retry_of_run_id: RunId | None = None
    next_retry_at: UnixMs | None = None
    replica_index: int = 0
    is_failure: bool = False
    message: str | None = None
    process_group: int | None = None
    process_started: int | None = None
    peak_memory_bytes: Bytes | None = None
    cpu_time: Seconds | None = None

    @property
    def duration(self) -> Seconds | None:
        """End minus start, None unless both are known."""
        if self.start_at is None or self.end_at is None:
            return None
        return Seconds((self.end_at - self.start_at) / 1000)

    @property
    def label(self) -> str:
        """The unit's name, with ``#N`` when the replica index is not 0."""
        return self.task_name if self.replica_index == 0 else f"{self.task_name}#{self.replica_index}"


@frozen(kw_only=True)
class NotifyEvent:
    """Something that notifications are to tell, before it is known to whom (spec: notifications, kinds).

    ``task_name`` is the unit's name, None for a test. ``reason`` is empty if there is nothing to say.
    ``extra`` holds what the kind adds, by the names of the specification.
    """

    id: str
    kind: NotifyKind
    severity: Severity
    timestamp: UnixMs
    task_name: str | None
    run: Run | None
    reason: str
    extra: Mapping[str, str | int | bool | None] = field(factory=dict)


@frozen(kw_only=True)
class Notification:
    """One row of the bell: an event, and its repeats that followed closely enough.

    ``occurrence_ring`` has the moments of the latest of them, newest first. ``title``, ``body`` and
    ``run_id`` are those of the newest; ``read_at`` is None while it is unread.
    """

    id: str
    dedup_key: str
    kind: str
    severity: Severity
    task_name: str | None
    run_id: RunId | None
    title: str
    body: str
    count: int
    occurrence_ring: tuple[UnixMs, ...]
    created_at: UnixMs
    last_occurred_at: UnixMs
    read_at: UnixMs | None


@frozen(kw_only=True)
class ReplicaReport:
    """One slot of a service, with the names of the API.

    ``is_wanted`` if it is to be filled. ``run_id`` and ``start_at`` are those of the run that is in it,
    ``next_start_at`` is set while it waits for its restart. ``restarts`` counts since the daemon's start,
    ``failed_starts`` the present row of them.
    """

    replica_index: int
    state: ReplicaState
    is_wanted: bool
    run_id: RunId | None
    start_at: UnixMs | None
    next_start_at: UnixMs | None
    restarts: int
    failed_starts: int
    last_exit_code: int | None


@frozen
class ServiceReport:
    """A service and its slots, by index; ``running`` is how many replicas are up."""

    state: ServiceState
    running: int
    replicas: tuple[ReplicaReport, ...]
