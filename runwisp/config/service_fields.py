"""Every key of ``[services.NAME]`` (spec: config, [services.NAME])."""

from __future__ import annotations

from attrs import evolve

from runwisp.config import kinds
from runwisp.config import unit_fields as unit
from runwisp.config.fields import Field, Form, Limits, Table
from runwisp.config.task_fields import ON_OVERLAP
from runwisp.model import Curve, Restart

_INSTANCES = Field(
    "instances",
    kinds.INTEGER,
    "Replicas that are kept alive, with indices from 0.",
    default=1,
    limits=Limits(minimum=1, maximum=64),
)
_RESTART = Field(
    "restart", kinds.WORD, "When a replica that exited is started again.", default="always", words=Restart
)
_RESTART_DELAY = Field(
    "restart_delay",
    kinds.DURATION,
    "Base wait before a restart; there is none after a restart by hand.",
    default="1s",
    limits=unit.DURATION_LIMITS,
    inherited=True,
)
_RESTART_BACKOFF = Field(
    "restart_backoff",
    kinds.WORD,
    "Growth of that wait from exit to exit, as with ``retry_backoff``; at most 60 seconds.",
    default="exponential",
    words=Curve,
    inherited=True,
)
_HEALTHY_AFTER = Field(
    "healthy_after",
    kinds.DURATION,
    "Time up after which a replica is healthy, and its wait and its failed starts count from the beginning.",
    default="60s",
    limits=unit.DURATION_LIMITS,
    inherited=True,
)
_RESTART_ATTEMPTS = Field(
    "restart_attempts",
    kinds.INTEGER,
    "Failed starts in a row after which a replica is given up at the next one (``start_failed``).",
    default_text="never give up",
    limits=Limits(minimum=0, maximum=100),
    inherited=True,
)
_PRIORITY = Field(
    "priority",
    kinds.INTEGER,
    "Order of the first start, low numbers first, then by name.",
    default=0,
)
_AUTOSTART = Field("autostart", kinds.BOOLEAN, "Start with the daemon.", default=True)
_DEPENDS_ON = Field(
    "depends_on",
    kinds.UNIT_NAMES,
    "Services that have to be healthy before this one is started with the daemon.",
    default=[],
)

_ELSEWHERE = "it is only for tasks"

SERVICES = Table(
    "services",
    Form.NAMED,
    (
        unit.RUN,
        unit.DESCRIPTION,
        unit.GROUP,
        evolve(
            unit.API_TRIGGER,
            help="With ``false`` start and restart by hand are refused; stopping is always allowed.",
        ),
        unit.GRACEFUL_STOP,
        unit.STOP_SIGNAL,
        unit.FAILURES,
        _INSTANCES,
        _RESTART,
        _RESTART_DELAY,
        _RESTART_BACKOFF,
        _HEALTHY_AFTER,
        _RESTART_ATTEMPTS,
        evolve(
            ON_OVERLAP,
            default="skip",
            help="A start by hand while every replica is up: it is recorded as skipped, waits until one is"
            " down, or the oldest replica is stopped and replaced.",
        ),
        _PRIORITY,
        _AUTOSTART,
        _DEPENDS_ON,
        *unit.LAST,
    ),
    hints={
        "cron": f"{_ELSEWHERE}; services are not scheduled, they run all the time",
        "timezone": _ELSEWHERE,
        "jitter": _ELSEWHERE,
        "run_on_start": f"{_ELSEWHERE}; a service has autostart",
        "catch_up": _ELSEWHERE,
        "parallelism": f"{_ELSEWHERE}; a service has instances",
        "max_queued": _ELSEWHERE,
        "timeout": f"{_ELSEWHERE}; services have no timeout",
        "retry_attempts": f"{_ELSEWHERE}; a service has restart and restart_attempts",
        "retry_delay": f"{_ELSEWHERE}; a service has restart_delay",
        "retry_backoff": f"{_ELSEWHERE}; a service has restart_backoff",
        "params": _ELSEWHERE,
    },
    check_first=unit.CHECK_FIRST,
)
