"""A configuration that uses every table, in canonical words and with every other name that is read too."""

from __future__ import annotations

CANONICAL = """
[scheduler]
timezone = "America/Chicago"

[storage]
max_size = "20GB"
min_free_space = "1.5gb"

[daemon]
shutdown_timeout = "40s"
external_url = "https://cron.example.org/"
allowed_hosts = ["cron.lan", "Cron.Example.org"]
metrics_listen = "[::1]:9100"
tls = "auto"
trusted_proxies = ["192.168.7.0/24", "10.1.1.1"]
include = ["more/*.toml"]

[defaults]
timeout = "2h"
catch_up = "all"
failures = ["-missed", "+42"]
log_max_size = "64MB"
log_on_full = "kill_task"
keep_runs = 1000
keep_for = "26w"
env_file = "shared.env"
env = { TZ = "UTC", STAGE = "live" }
secrets = { API_KEY = "${file:keys/api}" }

[tasks.statements]
group = "Accounting"
description = "Prints ${STAGE} statements for $5"
cron = "0 30 5 1 * *"
timezone = "Europe/Zurich"
parallelism = 2
api_trigger = false
on_overlap = "terminate"
max_queued = 7
catch_up = "skip"
timeout = "0s"
retry_attempts = 4
retry_delay = "1m30s"
retry_backoff = "exponential"
failures = ["+stopped"]
working_dir = "accounting"
umask = "0077"
env_base = "clean"
user = "books:books"
notify_on_failure = ["chat:@ann", "pager", "inapp"]
notify_on_success = ["pager"]
secrets = { DB = "${file:keys/db}" }
run = '''
month=$(date -d 'last month' +%Y-%m)
exec ./statements --month "${month:?}"
'''

[tasks."sync:mirror"]
cron = "@every 15m"
catch_up = "latest"
run_on_start = "boot"
keep_runs = 0
run = "./mirror"

[tasks.ping]
cron = "*/10 * * * * mon-fri"
on_overlap = "skip"
catch_up = "skip"
run = "ping -c 1 gateway"

[services.store]
run = "exec ./store --dir data"
healthy_after = "3s"
stop_signal = "sigquit"

[services.api]
instances = 4
depends_on = ["store"]
priority = -1
restart = "on_failure"
restart_attempts = 8
api_trigger = true
notify_on_failure = ["pager"]
run = "exec ./api"

[notify]
default_notifiers = ["inapp", "pager"]
coalesce_window = "15m"
occurrence_ring = 5

[[notifier]]
id = "chat"
type = "slack"
webhook_url = "${CHAT_URL}"
channel = "#ops"

[[notifier]]
id = "pager"
type = "telegram"
bot_token = "${file:keys/bot}"
chat_id = "-42"

[[notification_route]]
match = { kind = ["run.queue_full", "run.missed"], task = "s*" }
notify = ["chat"]

[[notification_route]]
match = { failure = true }
notify = ["pager", "chat:#alarm"]
"""

_ZONE = 'timezone = "America/Chicago"\n'
_OTHER_NAMES = {
    f"[scheduler]\n{_ZONE}": "",
    "[daemon]\n": f"[daemon]\n{_ZONE}",
    "parallelism =": "max_concurrent =",
    "api_trigger =": "manual_trigger =",
    'on_overlap = "terminate"': 'on_overlap = "kill"',
    'log_on_full = "kill_task"': 'log_on_full = "kill"',
    'catch_up = "skip"': "catch_up = 0",
    'catch_up = "latest"': "catch_up = 1",
    "default_notifiers =": "global_notifiers =",
    "occurrence_ring =": "coalesce_limit =",
    '[[notifier]]\nid = "chat"': "[notifiers.chat]",
    '[[notifier]]\nid = "pager"': "[notifiers.pager]",
    "[[notification_route]]": "[[route]]",
    'kind = ["run.queue_full", "run.missed"]': 'kinds = ["queue_full", "missed"]',
    "\nnotify =": "\nnotifiers =",
    "notify_on_failure =": "notify =",
}


def _aliased() -> str:
    text = CANONICAL
    for canonical, other in _OTHER_NAMES.items():
        if canonical not in text:
            raise ValueError(canonical)
        text = text.replace(canonical, other)
    return text


#: The same with another name wherever there is one.
ALIASED = _aliased()

ENVIRON = {"CHAT_URL": "https://hooks.example.org/T1/B2/x", "STAGE": "test"}
FILES = {
    "shared.env": "# for all\nREGION=eu\n",
    "keys/api": "k1\n",
    "keys/db": "k2\n",
    "keys/bot": "k3\n",
    "more/extra.toml": "[tasks.extra]\nrun = 'true'\nenv_file = '../shared.env'\n",
}
