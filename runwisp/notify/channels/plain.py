"""A message as plain text, for channels without markup."""

from __future__ import annotations

from runwisp.model import Severity
from runwisp.notify.message import Message
from runwisp.notify.shorten import Size, fitted, head, units


def text(message: Message) -> str:
    """The whole message."""
    return _compose(message, message.sentence, message.tail)


def text_within(message: Message, limit: int, size: Size = units) -> str:
    """The message in at most ``limit``."""
    fitting = fitted(
        lambda sentence, tail: _compose(message, sentence, tail),
        message.sentence,
        message.tail,
        limit,
        size,
    )
    return head(fitting, limit, size)


def priority(severity: Severity, *, error: int, warn: int, info: int) -> int:
    return {Severity.ERROR: error, Severity.WARN: warn, Severity.INFO: info}[severity]


def _compose(message: Message, sentence: str, tail: str) -> str:
    first = "\n".join(filter(None, (sentence, message.trigger, message.coalesced_note)))
    return "\n\n".join(filter(None, (first, tail, message.footer)))
