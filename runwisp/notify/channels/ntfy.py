"""Messages for a topic of ntfy (spec: notifications, per type)."""

from __future__ import annotations

from runwisp.config.settings import Notifier
from runwisp.notify import options
from runwisp.notify.channels import plain
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.shorten import head, utf8_bytes
from runwisp.notify.templates import json_object

_MESSAGE_LIMIT = 4096
_TITLE_LIMIT = 250


def request(notifier: Notifier, message: Message) -> HttpRequest:
    value = json_object(notifier, message, _value)
    value["topic"] = options.text(notifier, "topic")
    token = options.optional_text(notifier, "token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return json_request(options.text(notifier, "url").rstrip("/"), value, headers)


def _value(message: Message) -> dict[str, object]:
    value: dict[str, object] = {
        "title": head(message.headline, _TITLE_LIMIT),
        "message": plain.text_within(message, _MESSAGE_LIMIT, utf8_bytes),
        "priority": plain.priority(message.event.severity, error=4, warn=3, info=2),
    }
    if message.link:
        value["click"] = message.link
    return value
