"""Every key of ``[tasks.NAME]`` (spec: config, [tasks.NAME])."""

from __future__ import annotations

from runwisp.config import kinds
from runwisp.config import unit_fields as unit
from runwisp.config.fields import Field, Form, Limits, Table
from runwisp.model import CatchUp, Curve, Overlap, RunOnStart

_CRON = Field("cron", kinds.CRON, "Schedule: five fields, six with the second first, or an ``@`` form.")
_TIMEZONE = Field("timezone", kinds.ZONE, "Zone of this ``cron``.", default_text="``[scheduler] timezone``")
_RUN_ON_START = Field(
    "run_on_start",
    kinds.START_RULE,
    "One more run at each start of the daemon (``true`` or ``daemon``), or once per boot of the machine"
    " (``boot``).",
    default=False,
    words=RunOnStart,
    substituted=False,
)
_CATCH_UP = Field(
    "catch_up",
    kinds.CATCH_UP_RULE,
    "Missed slots that are made up for: the newest, all (oldest first), or none.",
    default="latest",
    words=CatchUp,
    inherited=True,
)
_PARALLELISM = Field(
    "parallelism",
    kinds.INTEGER,
    "Runs that may be active at once.",
    default=1,
    limits=Limits(minimum=1, maximum=1024),
    aliases=("max_concurrent",),
)
ON_OVERLAP = Field(
    "on_overlap",
    kinds.WORD,
    "A firing while all are active: it waits, is recorded as skipped, or the oldest run is stopped for it.",
    default="queue",
    words=Overlap,
    word_aliases={"kill": "terminate"},
)
_MAX_QUEUED = Field(
    "max_queued",
    kinds.INTEGER,
    "New firings that may wait; one more ends ``queue_full``. 0: none waits.",
    default=100,
    limits=Limits(minimum=0, maximum=10_000),
)
_TIMEOUT = Field(
    "timeout",
    kinds.DURATION,
    "Limit of one attempt; ``0s`` is none, also where ``[defaults]`` has one.",
    default_text="none",
    limits=unit.DURATION_LIMITS,
    inherited=True,
    zero_is_none=True,
)
_RETRY_ATTEMPTS = Field(
    "retry_attempts",
    kinds.INTEGER,
    "Further attempts after a failed one.",
    default=0,
    limits=Limits(minimum=0, maximum=100),
)
_RETRY_DELAY = Field("retry_delay", kinds.DURATION, "Base wait d.", default="5s", limits=unit.DURATION_LIMITS)
_RETRY_BACKOFF = Field(
    "retry_backoff",
    kinds.WORD,
    "Wait before retry n: d, d · n, or d · 2ⁿ⁻¹; at most 5 minutes.",
    default="constant",
    words=Curve,
)

_ELSEWHERE = "it is only for services"

TASKS = Table(
    "tasks",
    Form.NAMED,
    (
        unit.RUN,
        unit.DESCRIPTION,
        unit.GROUP,
        unit.API_TRIGGER,
        _CRON,
        _TIMEZONE,
        _RUN_ON_START,
        _CATCH_UP,
        _PARALLELISM,
        ON_OVERLAP,
        _MAX_QUEUED,
        _TIMEOUT,
        unit.GRACEFUL_STOP,
        unit.STOP_SIGNAL,
        _RETRY_ATTEMPTS,
        _RETRY_DELAY,
        _RETRY_BACKOFF,
        unit.FAILURES,
        *unit.LAST,
    ),
    hints={
        "instances": f"{_ELSEWHERE}; a task has parallelism",
        "restart": f"{_ELSEWHERE}; a task has retry_attempts, retry_delay and retry_backoff, and what"
        ' restart = "always" keeps alive is a service, [services.NAME]',
        "restart_attempts": f"{_ELSEWHERE}; a task has retry_attempts",
        "restart_delay": f"{_ELSEWHERE}; a task has retry_delay",
        "restart_backoff": f"{_ELSEWHERE}; a task has retry_backoff",
        "healthy_after": _ELSEWHERE,
        "priority": _ELSEWHERE,
        "autostart": f"{_ELSEWHERE}; a task has run_on_start",
        "depends_on": _ELSEWHERE,
        "health_check": _ELSEWHERE,
    },
    check_first=unit.CHECK_FIRST,
)
