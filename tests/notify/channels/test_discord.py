from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given

from runwisp.model import EndReason
from runwisp.notify.channels import discord
from runwisp.notify.message import Message
from tests.notify import events
from tests.notify.channels.received import json_of, utf16_length
from tests.notify.hostile import BARE, HUGE, WHOLE, failed, message, messages, notifier_of

URL = "https://discord.example/api/webhooks/1/secret"
DISCORD = notifier_of(f'type = "discord"\nwebhook_url = "{URL}"')
_FENCED = re.compile(r"\n?```\n(.*)\n```", re.DOTALL)


def _embed(told: Message) -> Any:
    value = json_of(discord.request(DISCORD, told))
    assert set(value) == {"embeds", "allowed_mentions"}
    assert value["allowed_mentions"] == {"parse": []}
    (embed,) = value["embeds"]
    return embed


def test_a_whole_message_is_an_embed_that_links_to_its_run() -> None:
    assert discord.request(DISCORD, WHOLE).url == URL
    assert _embed(WHOLE) == {
        "title": "❌ db:backup failed",
        "url": WHOLE.link,
        "description": (
            "Exit code 3 after 41s.\nTriggered by cron · 2 Mar, 03:00\n```\nline 1\nline 2\nline 3\n```"
        ),
        "color": 15548997,
        "footer": {"text": "from runwisp · bright-falcon"},
        "timestamp": "2026-03-02T03:00:00.000+01:00",
    }


def test_what_would_be_empty_is_left_out() -> None:
    assert set(_embed(BARE)) == {"title", "description", "color", "footer", "timestamp"}
    assert "```" not in _embed(BARE)["description"]


@pytest.mark.parametrize(
    ("reason", "colour"),
    [(EndReason.SUCCESS, 5763719), (EndReason.CRASHED, 15548997), (EndReason.STOPPED, 16705372)],
)
def test_the_colour_tells_how_it_went(reason: EndReason, colour: int) -> None:
    assert _embed(message(events.ended(events.ended_run(reason))))["color"] == colour
    assert _embed(BARE)["color"] == 5793266


def test_markdown_outside_the_fence_has_no_effect() -> None:
    embed = _embed(failed("a_b", "# [x](https://eve.example) **b** `c`", ""))
    assert embed["title"] == r"❌ a\_b failed"
    assert r"\[x\](https://eve.example) \*\*b\*\* \`c\`" in embed["description"]


@given(messages())
@example(HUGE)
def test_hostile_texts_stay_texts_within_the_limits(told: Message) -> None:
    embed = _embed(told)
    lengths = [utf16_length(embed[key]) for key in ("title", "description")]
    lengths.append(utf16_length(embed["footer"]["text"]))
    assert all(length <= limit for length, limit in zip(lengths, (256, 4096, 2048), strict=True))
    assert sum(lengths) <= 6000
    assert utf16_length(embed.get("url", "")) <= 2048
    fenced = _FENCED.search(embed["description"])
    if fenced is not None:
        assert "``" not in fenced[1]
    for text in (embed["title"], _FENCED.sub("", embed["description"])):
        assert not set("*_~`|[]<") & set(re.sub(r"\\.", "", text))
