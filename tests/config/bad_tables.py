"""Tables of units and of the daemon that are refused."""

from __future__ import annotations

from collections.abc import Iterator

from tests.config.bad import (
    DURATION_EXAMPLES,
    SERVICE,
    SLACK,
    TASK,
    Bad,
    bad_notifier,
    bad_route,
    bad_service,
    bad_table,
    bad_task,
)


def units() -> Iterator[Bad]:
    yield Bad("required", "tasks.t.run", "[tasks.§t]\n", ("task t: run is required",))
    yield Bad("required", "services.s.run", "[services.§s]\n", ("service s: run is required",))
    yield Bad("required", "tasks.t.run", "[tasks.t]\n§run = ' \\t'\n".replace("'", '"'), ("blank",))
    yield Bad("type", "tasks.t.run", "[tasks.t]\n§run = ['true']\n", ("must be a string",))
    yield Bad("required", 'tasks." "', "[tasks.§' ']\nrun = 'true'\n", ("a name must not be blank",))
    for name in ("a b", "ž", "a/b", "x" * 101):
        yield Bad(
            "format",
            f'tasks."{name}"' if name[0] != "x" else f"tasks.{name}",
            f"[tasks.§'{name}']\nrun = 'x'\n",
            ("1 to 100", '"db:backup"'),
        )
    yield Bad(
        "dup", "services.t", f"{TASK}[services.§t]\nrun = 'x'\n", ("the name t is taken by tasks.t",), True
    )
    yield Bad(
        "dup", 'tasks."t "', f"{TASK}[tasks.§'t ']\nrun = 'x'\n", ("the name t is taken by tasks.t",), True
    )
    for value in ("1", "[]", "'x'"):
        yield Bad("type", "tasks", f"§tasks = {value}\n", ("[tasks.NAME]",))
        yield Bad("type", "tasks.t", f"[tasks]\n§t = {value}\n", ("[tasks.NAME]",))
        yield Bad("type", "daemon", f"§daemon = {value}\n", ("[daemon]",))
    yield Bad("type", "notifier", "§notifier = {}\n", ("[[notifier]]",))
    yield Bad("type", "notifier[0]", "§notifier = [1]\n", ("[[notifier]]",))
    yield bad_service("ref", "depends_on", "depends_on = ['s']", "names s, the service itself", beyond=True)
    yield bad_service(
        "ref", "depends_on", "depends_on = ['gone']", "names gone, which is no service", beyond=True
    )
    yield Bad(
        "ref", "services.s.depends_on", f"{TASK}{SERVICE}§depends_on = ['t']\n", ("names t", "a task"), True
    )
    yield bad_service("type", "depends_on", "depends_on = 'db'", "must be a list")
    yield bad_service("type", "depends_on[1]", "depends_on = ['db', 1]", "must be a string")


def daemon() -> Iterator[Bad]:
    yield bad_table("daemon", "range", "shutdown_timeout", "shutdown_timeout = '-1s'", "0s")
    for url in ("jobs.example.net", "ftp://x", "http://", "https:///x", "http://a b", "http://x:0", "/x", ""):
        yield bad_table(
            "daemon",
            "format",
            "external_url",
            f"external_url = '{url}'",
            "https://jobs.example.net",
            beyond=url == "http://x:0",
        )
    for host in ("a:80", "http://a", "-a", "a_b", "", "a..b", "x" * 64):
        yield Bad(
            "format",
            "daemon.allowed_hosts[0]",
            f"[daemon]\n§allowed_hosts = ['{host}']\n",
            ("jobs.internal",),
            True,
        )
    for address in ("9478", "127.0.0.1", "127.0.0.1:", ":9478", "h:0", "h:65536", "::1:9478", "u@h:1", ""):
        yield bad_table(
            "daemon",
            "format",
            "metrics_listen",
            f"metrics_listen = '{address}'",
            "127.0.0.1:9478",
            beyond=True,
        )
    yield Bad(
        "conflict",
        "daemon.metrics_enabled",
        "[daemon]\n§metrics_enabled = false\nmetrics_listen = 'localhost:9478'\n",
        ("metrics_listen", "drop"),
        True,
    )
    yield bad_table("daemon", "conflict", "tls_cert", "tls_cert = 'c.pem'", "tls_key", "drop", beyond=True)
    yield bad_table("daemon", "conflict", "tls_key", "tls_key = 'c.pem'", "tls_cert", "drop", beyond=True)
    yield Bad(
        "conflict",
        "daemon.tls",
        "[daemon]\ntls_cert = 'c.pem'\ntls_key = 'c.pem'\n§tls = 'off'\n",
        ("tls_cert", "tls_key", "drop"),
        True,
    )
    yield Bad("type", "daemon.allowed_hosts", "[daemon]\n§allowed_hosts = 'a'\n", ("must be a list",))
    for net in ("zz", "10.0.0.0/33", "10.0.0", "::/200"):
        yield Bad(
            "format",
            "daemon.trusted_proxies[0]",
            f"[daemon]\n§trusted_proxies = ['{net}']\n",
            (repr(net), "10.20.0.0/16"),
            True,
        )
    for net in ("0.0.0.0/0", "::/0", "::ffff:0:0/96", "::/1"):
        yield Bad(
            "range",
            "daemon.trusted_proxies[0]",
            f"[daemon]\n§trusted_proxies = ['{net}']\n",
            (repr(net),),
            True,
        )
    for glob in ("a[", "a[b-a]", "x/**/y", "a\\\\"):
        yield Bad(
            "format", "daemon.include[0]", f'[daemon]\n§include = ["{glob}"]\n', ("jobs.d/*.toml",), True
        )


