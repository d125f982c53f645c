"""Messages for a webhook of Discord (spec: notifications, per type)."""

from __future__ import annotations

from runwisp.config.settings import Notifier
from runwisp.model import NotifyEvent, NotifyKind, Severity
from runwisp.notify import escape, options, text
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.shorten import fitted, head, units
from runwisp.notify.templates import json_object

_TITLE_LIMIT = 256
_DESCRIPTION_LIMIT = 4096
_URL_LIMIT = 2048
_FOOTER_LIMIT = 2048

_GREEN = 5763719
_COLOURS = {Severity.ERROR: 15548997, Severity.WARN: 16705372, Severity.INFO: 5793266}


def request(notifier: Notifier, message: Message) -> HttpRequest:
    value = json_object(notifier, message, lambda message: {"embeds": [_embed(message)]})
    value.setdefault("allowed_mentions", {"parse": []})
    return json_request(options.text(notifier, "webhook_url"), value)


def _embed(message: Message) -> dict[str, object]:
    title = head(message.headline, _TITLE_LIMIT, lambda part: units(escape.discord(part)))
    embed: dict[str, object] = {
        "title": escape.discord(title),
        "description": fitted(
            lambda sentence, tail: _description(message, sentence, tail),
            message.sentence,
            message.tail,
            _DESCRIPTION_LIMIT,
        ),
        "color": _colour(message.event),
        "footer": {"text": head(message.footer, _FOOTER_LIMIT)},
        "timestamp": text.rfc3339(message.at),
    }
    if message.link and units(message.link) <= _URL_LIMIT:
        embed["url"] = message.link
    return embed


def _description(message: Message, sentence: str, tail: str) -> str:
    fenced = f"```\n{escape.unfenced(tail)}\n```" if tail else ""
    return "\n".join(
        filter(None, (escape.discord(sentence), message.trigger, message.coalesced_note, fenced))
    )


def _colour(event: NotifyEvent) -> int:
    return _GREEN if event.kind is NotifyKind.RUN_SUCCEEDED else _COLOURS[event.severity]
