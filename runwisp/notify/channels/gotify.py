"""Messages for an application of Gotify (spec: notifications, per type)."""

from __future__ import annotations

from runwisp.config.settings import Notifier
from runwisp.notify import options
from runwisp.notify.channels import plain
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.templates import json_object


def request(notifier: Notifier, message: Message) -> HttpRequest:
    url = f"{options.text(notifier, 'url').rstrip('/')}/message"
    value = json_object(notifier, message, _value)
    return json_request(url, value, {"X-Gotify-Key": options.text(notifier, "token")})


def _value(message: Message) -> dict[str, object]:
    value: dict[str, object] = {
        "title": message.headline,
        "message": plain.text(message),
        "priority": plain.priority(message.event.severity, error=8, warn=5, info=2),
    }
    if message.link:
        value["extras"] = {"client::notification": {"click": {"url": message.link}}}
    return value
