"""Values of each kind that are refused."""

from __future__ import annotations

from collections.abc import Iterator

from tests.config.bad import CRON_SHAPES, DURATION_EXAMPLES, TASK, Bad, bad_service, bad_table, bad_task


def durations() -> Iterator[Bad]:
    for text in ("15", "3 minutes", "2 months", "1h 30m", "5", "h", "-", "1.2.3s", "5S", "١s"):
        yield bad_task("format", "timeout", f'timeout = "{text}"', "timeout", repr(text), *DURATION_EXAMPLES)
    yield bad_task("type", "timeout", "timeout = 15", "timeout must be a string")
    for key in ("timeout", "graceful_stop", "retry_delay"):
        yield bad_task("range", key, f'{key} = "-1s"', key, "0s", beyond=False)
        yield bad_task("range", key, f'{key} = "36501d"', key, "36500d", beyond=True)
    for key in ("restart_delay", "healthy_after", "graceful_stop"):
        yield bad_service("range", key, f'{key} = "-1ms"', key, "0s")
    yield bad_task("range", "keep_for", 'keep_for = "0s"', "more than 0s", "36500d", beyond=True)
    yield bad_task("range", "keep_for", 'keep_for = "36501d"', "more than 0s", "36500d", beyond=True)


def sizes() -> Iterator[Bad]:
    for text in ("-1mb", "inf", "nan", "mb", "4gbs", "1.5", "10 m b", "9223372036854775808", "8388608tb"):
        is_number = text[-1] == "8" or text[-2:] == "tb"
        yield bad_task(
            "format",
            "log_max_size",
            f'log_max_size = "{text}"',
            repr(text),
            '"10MB"',
            '"512kb"',
            beyond=is_number,
        )
    yield bad_task("type", "log_max_size", "log_max_size = 10", "must be a string")
    for key in ("max_size", "min_free_space"):
        yield bad_table("storage", "format", key, f'{key} = "lots"', "'lots'", '"10MB"')


def integers() -> Iterator[Bad]:
    limits = {
        "parallelism": (1, 1024),
        "max_queued": (0, 10_000),
        "retry_attempts": (0, 100),
        "keep_runs": (0, 1_000_000),
    }
    for key, (low, high) in limits.items():
        for value in (low - 1, high + 1, 10**30):
            yield bad_task("range", key, f"{key} = {value}", f"{key} must be {low} to {high}")
        for value_text in ('"3"', "3.0", "true", '"${N}"', "[3]"):
            # A schema takes 3.0 for an integer.
            says = f"{key} must be a whole number"
            yield bad_task("type", key, f"{key} = {value_text}", says, beyond=value_text == "3.0")
    for key, high in {"instances": 64, "restart_attempts": 100}.items():
        low = 1 if key == "instances" else 0
        for value in (low - 1, high + 1):
            yield bad_service("range", key, f"{key} = {value}", f"{key} must be {low} to {high}")
    yield bad_service("type", "priority", 'priority = "high"', "must be a whole number")
    yield bad_task("range", "catch_up", "catch_up = -1", "0 to 10000")
    yield bad_task("range", "catch_up", "catch_up = 10001", "0 to 10000")
    yield bad_task("type", "catch_up", "catch_up = true", "latest, all, skip")
    yield bad_task("type", "catch_up", "catch_up = 1.5", "latest, all, skip")


def words() -> Iterator[Bad]:
    task_words = {
        "catch_up": "latest, all, skip",
        "on_overlap": "queue, skip, terminate",
        "retry_backoff": "constant, linear, exponential",
        "env_base": "inherit, clean",
        "log_on_full": "drop_old, drop_new, kill_task",
        "run_on_start": "daemon, boot",
    }
    for key, allowed in task_words.items():
        yield bad_task("enum", key, f'{key} = "Never"', key, "'Never'", allowed)
    for key, allowed in {
        "restart": "always, on_failure, never",
        "restart_backoff": "constant, linear, exponential",
        "on_overlap": "queue, skip, terminate",
    }.items():
        yield bad_service("enum", key, f'{key} = "sometimes"', key, "'sometimes'", allowed)
    for signal in ("TERM", "SIGSTOP", "SIGRTMIN", "15"):
        yield bad_task("enum", "stop_signal", f'stop_signal = "{signal}"', repr(signal), "SIGTERM", "SIGUSR2")
    yield bad_task("type", "stop_signal", "stop_signal = 15", "must be a string")
    yield bad_task("type", "on_overlap", "on_overlap = true", "must be a string")
    yield bad_task("type", "run_on_start", "run_on_start = 1", "must be true, false or daemon, boot")
    yield bad_table("daemon", "enum", "tls", 'tls = "on"', "'on'", "off, auto")


