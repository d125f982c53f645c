"""Every key of ``[scheduler]``, ``[storage]``, ``[daemon]`` and ``[notify]`` (spec: config, sections)."""

from __future__ import annotations

from runwisp.config import kinds
from runwisp.config.fields import Field, Form, Limits, Table
from runwisp.config.settings import Tls
from runwisp.config.unit_fields import DURATION_LIMITS, MAX_DURATION_S

SCHEDULER = Table(
    "scheduler",
    Form.SINGLE,
    (
        Field(
            "timezone",
            kinds.ZONE,
            "Zone of each schedule that has none of its own.",
            default_text="zone of the machine",
        ),
    ),
)

STORAGE = Table(
    "storage",
    Form.SINGLE,
    (
        Field(
            "max_size",
            kinds.SIZE,
            "Cap on the logs of all runs; above it the oldest ended runs go. ``0`` is no cap.",
            default="0",
            zero_is_none=True,
        ),
        Field(
            "min_free_space",
            kinds.SIZE,
            "With less free space than this, new runs fail and capture stops; a run with ``log_on_full ="
            ' "kill_task"`` is stopped. ``0`` is no check.',
            default="0",
            zero_is_none=True,
        ),
    ),
)

DAEMON = Table(
    "daemon",
    Form.SINGLE,
    (
        Field(
            "shutdown_timeout",
            kinds.DURATION,
            "Time for runs in flight when the daemon stops, before ``SIGKILL``; ``0s`` is the default.",
            default="10s",
            limits=DURATION_LIMITS,
        ),
        Field(
            "external_url",
            kinds.BASE_URL,
            "Public address: requests may ask for its host, and links in notifications begin with it; slashes"
            " at its end are dropped.",
            default_text="none",
        ),
        Field(
            "allowed_hosts",
            kinds.HOST_NAMES,
            "More names that requests may ask for in ``Host``, without port.",
            default=[],
        ),
        Field(
            "metrics_enabled",
            kinds.BOOLEAN,
            "Serve ``/metrics``.",
            default_text="``false``; ``true`` with ``metrics_listen``",
        ),
        Field(
            "metrics_listen",
            kinds.LISTEN_ADDRESS,
            "Address of a listener for ``/metrics`` alone, plain HTTP.",
            default_text="none",
        ),
        Field(
            "tls",
            kinds.WORD,
            "``auto``: HTTPS with a certificate of its own on every address but loopback. The variable"
            " ``RUNWISP_TLS`` wins.",
            default="off",
            words=Tls,
        ),
        Field(
            "tls_cert",
            kinds.PATH,
            "PEM file with the certificate for HTTPS on every address; needs ``tls_key``.",
            default_text="none",
        ),
        Field(
            "tls_key",
            kinds.PATH,
            "PEM file with the key of ``tls_cert``.",
            default_text="none",
        ),
        Field(
            "trusted_proxies",
            kinds.NETWORKS,
            "Networks and addresses whose ``X-Forwarded-*`` is believed. The variable"
            " ``RUNWISP_TRUSTED_PROXIES`` (with commas) wins.",
            default=[],
        ),
        Field(
            "include",
            kinds.INCLUDES,
            "More files with units, notifiers and routes: globs ``*``, ``?``, ``[…]``. Root file only.",
            default=[],
        ),
    ),
    hints={
        "host": "use --host or RUNWISP_HOST",
        "port": "use --port or RUNWISP_PORT",
    },
    moved={"timezone": "scheduler"},
    check_first=("shutdown_timeout", "tls", "tls_cert", "tls_key"),
)

NOTIFY = Table(
    "notify",
    Form.SINGLE,
    (
        Field(
            "default_notifiers",
            kinds.TOKENS,
            "Notifiers that get every failure, and are added to every list of a unit that is not empty.",
            default=["inapp"],
            aliases=("global_notifiers",),
        ),
        Field(
            "coalesce_window",
            kinds.DURATION,
            "Time within which repeats join one entry; ``0s`` sends each.",
            default="1h",
            limits=DURATION_LIMITS,
        ),
        Field(
            "occurrence_ring",
            kinds.DEFAULTED_INTEGER,
            "Times that an entry keeps; every n-th repeat is sent. 0 is the default.",
            default=10,
            limits=Limits(minimum=0),
            aliases=("coalesce_limit",),
        ),
        Field(
            "keep_notifications",
            kinds.DEFAULTED_INTEGER,
            "Entries that are kept. 0 is the default.",
            default=1024,
            limits=Limits(minimum=0),
        ),
        Field(
            "keep_for",
            kinds.DURATION,
            "Age at which entries go.",
            default="90d",
            limits=Limits(minimum=0, maximum=MAX_DURATION_S, above=True),
        ),
        Field(
            "retry_budget",
            kinds.DURATION,
            "Time for all attempts of a delivery.",
            default="5m",
            limits=DURATION_LIMITS,
        ),
    ),
)
