"""The keys that tasks and services have in common (spec: config, [tasks.NAME])."""

from __future__ import annotations

from runwisp.config import kinds
from runwisp.config.fields import Field, Limits
from runwisp.config.shapes import DAY_S
from runwisp.model import EnvBase, LogOnFull

#: No duration is longer than a hundred years: what is meant as "for ever" has other spellings.
MAX_DURATION_S = 36_500 * DAY_S
DURATION_LIMITS = Limits(minimum=0, maximum=MAX_DURATION_S)

BUILT_IN_FAILURES = ["failed", "timeout", "crashed", "log_overflow", "start_failed", "unhealthy", "missed"]

RUN = Field(
    "run",
    kinds.SHELL_TEXT,
    "Shell text that is run; a shell that knows ``-e`` stops at the first command that fails.",
    required=True,
    substituted=False,
)
DESCRIPTION = Field("description", kinds.STRING, "Text for people.", default="")
GROUP = Field(
    "group",
    kinds.OPTIONAL_STRING,
    "Heading under which the unit is shown, nothing else.",
    default_text="Ungrouped",
)
API_TRIGGER = Field(
    "api_trigger",
    kinds.BOOLEAN,
    "With ``false`` every start by hand is refused.",
    default=True,
    aliases=("manual_trigger",),
)
GRACEFUL_STOP = Field(
    "graceful_stop",
    kinds.DURATION,
    "Time from the stop signal to ``SIGKILL``; ``0s`` kills at once.",
    default="5s",
    limits=DURATION_LIMITS,
    inherited=True,
)
STOP_SIGNAL = Field(
    "stop_signal",
    kinds.SIGNAL,
    "First signal of a stop, sent to the process group, in any letter case: "
    + ", ".join(kinds.STOP_SIGNALS)
    + ".",
    default="SIGTERM",
    inherited=True,
)
FAILURES = Field(
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
)
_KEEP_FOR = Field(
    "keep_for",
    kinds.DURATION,
    "Age at which ended runs go; with ``keep_runs`` the stricter of both holds.",
    default_text="no cap",
    limits=Limits(minimum=0, maximum=MAX_DURATION_S, above=True),
    inherited=True,
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
)
_NOTIFY_ON_SUCCESS = Field("notify_on_success", kinds.TOKENS, "Notifiers for successes.", default=[])

#: The order in which problems of a unit are reported (spec: config, collection and order).
CHECK_FIRST = (
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

LAST = (
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
