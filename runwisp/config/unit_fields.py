"""Every key of ``[tasks.NAME]``, ``[services.NAME]`` and ``[defaults]`` (spec: config, sections)."""

from __future__ import annotations

from attrs import evolve

from runwisp.config import values as kinds
from runwisp.config.fields import Field, Form, Limits, Table
from runwisp.config.kinds import DAY_S
from runwisp.model import CatchUp, Curve, EnvBase, LogOnFull, Overlap, Restart, RunOnStart

#: No duration is longer than a hundred years: what is meant as "for ever" has other spellings.
MAX_DURATION_S = 36_500 * DAY_S
DURATION_LIMITS = Limits(minimum=0, maximum=MAX_DURATION_S)

BUILT_IN_FAILURES = ["failed", "timeout", "crashed", "log_overflow", "start_failed", "unhealthy", "missed"]

_RUN = Field(
    "run",
    kinds.SHELL_TEXT,
    "Shell text that is run; a shell that knows ``-e`` stops at the first command that fails.",
    required=True,
    substituted=False,
)
_DESCRIPTION = Field("description", kinds.STRING, "Text for people.", default="")
_GROUP = Field(
    "group",
    kinds.OPTIONAL_STRING,
    "Heading under which the unit is shown, nothing else.",
    default_text="Ungrouped",
)
_API_TRIGGER = Field(
    "api_trigger",
    kinds.BOOLEAN,
    "With ``false`` every start by hand is refused.",
    default=True,
    aliases=("manual_trigger",),
)
_GRACEFUL_STOP = Field(
    "graceful_stop",
    kinds.DURATION,
    "Time from the stop signal to ``SIGKILL``; ``0s`` kills at once.",
    default="5s",
    limits=DURATION_LIMITS,
    inherited=True,
)
_STOP_SIGNAL = Field(
    "stop_signal",
    kinds.SIGNAL,
    "First signal of a stop, sent to the process group, in any letter case: "
    + ", ".join(kinds.STOP_SIGNALS)
    + ".",
    default="SIGTERM",
    inherited=True,
)
_FAILURES = Field(
    "failures",
    kinds.FAILURES,
    'Outcomes that count as failure: end reasons, exit codes (``"42"``) and ranges (``"1-23"``). With ``+``'
    " or ``-`` they are added to, or taken from, the inherited set; without, they replace it.",
    default=BUILT_IN_FAILURES,
    inherited=True,
)
_WORKING_DIR = Field(
    "working_dir",
    kinds.WORKING_DIR,
    "Directory of the process, looked for when a run starts. With ``user``, ``~`` is that user's home.",
    default_text="the daemon's",
)
_SHELL = Field("shell", kinds.ABSOLUTE_PATH, "Interpreter of ``run``.", default="/bin/sh", inherited=True)
_UMASK = Field(
    "umask", kinds.UMASK, "File-creation mask: octal digits up to 0777.", default_text="the daemon's"
)
_ENV_BASE = Field(
    "env_base",
    kinds.WORD,
    "What the environment begins with: the daemon's (``inherit``), or only PATH, SHELL, HOME, USER and"
    " LOGNAME (``clean``).",
    default="inherit",
    words=EnvBase,
)
_USER = Field(
    "user",
    kinds.USER,
    "Account of the process, ``user`` or ``user:group``, names or numbers; needs a daemon of root.",
    default_text="the daemon's",
)
_LOG_MAX_SIZE = Field(
    "log_max_size",
    kinds.SIZE,
    "Cap on the log of one run; ``0`` is no cap.",
    default="100MB",
    inherited=True,
    zero_is_none=True,
)
_LOG_ON_FULL = Field(
    "log_on_full",
    kinds.WORD,
    "At the cap: drop the oldest output, stop capturing, or kill the run, which then ends ``log_overflow``.",
    default="drop_old",
    words=LogOnFull,
    word_aliases={"kill": "kill_task"},
    inherited=True,
)
_KEEP_RUNS = Field(
    "keep_runs",
    kinds.INTEGER,
    "Ended runs that are kept; 0 keeps none.",
    default_text="no cap",
    limits=Limits(minimum=0, maximum=1_000_000),
    inherited=True,
    acts=False,
)
_KEEP_FOR = Field(
    "keep_for",
    kinds.DURATION,
    "Age at which ended runs go; with ``keep_runs`` the stricter of both holds.",
    default_text="no cap",
    limits=Limits(minimum=0, maximum=MAX_DURATION_S, above=True),
    inherited=True,
    acts=False,
)
_ENV = Field("env", kinds.ENV, "Variables of the process, seen by everyone who is logged in.", inherited=True)
_SECRETS = Field(
    "secrets",
    kinds.ENV,
    "Variables of the process that are never shown, and whose values are replaced in captured output. They"
    " win over ``env``.",
    inherited=True,
    secret=True,
)
_ENV_FILE = Field("env_file", kinds.PATH, "File with lines ``KEY=VALUE``, beneath ``env``.", inherited=True)
_SECRETS_FILE = Field(
    "secrets_file", kinds.PATH, "File with lines ``KEY=VALUE``, beneath ``secrets``.", inherited=True
)
_NOTIFY_ON_FAILURE = Field(
    "notify_on_failure",
    kinds.TOKENS,
    "Notifiers for failures.",
    default=[],
    aliases=("notify",),
    acts=False,
)
_NOTIFY_ON_SUCCESS = Field(
    "notify_on_success", kinds.TOKENS, "Notifiers for successes.", default=[], acts=False
)

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
    acts=False,
)
_CATCH_UP = Field(
    "catch_up",
    kinds.CATCH_UP_RULE,
    "Missed slots that are made up for: the newest, all (oldest first), or none.",
    default="latest",
    words=CatchUp,
    inherited=True,
    acts=False,
)
_PARALLELISM = Field(
    "parallelism",
    kinds.INTEGER,
    "Runs that may be active at once.",
    default=1,
    limits=Limits(minimum=1, maximum=1024),
    aliases=("max_concurrent",),
)
_ON_OVERLAP = Field(
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
    limits=DURATION_LIMITS,
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
_RETRY_DELAY = Field("retry_delay", kinds.DURATION, "Base wait d.", default="5s", limits=DURATION_LIMITS)
_RETRY_BACKOFF = Field(
    "retry_backoff",
    kinds.WORD,
    "Wait before retry n: d, d · n, or d · 2ⁿ⁻¹; at most 5 minutes.",
    default="constant",
    words=Curve,
)

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
    limits=DURATION_LIMITS,
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
    limits=DURATION_LIMITS,
    inherited=True,
)
_RESTART_ATTEMPTS = Field(
    "restart_attempts",
    kinds.INTEGER,
    "Failed starts in a row after which a replica is given up at the next one (``start_failed``).",
    default_text="never give up",
    limits=Limits(minimum=0, maximum=100),
    inherited=True,
    acts=False,
)
_PRIORITY = Field(
    "priority",
    kinds.INTEGER,
    "Order of the first start, low numbers first, then by name.",
    default=0,
    acts=False,
)
_AUTOSTART = Field("autostart", kinds.BOOLEAN, "Start with the daemon.", default=True, acts=False)
_DEPENDS_ON = Field(
    "depends_on",
    kinds.UNIT_NAMES,
    "Services that have to be healthy before this one is started with the daemon.",
    default=[],
    acts=False,
)

