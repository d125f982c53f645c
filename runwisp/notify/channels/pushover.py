"""Messages through Pushover (spec: notifications, per type)."""

from __future__ import annotations

from runwisp.config.settings import Notifier
from runwisp.notify import options
from runwisp.notify.channels import plain
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.shorten import head, units
from runwisp.notify.templates import json_object

_URL = "https://api.pushover.net/1/messages.json"
_TITLE_LIMIT = 250
_MESSAGE_LIMIT = 1024
_LINK_LIMIT = 512
_LABEL_LIMIT = 100


def request(notifier: Notifier, message: Message) -> HttpRequest:
    value = json_object(notifier, message, _value)
    for key in ("token", "user"):
        value[key] = options.text(notifier, key)
    return json_request(_URL, value)


def _value(message: Message) -> dict[str, object]:
    value: dict[str, object] = {
        "title": head(message.headline, _TITLE_LIMIT),
        "message": plain.text_within(message, _MESSAGE_LIMIT),
        "priority": plain.priority(message.event.severity, error=0, warn=0, info=-1),
    }
    if message.link and units(message.link) <= _LINK_LIMIT:
        value["url"] = message.link
        value["url_title"] = head(message.link_label, _LABEL_LIMIT)
    return value
