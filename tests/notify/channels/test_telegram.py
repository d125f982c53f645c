from __future__ import annotations

import re
from html import unescape

from hypothesis import example, given

from runwisp.notify.channels import telegram
from runwisp.notify.message import Message
from tests.notify.channels.received import form_of, utf16_length
from tests.notify.hostile import BARE, HUGE, WHOLE, failed, messages, notifier_of

TELEGRAM = notifier_of('type = "telegram"\nbot_token = "123:AbC_d-e"\nchat_id = "-100"')
_TAG = re.compile(r'<(/?[a-z]+)(?: href="[^"<>]*")?>')
_ENTITY = re.compile("&(amp|lt|gt|quot);")
_CALL = re.compile(r"(?<!\w)@\w")


def _text(message: Message) -> str:
    fields = form_of(telegram.request(TELEGRAM, message))
    assert fields.keys() == {"chat_id", "text", "parse_mode"}
    assert (fields["chat_id"], fields["parse_mode"]) == ("-100", "HTML")
    return fields["text"]


def test_a_whole_message_has_its_blocks_apart() -> None:
    assert telegram.request(TELEGRAM, WHOLE).url == "https://api.telegram.org/bot123:AbC_d-e/sendMessage"
    assert _text(WHOLE) == "\n\n".join(
        (
            "❌ <b>db:backup</b> failed",
            "Exit code 3 after 41s.",
            "Triggered by cron · 2 Mar, 03:00",
            "<blockquote>line 1\nline 2\nline 3</blockquote>",
            f'🔗 <a href="{WHOLE.link}">Open the run</a>',
            "<i>from runwisp · bright-falcon</i>",
        )
    )


def test_blocks_that_would_be_empty_are_left_out() -> None:
    assert _text(BARE).startswith("🔔 Test message\n\n")
    assert _TAG.findall(_text(BARE)) == ["i", "/i"]


def test_names_and_output_call_nobody() -> None:
    text = _text(failed("t", None, "@everyone, mail ops@example.net (@joe)"))
    assert "@\u200beveryone, mail ops@example.net (@\u200bjoe)" in text


def test_a_token_cannot_lead_elsewhere() -> None:
    notifier = notifier_of('type = "telegram"\nbot_token = "1/../x?y#z"\nchat_id = "1"')
    assert telegram.request(notifier, BARE).url == (
        "https://api.telegram.org/bot1%2F..%2Fx%3Fy%23z/sendMessage"
    )


@given(messages())
@example(HUGE)
def test_hostile_texts_stay_texts_within_the_limit(message: Message) -> None:
    text = _text(message)
    assert utf16_length(text) <= 4096
    tags = _TAG.findall(text)
    expected = ["b", "/b"] if message.name else []
    if message.tail and "blockquote" in tags:
        expected += ["blockquote", "/blockquote"]
    if message.link and "a" in tags:
        expected += ["a", "/a"]
    assert tags == [*expected, "i", "/i"]
    plain = _TAG.sub("", text)
    assert not set('<>"') & set(plain)
    assert "&" not in _ENTITY.sub("", plain)
    assert _CALL.search(unescape(plain)) is None