#: The order in which problems of a unit are reported (spec: config, collection and order).
_CHECK_FIRST = (
    "run",
    "shell",
    "stop_signal",
    "user",
    "parallelism",
    "max_queued",
    "retry_attempts",
    "catch_up",
    "timeout",
    "graceful_stop",
    "retry_delay",
    "restart_delay",
    "healthy_after",
    "on_overlap",
    "run_on_start",
    "retry_backoff",
    "restart_backoff",
    "log_on_full",
    "env_base",
    "restart",
    "env_file",
    "env",
    "secrets_file",
    "secrets",
    "description",
    "group",
    "api_trigger",
    "failures",
    "working_dir",
    "umask",
    "log_max_size",
    "instances",
    "restart_attempts",
    "priority",
    "autostart",
    "depends_on",
    "keep_runs",
    "keep_for",
    "timezone",
    "cron",
    "notify_on_failure",
    "notify_on_success",
)

_BOTH_END = (
    _WORKING_DIR,
    _SHELL,
    _UMASK,
    _ENV_BASE,
    _USER,
    _LOG_MAX_SIZE,
    _LOG_ON_FULL,
    _KEEP_RUNS,
    _KEEP_FOR,
    _ENV,
    _SECRETS,
    _ENV_FILE,
    _SECRETS_FILE,
    _NOTIFY_ON_FAILURE,
    _NOTIFY_ON_SUCCESS,
)