def strings() -> Iterator[Bad]:
    for key in ("description", "group"):
        yield bad_task("type", key, f"{key} = 1", f"{key} must be a string")
    for value in ('"true"', "1", '""'):
        yield bad_task("type", "api_trigger", f"api_trigger = {value}", "must be true or false")
        yield bad_service("type", "autostart", f"autostart = {value}", "must be true or false")
    for umask in ("8", "1000", "0o22", "-1", "27 ", ""):
        yield bad_task("format", "umask", f'umask = "{umask}"', repr(umask), '"027"')
    yield bad_task("type", "umask", "umask = 0o27", "must be a string")
    for user in ("", ":", "a:", ":b", "a:b:c", "a b"):
        yield bad_task("format", "user", f'user = "{user}"', repr(user), "user:group")
    for shell in ("bash", "./sh", "~/sh", "/bin/\\u0000sh"):
        yield bad_task("format", "shell", f'shell = "{shell}"', "/bin/bash")
    for key in ("working_dir", "env_file", "secrets_file"):
        yield bad_task("format", key, f'{key} = "a\\u0000b"', "path", beyond=True)
        yield bad_task("type", key, f"{key} = ['a']", "must be a string")
    yield Bad("format", "tasks.t.run", '[tasks.t]\n§run = "a\\u0000b"\n', ("NUL",), is_beyond_schema=True)
    for zone in ("Europe/Nowhere", "europe/vienna", "Europe", "", "../UTC", "UTC\\u0000"):
        yield bad_task("format", "timezone", f'timezone = "{zone}"', "Europe/Bratislava", "UTC", beyond=True)
    yield bad_table("scheduler", "format", "timezone", "timezone = 'Mars'", "'Mars'", "UTC", beyond=True)


def crons() -> Iterator[Bad]:
    for text in (
        "* * * *",
        "* * * * * * *",
        "*/0 * * * *",
        "5-2 * * * *",
        "60 * * * *",
        "0 0 L * *",
        "0 0 15W * *",
        "0 0 * * 5#3",
        "H * * * *",
        "@reboot",
        "@every 0s",
        "@every -1s",
        "@every 500ms",
        "@every 1d",
        "@fortnightly",
        "0 0 30 2 *",
        "0 0 31 4 *",
        "   ",
    ):
        yield bad_task("format", "cron", f'cron = "{text}"', "cron", *CRON_SHAPES, beyond=True)
    yield bad_task("format", "cron", "cron = 'CRON_TZ=Mars 0 0 * * *'", "'Mars'", "UTC", beyond=True)
    yield bad_task("type", "cron", "cron = 5", "must be a string")


def failures() -> Iterator[Bad]:
    for token in ("0", "256", "0-3", "1-256", "300-400"):
        yield bad_task(
            "range", "failures[0]", f"failures = ['{token}']", repr(token), "1 to 255", beyond=True
        )
    for token in ("1-", "1x", "5-2", "1-2-3", "1.5", "2 3"):
        yield bad_task(
            "format", "failures[0]", f"failures = ['{token}']", repr(token), '"42"', beyond=token == "5-2"
        )
    for token in ("oops", "Failed", "output:x", "+oops", "--5"):
        yield bad_task("enum", "failures[0]", f"failures = ['{token}']", "failed, timeout", "unhealthy")
    yield bad_task("conflict", "failures[1]", "failures = ['failed', 'success']", "success", "drop it")
    yield bad_task(
        "conflict", "failures", "failures = ['failed', '+stopped']", "with and without a sign", beyond=True
    )
    yield bad_task("type", "failures", "failures = 'failed'", "must be a list")
    yield bad_task("type", "failures[0]", "failures = [1]", "must be a string")


def variables() -> Iterator[Bad]:
    for key in ("env", "secrets"):
        yield Bad("format", f"tasks.t.{key}.1A", f"{TASK}{key} = {{ §1A = 'x' }}\n", ("task t", "PATH"))
        yield Bad("format", f"tasks.t.{key}.A-B", f"{TASK}[tasks.t.{key}]\n§A-B = 'x'\n", ("PATH",))
        yield Bad("format", f"tasks.t.{key}.A", f'{TASK}{key}.§A = "x\\u0000y"\n', ("NUL",), True)
        yield Bad("range", f"tasks.t.{key}.A", f"{TASK}{key}.§A = '{'x' * 32_769}'\n", ("32768",))
        yield Bad("range", f"tasks.t.{key}.A", f"{TASK}{key}.§A = '{'ž' * 16_385}'\n", ("32768",), True)
        yield Bad("type", f"tasks.t.{key}.A", f"{TASK}{key}.§A = 1\n", ("must be a string",))
        yield bad_task("type", key, f"{key} = 'A=1'", "must be a table of strings")
        many = ", ".join(f"A{number} = ''" for number in range(257))
        yield bad_task("range", key, f"{key} = {{ {many} }}", "at most 256 entries")
    half = ", ".join(f"A{number} = ''" for number in range(128))
    more = ", ".join(f"B{number} = ''" for number in range(129))
    yield bad_task(
        "range", "env", f"env = {{ {half} }}\nsecrets = {{ {more} }}", "env and secrets", "256", beyond=True
    )
    yield bad_task("io", "env_file", "env_file = 'gone.env'", "gone.env", "No such file", beyond=True)
    yield bad_task("io", "secrets_file", "secrets_file = '/'", "cannot read /", "directory", beyond=True)


def references() -> Iterator[Bad]:
    yield Bad("ref", "tasks.t.env.K", f"{TASK}env.§K = '${{NOPE}}'\n", ("NOPE",), True)
    yield bad_task("ref", "cron", "cron = '${NOPE}'", "cron needs the environment variable NOPE", beyond=True)
    yield bad_task("io", "group", "group = '${file:gone}'", "gone", "No such file", beyond=True)
    for text in ("${}", "${", "x${A B}", "${1A}", "${file:}", "${A"):
        yield bad_task("format", "group", f"group = '{text}'", "group has a ${", beyond=True)
