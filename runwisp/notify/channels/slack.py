"""Messages for an incoming webhook of Slack (spec: notifications, per type)."""

from __future__ import annotations

from typing import TypeAlias

from runwisp.config.settings import Notifier
from runwisp.notify import escape, options
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.shorten import end, fitted, head, units
from runwisp.notify.templates import json_object

Block: TypeAlias = dict[str, object]

_HEADER_LIMIT = 150
_TEXT_LIMIT = 3000
_URL_LIMIT = 3000
_FENCE = "```\n{}\n```"


def request(notifier: Notifier, message: Message) -> HttpRequest:
    value = json_object(notifier, message, lambda message: {"blocks": _blocks(message)})
    if channel := options.optional_text(notifier, "channel"):
        value["channel"] = channel
    return json_request(options.text(notifier, "webhook_url"), value)


def _blocks(message: Message) -> list[Block]:
    headline = head(message.headline, _HEADER_LIMIT)
    about = "\n".join(filter(None, (message.trigger, message.coalesced_note)))
    says = fitted(
        lambda sentence, _: "\n".join(filter(None, (escape.slack(sentence), about))),
        message.sentence,
        "",
        _TEXT_LIMIT,
    )
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": True}},
        {"type": "section", "text": _markup(says)},
    ]
    if message.tail:
        room = _TEXT_LIMIT - len(_FENCE.format(""))
        tail = end(message.tail, room, lambda part: units(escape.slack_code(part)))
        blocks.append({"type": "section", "text": _markup(_FENCE.format(escape.slack_code(tail)))})
    if message.link and units(message.link) <= _URL_LIMIT:
        label = {"type": "plain_text", "text": message.link_label}
        blocks.append(
            {"type": "actions", "elements": [{"type": "button", "text": label, "url": message.link}]}
        )
    blocks.append({"type": "context", "elements": [_markup(escape.slack(message.footer))]})
    return blocks


def _markup(text: str) -> Block:
    """With ``verbatim`` Slack makes no mentions or links of what merely looks like one."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