_ONLY_SERVICES = "it is only for services"
_ONLY_TASKS = "it is only for tasks"

TASKS = Table(
    "tasks",
    Form.NAMED,
    (
        _RUN,
        _DESCRIPTION,
        _GROUP,
        _API_TRIGGER,
        _CRON,
        _TIMEZONE,
        _RUN_ON_START,
        _CATCH_UP,
        _PARALLELISM,
        _ON_OVERLAP,
        _MAX_QUEUED,
        _TIMEOUT,
        _GRACEFUL_STOP,
        _STOP_SIGNAL,
        _RETRY_ATTEMPTS,
        _RETRY_DELAY,
        _RETRY_BACKOFF,
        _FAILURES,
        *_BOTH_END,
    ),
    hints={
        "instances": f"{_ONLY_SERVICES}; a task has parallelism",
        "restart": f"{_ONLY_SERVICES}; a task has retry_attempts, retry_delay and retry_backoff, and what"
        ' restart = "always" keeps alive is a service, [services.NAME]',
        "restart_attempts": f"{_ONLY_SERVICES}; a task has retry_attempts",
        "restart_delay": f"{_ONLY_SERVICES}; a task has retry_delay",
        "restart_backoff": f"{_ONLY_SERVICES}; a task has retry_backoff",
        "healthy_after": _ONLY_SERVICES,
        "priority": _ONLY_SERVICES,
        "autostart": f"{_ONLY_SERVICES}; a task has run_on_start",
        "depends_on": _ONLY_SERVICES,
        "health_check": _ONLY_SERVICES,
    },
    check_first=_CHECK_FIRST,
)

SERVICES = Table(
    "services",
    Form.NAMED,
    (
        _RUN,
        _DESCRIPTION,
        _GROUP,
        evolve(
            _API_TRIGGER,
            help="With ``false`` start and restart by hand are refused; stopping is always allowed.",
        ),
        _GRACEFUL_STOP,
        _STOP_SIGNAL,
        _FAILURES,
        _INSTANCES,
        _RESTART,
        _RESTART_DELAY,
        _RESTART_BACKOFF,
        _HEALTHY_AFTER,
        _RESTART_ATTEMPTS,
        evolve(
            _ON_OVERLAP,
            default="skip",
            help="A start by hand while every replica is up: it is recorded as skipped, waits until one is"
            " down, or the oldest replica is stopped and replaced.",
        ),
        _PRIORITY,
        _AUTOSTART,
        _DEPENDS_ON,
        *_BOTH_END,
    ),
    hints={
        "cron": f"{_ONLY_TASKS}; services are not scheduled, they run all the time",
        "timezone": _ONLY_TASKS,
        "jitter": _ONLY_TASKS,
        "run_on_start": f"{_ONLY_TASKS}; a service has autostart",
        "catch_up": _ONLY_TASKS,
        "parallelism": f"{_ONLY_TASKS}; a service has instances",
        "max_queued": _ONLY_TASKS,
        "timeout": f"{_ONLY_TASKS}; services have no timeout",
        "retry_attempts": f"{_ONLY_TASKS}; a service has restart and restart_attempts",
        "retry_delay": f"{_ONLY_TASKS}; a service has restart_delay",
        "retry_backoff": f"{_ONLY_TASKS}; a service has restart_backoff",
        "params": _ONLY_TASKS,
    },
    check_first=_CHECK_FIRST,
)


def _inherited() -> tuple[Field, ...]:
    """The keys of units that ``[defaults]`` takes, each once."""
    found = {field.name: field for table in (TASKS, SERVICES) for field in table.fields if field.inherited}
    return tuple(found.values())


DEFAULTS = Table(
    "defaults",
    Form.SINGLE,
    _inherited(),
    hints={
        "on_overlap": "set it on the unit",
        "timezone": "set [scheduler] timezone, or timezone on a task",
    },
    check_first=_CHECK_FIRST,
)
