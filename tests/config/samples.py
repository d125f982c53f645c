"""Texts that loader and JSON Schema refuse, with what is wrong, and texts that they take."""

from __future__ import annotations

from tests.config import bad_notifiers, bad_tables, bad_values
from tests.config.bad import SERVICE, SLACK, TASK, Bad

BAD: list[Bad] = [
    bad
    for group in (
        bad_values.durations(),
        bad_values.sizes(),
        bad_values.integers(),
        bad_values.words(),
        bad_values.strings(),
        bad_values.crons(),
        bad_values.failures(),
        bad_values.variables(),
        bad_values.references(),
        bad_tables.units(),
        bad_tables.daemon(),
        bad_tables.notify(),
        bad_tables.unknown(),
        bad_tables.aliases(),
        bad_notifiers.notifiers(),
        bad_notifiers.routes(),
    )
    for bad in group
]

#: Texts that are taken as they are.
GOOD: list[str] = [
    "",
    "[defaults]\n[daemon]\n",
    TASK,
    SERVICE,
    SLACK,
    *(
        f"{TASK}timeout = '{text}'\n"
        for text in (
            "0",
            "0s",
            "300ms",
            "5s",
            "1h30m",
            "1.5h",
            ".5h",
            "2d",
            "1w",
            "1us",
            "1µs",
            "3ns",
            "+5s",
            "",
            " ",
        )
    ),
    *(
        f"{TASK}log_max_size = '{text}'\n"
        for text in (
            "0",
            "1024",
            "100b",
            "512kb",
            "100 mb",
            " 1.5gb ",
            ".5gb",
            "2tb",
            "3K",
            "4KiB",
            "5GIB",
            "",
        )
    ),
    *(
        f"{TASK}cron = '{text}'\n"
        for text in ("", "15 6 * * mon-fri", "*/20 * * * * *", "@every 90s", "TZ=UTC @daily")
    ),
    *(f"{TASK}umask = '{text}'\n" for text in ("0", "27", "027", "0027", "0777")),
    *(f"{TASK}user = '{text}'\n" for text in ("joe", "joe:users", "1000:1000", "joe:100")),
    *(f"{TASK}stop_signal = '{text}'\n" for text in ("SIGINT", "sigusr1", "")),
    *(f"{TASK}run_on_start = {value}\n" for value in ("true", "false", "'boot'", "'daemon'", "''")),
    *(
        f"{TASK}catch_up = {value}\n"
        for value in ("'latest'", "'all'", "'skip'", "0", "1", "3", "10000", "''")
    ),
    *(f"{TASK}on_overlap = '{word}'\n" for word in ("queue", "skip", "terminate", "kill", "")),
    *(f"{TASK}log_on_full = '{word}'\n" for word in ("drop_old", "drop_new", "kill_task", "kill")),
    *(
        f"{TASK}failures = [{tokens}]\n"
        for tokens in ("", "'failed', '42'", "'1-23', 'stopped'", "'+missed', '-1-23'", "' ', '', ' failed '")
    ),
    f"{TASK}timezone = 'Europe/Bratislava'\nshell = '/bin/bash'\nworking_dir = '~/x'\n",
    f"{TASK}env = {{ A = '', _b2 = '$HOME' }}\nsecrets = {{ A = '$5' }}\n",
    f"{TASK}timeout = '$${{x'\n".replace("timeout", "group"),
    f"{TASK}group = '${{file:{__file__}}}'\n",
    f"{TASK}keep_runs = 0\nkeep_for = '36500d'\nparallelism = 1024\nmax_queued = 0\nretry_attempts = 100\n",
    f"{TASK}notify_on_failure = ['inapp', 'inapp']\nnotify_on_success = []\n",
    f"{SERVICE}instances = 64\nrestart = 'never'\nrestart_attempts = 0\npriority = -5\nautostart = false\n",
    f"{SERVICE}[services.t]\nrun = 'x'\ndepends_on = ['s', ' s ']\n",
    "[tasks.'a b'.env]\n".replace("a b", "db:backup.x-1_2")
    + "A = 'x'\n[tasks.'db:backup.x-1_2']\nrun = 'x'\n",
    "[tasks.' padded ']\nrun = 'x'\n",
    "[daemon]\nmetrics_listen = '[::1]:9478'\nallowed_hosts = ['A.b', '10.0.0.1']\ntls = 'auto'\n",
    "[daemon]\ntrusted_proxies = ['10.0.0.1', '10.0.0.5/8', '::1', '', 'fd00::/8']\nmetrics_enabled = true\n",
    "[daemon]\nexternal_url = 'HTTPS://jobs.example.net:8443/x/'\ninclude = ['no.d/*.toml', '?[^b-c]']\n",
    "[daemon]\ntimezone = 'UTC'\n",
    "[storage]\nmax_size = '8gb'\nmin_free_space = '0'\n",
    "[notify]\noccurrence_ring = 0\nkeep_notifications = 0\ncoalesce_window = '0s'\nglobal_notifiers = []\n",
    "[[notifier]]\nid = 't'\ntype = 'telegram'\nbot_token = 'x'\nchat_id = '-1'\nparse_mode = 'HTML'\n",
    "[notifiers.t]\ntype = 'ntfy'\ntopic = 'x'\ntoken = 'x'\n",
    "[[notifier]]\nid = 'm'\ntype = 'smtp'\nhost = 'x'\nfrom = 'Jobs <a@b.c>'\nto = ['a@b']\nport = 0\n",
    "[notifiers.h]\ntype = 'webhook'\nurl = 'http://[::1]:80/x?y#z'\nheaders = { X-A = 'b' }\n",
    f"{SLACK}[[notification_route]]\nnotify = ['n', 'n:#x']\nmatch = {{ kind = 'failed', task = '[^b]*' }}\n",
    f"{SLACK}[[route]]\nnotifiers = ['n']\nmatch.kinds = ['crashed', 'run.failed']\nmatch.failure = true\n",
    f"{SLACK}[[route]]\nnotifiers = ['n']\n[[notification_route]]\nnotify = ['inapp']\nmatch.kind = []\n",
]
