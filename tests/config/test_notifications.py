from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.settings import EventKind, NotifierType, ParseMode, Route, RouteMatch
from runwisp.config.staleness import is_stale
from tests.config.bad import SLACK
from tests.config.loading import load_text, problems_of

NOTIFIERS = """
    [notifiers]
    slack = { type = "slack", webhook_url = "https://x" }
    telegram = { type = "telegram", bot_token = "x", chat_id = "1" }
    discord = { type = "discord", webhook_url = "https://x" }
    ntfy = { type = "ntfy", topic = "x" }
    gotify = { type = "gotify", url = "https://x", token = "x" }
    pushover = { type = "pushover", token = "x", user = "x" }
    smtp = { type = "smtp", host = "x", from = "a@b", to = ["a@b"] }
    sendmail = { type = "sendmail", from = "a@b", to = ["a@b"] }
    webhook = { type = "webhook", url = "https://x" }
    [tasks.t]
    run = "x"
"""


def test_every_type_can_be_declared(tmp_path: Path) -> None:
    config = load_text(tmp_path, NOTIFIERS)
    assert {notifier.type for notifier in config.notifiers.values()} == set(NotifierType)
    assert config.notifiers["ntfy"].options == {
        "topic": "x",
        "url": "https://ntfy.sh",
        "token": None,
        "template_path": None,
    }


@pytest.mark.parametrize(
    ("written", "port", "mode"),
    [
        ("", 25, "starttls"),
        ("port = 0", 25, "starttls"),
        ("port = 465", 465, "implicit"),
        ("port = 587", 587, "starttls"),
        ("tls_mode = 'implicit'", 465, "implicit"),
        ("tls_mode = 'off'", 25, "off"),
        ("port = 465\ntls_mode = 'starttls'", 465, "starttls"),
        ("port = 2465\ntls_mode = 'implicit'", 2465, "implicit"),
    ],
)
def test_port_and_security_of_mail_complete_each_other(
    written: str, port: int, mode: str, tmp_path: Path
) -> None:
    text = f"[[notifier]]\nid = 'm'\ntype = 'smtp'\nhost = 'x'\nfrom = 'a@b'\nto = ['a@b']\n{written}\n"
    options = load_text(tmp_path, text).notifiers["m"].options
    assert (options["port"], options["tls_mode"]) == (port, mode)


@pytest.mark.parametrize(
    "token",
    ["slack:#x", "slack:@joe", "telegram:-100", "ntfy:a_b", "pushover:u", "smtp:a@b", "sendmail:a@b"],
)
def test_a_token_may_name_another_target(token: str, tmp_path: Path) -> None:
    config = load_text(tmp_path, f"{NOTIFIERS}notify_on_failure = ['{token}']\n")
    assert config.tasks["t"].notify_on_failure == (token,)


@pytest.mark.parametrize(
    ("token", "class_"),
    [
        ("slack:x", "format"),
        ("ntfy:a b", "format"),
        ("smtp:x", "format"),
        ("sendmail:", "format"),
        ("discord:x", "conflict"),
        ("gotify:x", "conflict"),
        ("webhook:x", "conflict"),
        ("gone:x", "ref"),
    ],
)
def test_a_target_has_to_fit_the_type(token: str, class_: str, tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, f"{NOTIFIERS}notify_on_success = ['{token}']\n")
    assert problem.class_ == class_
    assert token in problem.message or class_ == "ref"


def test_tokens_are_trimmed_and_count_once(tmp_path: Path) -> None:
    text = f"{NOTIFIERS}notify = [' ntfy ', 'ntfy', 'slack : #x', 'slack:#x', 'inapp']\n"
    assert load_text(tmp_path, text).tasks["t"].notify_on_failure == ("ntfy", "slack:#x", "inapp")


def test_a_notifier_that_is_wrong_is_still_there_for_those_who_name_it(tmp_path: Path) -> None:
    text = "[[notifier]]\nid = 'n'\ntype = 'fax'\n[tasks.t]\nrun = 'x'\nnotify = ['n', 'n:x']\n"
    assert [problem.key for problem in problems_of(tmp_path, text)] == ["notifier[0].type"]


def test_both_forms_of_routes_mean_the_same(tmp_path: Path) -> None:
    text = f"""
{SLACK}
[[notification_route]]
notify = ["n"]
match = {{ kind = ["failed", "run.timeout", "service.fatal"], task = "a-*", failure = true }}
[[route]]
notifiers = ["n"]
match = {{ kinds = ["run.failed", "timeout", "service.fatal"], task = "a-*", failure = true }}
[[notification_route]]
notify = ["inapp"]
[[route]]
notifiers = ["inapp"]
match.kinds = "crashed"
"""
    first, empty, second, lone = load_text(tmp_path, text).routes
    kinds = (EventKind.RUN_FAILED, EventKind.RUN_TIMEOUT, EventKind.SERVICE_FATAL)
    assert first == second == Route(match=RouteMatch(kind=kinds, failure=True, task="a-*"), notify=("n",))
    assert empty == Route(match=RouteMatch(kind=(), failure=False, task=None), notify=("inapp",))
    assert lone.match.kind == (EventKind.RUN_CRASHED,)


def test_routes_are_numbered_over_both_forms_and_all_files(tmp_path: Path) -> None:
    root = "[daemon]\ninclude = ['b.toml']\n[[notification_route]]\nnotify = ['inapp']\n"
    root += "[[route]]\nnotifiers = ['gone']\n"
    problems = problems_of(tmp_path, root, files={"b.toml": "[[notification_route]]\nnotify = []\n"})
    assert [problem.message.partition(":")[0] for problem in problems] == ["route 1", "route 2"]
    assert [problem.key for problem in problems] == ["route[0].notify", "notification_route[0].notify"]
    assert [problem.line for problem in problems] == [6, 2]


def test_a_template_is_read_from_beside_its_file_and_makes_the_configuration_stale(tmp_path: Path) -> None:
    text = f"{SLACK}template_path = 'slack.json'\n"
    config = load_text(tmp_path, text, files={"slack.json": '{"text": {{ title | slack | tojson }}}'})
    assert config.notifiers["n"].template == '{"text": {{ title | slack | tojson }}}'
    assert not is_stale(config)
    (tmp_path / "slack.json").write_text("{}")
    assert is_stale(config)


@pytest.mark.parametrize(
    ("template", "class_", "says"),
    [
        ("{{ title", "format", "at line 1"),
        ("\n{{ title | shout }}", "format", "shout"),
        ("{% for x in title %}", "format", "endfor"),
        ("{% for x in y %}" * 30 + "{% endfor %}" * 30, "format", "nested"),
        ("\udcff", "io", "UTF-8"),
    ],
)
def test_a_template_that_cannot_be_parsed_is_refused(
    template: str, class_: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "t.html").write_bytes(template.encode(errors="surrogateescape"))
    (problem,) = problems_of(tmp_path, f"{SLACK}template_path = 't.html'\n")
    assert (problem.class_, problem.key) == (class_, "notifier[0].template_path")
    assert says in problem.message


def test_markdown_is_for_those_who_have_a_template(tmp_path: Path) -> None:
    text = "[[notifier]]\nid = 'n'\ntype = 'telegram'\nbot_token = 'x'\nchat_id = '1'\n"
    text += "parse_mode = 'MarkdownV2'\ntemplate_path = 't'\n"
    notifier = load_text(tmp_path, text, files={"t": "*{{ title }}*"}).notifiers["n"]
    assert notifier.options["parse_mode"] is ParseMode.MARKDOWN_V2
