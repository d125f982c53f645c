from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given

from runwisp.config.settings import Notifier
from runwisp.notify.channels import slack
from runwisp.notify.message import Message
from tests.notify.channels.received import json_of, utf16_length
from tests.notify.hostile import BARE, HUGE, WHOLE, failed, messages, notifier_of

URL = "https://hooks.slack.example/services/T0/B0/secret"
SLACK = notifier_of(f'type = "slack"\nwebhook_url = "{URL}"')
WITH_CHANNEL = notifier_of(f'type = "slack"\nwebhook_url = "{URL}"\nchannel = "#ops"')
_ENTITY = re.compile("&(amp|lt|gt);")


def _blocks(message: Message, notifier: Notifier = SLACK) -> list[Any]:
    value = json_of(slack.request(notifier, message))
    assert set(value) == {"blocks"}
    blocks = value["blocks"]
    assert isinstance(blocks, list)
    return blocks


def _markup(message: Message) -> list[str]:
    """The texts that Slack looks for mentions in."""
    sections = [block["text"] for block in _blocks(message) if block["type"] == "section"]
    elements = [element for block in _blocks(message) for element in block.get("elements", ())]
    texts = [text for text in (*sections, *elements) if text["type"] == "mrkdwn"]
    assert all(text["verbatim"] for text in texts)
    return [text["text"] for text in texts]


def test_a_whole_message_has_all_blocks_in_order() -> None:
    assert slack.request(SLACK, WHOLE).url == URL
    header, says, tail, actions, context = _blocks(WHOLE)
    assert header == {
        "type": "header",
        "text": {"type": "plain_text", "text": "❌ db:backup failed", "emoji": True},
    }
    assert says["text"]["text"] == "Exit code 3 after 41s.\nTriggered by cron · 2 Mar, 03:00"
    assert tail["text"]["text"] == "```\nline 1\nline 2\nline 3\n```"
    assert actions["elements"] == [
        {"type": "button", "text": {"type": "plain_text", "text": "Open the run"}, "url": WHOLE.link}
    ]
    assert [element["text"] for element in context["elements"]] == ["from runwisp · bright-falcon"]


def test_blocks_that_would_be_empty_are_left_out() -> None:
    assert [block["type"] for block in _blocks(BARE)] == ["header", "section", "context"]


def test_the_channel_is_named_beside_the_blocks() -> None:
    value = json_of(slack.request(WITH_CHANNEL, BARE))
    assert (set(value), value["channel"]) == ({"blocks", "channel"}, "#ops")


def test_output_cannot_close_its_fence_or_call_anybody() -> None:
    _, tail, _ = _markup(failed("t", None, "a ````` <!channel> & <@U1>\n```"))
    gap = "\u200b"
    ticks = gap.join("`````")
    assert tail == f"```\na {ticks} &lt;!channel&gt; &amp; &lt;@U1&gt;\n{gap.join('```')}\n```"


@given(messages())
@example(HUGE)
def test_hostile_texts_stay_texts_within_the_limits(message: Message) -> None:
    for text in _markup(message):
        assert utf16_length(text) <= 3000
        assert not {"<", ">"} & set(text)
        assert "&" not in _ENTITY.sub("", text)
    if message.tail:
        fenced = _markup(message)[1]
        assert fenced.startswith("```\n")
        assert fenced.endswith("\n```")
        assert "``" not in fenced[3:-3]
    for block in _blocks(message):
        if block["type"] == "header":
            assert 0 < utf16_length(block["text"]["text"]) <= 150
        if block["type"] == "actions":
            assert utf16_length(block["elements"][0]["url"]) <= 3000


@given(messages())
def test_what_is_short_is_told_whole(message: Message) -> None:
    if len(message.sentence) < 500:
        shown = _markup(message)[0].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert shown.startswith(f"{message.sentence}\n" if message.sentence else message.trigger)
