from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.notify_fields import NOTIFIER_TYPES
from runwisp.config.settings import Notifier, NotifierType
from runwisp.notify.redaction import prefix, redactor
from runwisp.notify.targets import find_notifier
from tests.notify.hostile import notifier_of

MAIL = """
type = "smtp"
host = "mail.example"
from = "a@b.example"
to = ["c@d.example"]
username = "joe"
password = "hunter2"
"""
HOOK = """
type = "webhook"
url = "https://joe:pass@h.example/hook?k=secret"
headers = { A = "Basic xyz", B = "x://[::secret" }
"""


@pytest.mark.parametrize(
    ("keys", "secrets"),
    [
        ('type = "slack"\nwebhook_url = "https://h.example/T0/secret"', ["https://h.example/T0/secret"]),
        ('type = "discord"\nwebhook_url = "https://h.example/1/secret"', ["https://h.example/1/secret"]),
        (
            HOOK,
            [
                "https://joe:pass@h.example/hook?k=secret",
                "Basic xyz",
                "x://[::secret",
                "/hook?k=secret",
                "pass",
            ],
        ),
        ('type = "telegram"\nbot_token = "12:Ab-c"\nchat_id = "77"', ["12:Ab-c", "12%3AAb-c"]),
        ('type = "ntfy"\ntopic = "ops"\ntoken = "tk_1"', ["tk_1"]),
        ('type = "gotify"\nurl = "https://g.example"\ntoken = "tk_1"', ["tk_1"]),
        ('type = "pushover"\ntoken = "tk_1"\nuser = "uk_1"', ["tk_1", "uk_1"]),
        (MAIL, ["hunter2", b64encode(b"hunter2").decode(), b64encode(b"\0joe\0hunter2").decode()]),
        ('type = "ntfy"\ntopic = "ops"\nurl = "https://joe:pass@ntfy.example"', ["pass"]),
    ],
)
def test_every_secret_of_a_type_is_taken_out(keys: str, secrets: list[str]) -> None:
    redact = redactor(notifier_of(keys))
    for secret in secrets:
        assert redact(f"before {secret} after {secret}.") == "before [redacted] after [redacted]."


def test_what_is_no_secret_stays() -> None:
    redact = redactor(notifier_of('type = "gotify"\nurl = "https://g.example"\ntoken = "tk_1"'))
    assert redact("POST https://g.example/message: 401 Unauthorized") == (
        "POST https://g.example/message: 401 Unauthorized"
    )
    sendmail = notifier_of('type = "sendmail"\nfrom = "a@b.example"\nto = ["c@d.example"]')
    assert redactor(sendmail)("a@b.example: no such user") == "a@b.example: no such user"


def _shown(secret: str) -> str:
    return repr(secret)[1:-1]


def _quoted(secret: str) -> str:
    return quote(secret, safe="")


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.sampled_from((str, _shown, _quoted)),
    st.sampled_from(("", "GET ", "…")),
)
def test_no_form_of_a_secret_is_left(secret: str, form: Callable[[str], str], around: str) -> None:
    notifier = Notifier(
        id="n", type=NotifierType.PUSHOVER, options={"token": secret, "user": "", "template_path": None}
    )
    redacted = redactor(notifier)(f"{around}{form(secret)}{around}")
    assert form(secret) not in redacted.split("[redacted]")


def test_a_target_is_a_secret_where_the_setting_in_its_place_is_one() -> None:
    parent = notifier_of('type = "pushover"\ntoken = "tk_1"\nuser = "uk_1"')
    found = find_notifier({"n": parent}, "n:uk_2")
    assert prefix(found) == "pushover:n:uk_2: "
    assert redactor(found)(f"{prefix(found)}HTTP 400") == "pushover:n:[redacted]: HTTP 400"


def test_every_key_that_the_specification_calls_secret_is_one() -> None:
    secret = {(type_, key.name) for type_, keys in NOTIFIER_TYPES.items() for key in keys if key.secret}
    assert secret == {
        ("slack", "webhook_url"),
        ("discord", "webhook_url"),
        ("webhook", "url"),
        ("webhook", "headers"),
        ("telegram", "bot_token"),
        ("smtp", "password"),
        ("ntfy", "token"),
        ("gotify", "token"),
        ("pushover", "token"),
        ("pushover", "user"),
    }