def notify() -> Iterator[Bad]:
    yield bad_table(
        "notify", "ref", "default_notifiers", "default_notifiers = ['gone']", "names gone", beyond=True
    )
    yield bad_table(
        "notify", "format", "coalesce_window", "coalesce_window = 'soon'", "'soon'", *DURATION_EXAMPLES
    )
    yield bad_table("notify", "range", "coalesce_window", "coalesce_window = '-1s'", "0s")
    yield bad_table("notify", "range", "occurrence_ring", "occurrence_ring = -1", "0 or more")
    yield bad_table("notify", "range", "keep_notifications", "keep_notifications = -1", "0 or more")
    yield bad_table("notify", "range", "keep_for", "keep_for = '0s'", "more than 0s", beyond=True)
    yield bad_table("notify", "format", "keep_for", "keep_for = 'long'", *DURATION_EXAMPLES)
    yield bad_table("notify", "range", "retry_budget", "retry_budget = '-5m'", "0s")
    for key in ("notify_on_failure", "notify_on_success"):
        yield bad_task("ref", key, f"{key} = ['gone']", "names gone", beyond=True)
        yield bad_task(
            "conflict", key, f"{key} = ['inapp:x']", "inapp takes no target", "drop it", beyond=True
        )
        for token in (":x", "n:", " ", ""):
            yield bad_task(
                "format",
                f"{key}[0]",
                f"{key} = ['{token}']",
                '"id:target"',
                beyond=token != "" and token != " ",
            )


def unknown() -> Iterator[Bad]:
    yield Bad("unknown", "nope", "§nope = 1\n", ("unknown key nope",))
    yield Bad(
        "unknown",
        "servces",
        "[§servces.web]\nrun = 'x'\n[servces.db]\nrun = 'x'\n",
        ("did you mean services?",),
    )
    yield Bad("unknown", "compose", "[§compose.shop]\nfile = 'x'\n", ("unknown table compose",))
    for table in ("daemon", "storage", "scheduler", "defaults", "notify"):
        yield Bad(
            "unknown", f"{table}.qqqzzz", f"[{table}]\n§qqqzzz = 1\n", (f"{table}: unknown key qqqzzz",)
        )
    yield bad_task("unknown", "qqqzzz", "qqqzzz = 1", "unknown key qqqzzz")
    yield bad_task("unknown", "b", "b = { run = 'x' }", '[tasks."t.b"]')
    for later in ("jitter", "params", "hook_tokens", "compose_file", "compose_service", "compose_mode"):
        yield bad_task("unknown", later, f"{later} = 'x'", f"unknown key {later}")
    yield bad_notifier(
        "unknown", "templates", "slack", "webhook_url = 'http://x'\n§templates = 'x'", "unknown key"
    )
    yield bad_route("unknown", "match.tusk", "notify = ['n']\nmatch.§tusk = 'x'", "did you mean task?")


def aliases() -> Iterator[Bad]:
    pairs = {
        "parallelism": ("max_concurrent", "2"),
        "api_trigger": ("manual_trigger", "false"),
        "notify_on_failure": ("notify", "['inapp']"),
    }
    for name, (alias, value) in pairs.items():
        text = f"{TASK}{name} = {value}\n§{alias} = {value}\n"
        yield Bad("conflict", f"tasks.t.{alias}", text, (alias, name, f"drop {alias}"))
    for name, alias, value in (
        ("default_notifiers", "global_notifiers", "[]"),
        ("occurrence_ring", "coalesce_limit", "3"),
    ):
        text = f"[notify]\n§{alias} = {value}\n{name} = {value}\n"
        yield Bad("conflict", f"notify.{alias}", text, (alias, name, f"drop {alias}"))
    yield Bad(
        "conflict",
        "daemon.timezone",
        "[scheduler]\ntimezone = 'UTC'\n[daemon]\n§timezone = 'UTC'\n",
        ("daemon.timezone", "scheduler.timezone", "drop daemon.timezone"),
        True,
    )
    yield Bad(
        "unknown",
        "notifiers.n.id",
        "[notifiers.n]\n§id = 'n'\ntype = 'ntfy'\ntopic = 'x'\n",
        ("unknown key id",),
    )
    yield Bad(
        "conflict",
        "notifiers.inapp",
        "[notifiers.§inapp]\ntype = 'ntfy'\ntopic = 'x'\n",
        ("built in", "drop"),
        True,
    )
    yield Bad("required", 'notifiers." "', "[notifiers.§' ']\ntype = 'ntfy'\ntopic = 'x'\n", ("blank",), True)
    yield Bad(
        "unknown",
        "route[0].match.kind",
        f"{SLACK}[[route]]\nnotifiers = ['n']\nmatch.§kind = 'failed'\n",
        ("kinds",),
    )
    yield Bad(
        "unknown",
        "notification_route[0].match.kinds",
        f"{SLACK}[[notification_route]]\nnotify = ['n']\nmatch.§kinds = 'failed'\n",
        ("kind",),
    )
    yield Bad(
        "conflict",
        "route[0].match.kinds",
        f"{SLACK}[[route]]\nnotifiers = ['n']\nmatch.kind = 'failed'\nmatch.§kinds = 'failed'\n",
        ("kind", "kinds", "drop"),
    )
    yield Bad(
        "range", "tasks.t.parallelism", f"{TASK}§max_concurrent = 0\n", ("parallelism must be 1 to 1024",)
    )
