"""The way of a message to its receiver, whatever type of notifier it takes."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred

from runwisp.config.settings import Notifier
from runwisp.model import Seconds
from runwisp.notify.message import Message
from runwisp.notify.redaction import prefix, redactor
from runwisp.notify.request import HttpRequest, Letter
from runwisp.notify.text import line

Parcel: TypeAlias = HttpRequest | Letter
#: So much of what the other side says is repeated.
_ANSWER_BYTES = 200


class Undelivered(Exception):
    """An attempt failed, for a reason with nothing secret in it.

    ``has_gone_out`` is False if the receiver certainly has nothing of the message.
    """

    def __init__(self, text: str, *, has_gone_out: bool = True) -> None:
        super().__init__(text)
        self.has_gone_out = has_gone_out


class Permanent(Undelivered):
    """Another attempt would end in the same way."""


class Retryable(Undelivered):
    """Another attempt may succeed, if ``after`` is set not before so much time has passed."""

    def __init__(self, text: str, *, after: Seconds | None = None, has_gone_out: bool = True) -> None:
        super().__init__(text, has_gone_out=has_gone_out)
        self.after = after


class Channel(Protocol):
    """A notifier that can deliver. Every attempt has an end, and may be cancelled before."""

    def write(self, message: Message) -> Parcel:
        """The message as it will be sent.

        :raises Permanent: it cannot be put into this form
        """

    def send(self, parcel: Parcel) -> Deferred[str]:
        """Send what :meth:`write` made; fires with the answer, with nothing secret in it.

        It fails with :class:`Retryable` or :class:`Permanent`.
        """


class Teller:
    """Says what went wrong with a notifier, and keeps its secrets (spec: notifications, redaction)."""

    def __init__(self, notifier: Notifier) -> None:
        self.redact = redactor(notifier)
        self._prefix = prefix(notifier)

    def sentence(self, text: str) -> str:
        """``text`` as an error of the notifier, in a single line."""
        return line(self.redact(self._prefix + text))

    def excerpt(self, answer: bytes, limit: int = _ANSWER_BYTES) -> str:
        """The beginning of what the other side said, in a single line."""
        said = line(self.redact(answer.decode(errors="replace"))).strip()
        return said.encode()[:limit].decode(errors="ignore")
