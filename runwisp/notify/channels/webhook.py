"""Messages for programs: a flat JSON object with stable keys (spec: notifications, per type)."""

from __future__ import annotations

from runwisp.config.settings import Notifier
from runwisp.model import Run
from runwisp.notify import options, text
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, json_request
from runwisp.notify.templates import json_value

#: The transport knows better.
_OF_TRANSPORT = frozenset({"content-length", "transfer-encoding"})


def request(notifier: Notifier, message: Message) -> HttpRequest:
    value = json_value(notifier, message, _value)
    headers = {
        name: header
        for name, header in options.mapping(notifier, "headers").items()
        if name.strip().lower() not in _OF_TRANSPORT
    }
    return json_request(options.text(notifier, "url"), value, headers)


def _value(message: Message) -> dict[str, object]:
    event = message.event
    return {
        "kind": event.kind.value,
        "severity": event.severity.value,
        "timestamp": text.rfc3339(message.at),
        "task": event.task_name,
        "title": message.title,
        "message": message.sentence,
        "trigger": message.trigger,
        "run": _run(event.run, message.link) if event.run is not None else None,
        "output_tail": message.tail or None,
        "reason": event.reason or None,
        "source": f"runwisp ({message.fingerprint})",
        "coalesced_count": message.coalesced_count,
        "coalesced_summary": message.coalesced_summary or None,
    }


def _run(run: Run, link: str) -> dict[str, object]:
    return {
        "id": run.id,
        "exit_code": run.exit_code,
        "triggered_by": run.triggered_by.value,
        "url": link or None,
        "duration": run.duration,
    }
