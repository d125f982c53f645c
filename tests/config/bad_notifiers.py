"""Notifiers and routes that are refused."""

from __future__ import annotations

from collections.abc import Iterator

from tests.config.bad import SLACK, Bad, bad_notifier, bad_route


def notifiers() -> Iterator[Bad]:
    yield Bad(
        "required",
        "notifier[0].id",
        "[[§notifier]]\ntype = 'sendmail'\nfrom = 'a@b'\nto = ['a@b']\n",
        ("id is required",),
    )
    yield Bad("required", "notifier[0].type", "[[§notifier]]\nid = 'n'\n", ("notifier n: type is required",))
    yield Bad(
        "enum",
        "notifier[0].type",
        "[[notifier]]\nid = 'n'\n§type = 'fax'\n",
        ("'fax'", "slack, telegram", "webhook"),
    )
    for id_, class_ in (("", "required"), ("inapp", "conflict"), ("a:b", "format")):
        yield Bad(
            class_,
            "notifier[0].id",
            f"[[notifier]]\n§id = '{id_}'\ntype = 'sendmail'\nfrom = 'a@b'\nto = ['a@b']\n",
            is_beyond_schema=id_ != "",
        )
    yield Bad("dup", "notifier[1].id", SLACK + SLACK.replace("id", "§id"), ("the name n is taken",), True)
    required = {
        "slack": {"webhook_url": "'http://x'"},
        "telegram": {"bot_token": "'x'", "chat_id": "'1'"},
        "discord": {"webhook_url": "'http://x'"},
        "ntfy": {"topic": "'x'"},
        "gotify": {"url": "'http://x'", "token": "'x'"},
        "pushover": {"token": "'x'", "user": "'x'"},
        "smtp": {"host": "'x'", "from": "'a@b'", "to": "['a@b']"},
        "sendmail": {"from": "'a@b'", "to": "['a@b']"},
        "webhook": {"url": "'http://x'"},
    }
    for type_, keys in required.items():
        for missing in keys:
            rest = "\n".join(f"{key} = {value}" for key, value in keys.items() if key != missing)
            text = f"[[§notifier]]\nid = 'n'\ntype = '{type_}'\n{rest}\n"
            yield Bad("required", f"notifier[0].{missing}", text, (f"notifier n: {missing} is required",))
    url = "webhook_url = 'http://x'\n"
    yield bad_notifier("conflict", "token", "slack", f"{url}§token = 'x'", "not valid for type slack", "drop")
    yield bad_notifier("format", "channel", "slack", f"{url}§channel = 'ops'", "'ops'", '"#ops"')
    yield bad_notifier("format", "webhook_url", "slack", "§webhook_url = 'hush'", "https://")
    yield bad_notifier("type", "chat_id", "telegram", "bot_token = 'x'\n§chat_id = -100", "must be a string")
    bot = "bot_token = 'x'\nchat_id = '1'\n"
    yield bad_notifier("enum", "parse_mode", "telegram", f"{bot}§parse_mode = 'Markdown'", "HTML, MarkdownV2")
    yield bad_notifier(
        "conflict",
        "parse_mode",
        "telegram",
        f"{bot}§parse_mode = 'MarkdownV2'",
        "needs template_path",
        beyond=True,
    )
    yield bad_notifier(
        "io", "template_path", "slack", f"{url}§template_path = 'gone.json'", "cannot read", beyond=True
    )
    yield bad_notifier("format", "topic", "ntfy", "§topic = 'a b'", "'a b'", "1 to 64")
    yield bad_notifier("format", "url", "gotify", "token = 'x'\n§url = 'x'", "'x'", "https://")
    yield bad_notifier("format", "url", "webhook", "§url = 'ftp://x'", "https://")
    yield bad_notifier(
        "format", 'headers.""', "webhook", "url = 'http://x'\nheaders = { §'' = 'x' }", "without a name"
    )
    yield bad_notifier("type", "headers.A", "webhook", "url = 'http://x'\nheaders.§A = 1", "must be a string")
    mail = "host = 'x'\nfrom = 'a@b'\nto = ['a@b']\n"
    yield bad_notifier("range", "port", "smtp", f"{mail}§port = 65536", "0 to 65535")
    yield bad_notifier("enum", "tls_mode", "smtp", f"{mail}§tls_mode = 'ssl'", "starttls, implicit, off")
    yield bad_notifier("format", "reply_to", "smtp", f"{mail}§reply_to = 'x'", "ops@example.net", beyond=True)
    yield bad_notifier(
        "format", "cc[1]", "smtp", f"{mail}§cc = ['a@b', '@b']", "ops@example.net", beyond=True
    )
    yield bad_notifier("required", "to", "sendmail", "from = 'a@b'\n§to = []", "must have an entry")
    yield bad_notifier("format", "to[0]", "sendmail", "from = 'a@b'\n§to = ['a@b@c d']", beyond=True)
    yield bad_notifier(
        "conflict", "username", "smtp", f"{mail}§username = 'x'", "password", "drop", beyond=True
    )
    yield bad_notifier(
        "conflict", "password", "smtp", f"{mail}§password = 'x'", "username", "drop", beyond=True
    )
    yield bad_notifier(
        "conflict",
        "password",
        "smtp",
        f"{mail}username = 'x'\n§password = 'x'\ntls_mode = 'off'",
        "drop tls_mode",
        beyond=True,
    )
    yield bad_notifier(
        "format",
        "sendmail_path",
        "sendmail",
        "from = 'a@b'\nto = ['a@b']\n§sendmail_path = 'sendmail'",
        "absolute",
    )


def routes() -> Iterator[Bad]:
    yield Bad(
        "required",
        "notification_route[0].notify",
        "[[§notification_route]]\nmatch.task = 'a'\n",
        ("route 0: notify",),
    )
    yield bad_route("required", "notify", "§notify = []", "must have an entry")
    yield bad_route("ref", "notify", "§notify = ['gone']", "names gone", beyond=True)
    yield bad_route("conflict", "notify", "§notify = ['inapp:x']", "inapp takes no target", beyond=True)
    yield bad_route("format", "notify", "§notify = ['n:ops']", "names n:ops", '"#ops"', beyond=True)
    yield bad_route(
        "format", "match.task", "match.§task = '[a'\nnotify = ['n']", "'[a'", "backup-*", beyond=True
    )
    yield bad_route(
        "type",
        "match.failure",
        "notify = ['n']\n[notification_route.match]\n§failure = 'yes'",
        "true or false",
    )
    yield bad_route(
        "enum",
        "match.kind[1]",
        "notify = ['n']\nmatch = { §kind = ['failed', 'run.x'] }",
        "'run.x'",
        "run.failed",
    )
    yield bad_route("enum", "match.kind[0]", "notify = ['n']\nmatch.§kind = 'x'", "'x'", "service.fatal")
    yield bad_route(
        "enum",
        "match.kind[0]",
        "notify = ['n']\nmatch.§kind = 'notify.delivery_failed'",
        "always goes to the bell only",
    )
    yield bad_route("enum", "match.kind[0]", "notify = ['n']\nmatch.§kind = 'notify.test'", "never routed")
    yield bad_route("type", "match", "notify = ['n']\n§match = 'x'", "must be a table")
