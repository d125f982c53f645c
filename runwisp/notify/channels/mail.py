"""What letters of both ways to send mail have in common: their headers (spec: notifications, per type)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import unquote

from runwisp.config.settings import Notifier
from runwisp.model import UnixMs
from runwisp.notify import options, text
from runwisp.notify.message import Message
from runwisp.notify.request import USER_AGENT, CannotRender
from runwisp.notify.shorten import head

_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_SUBJECT_LIMIT = 250


def begin(
    notifier: Notifier, message: Message, now: UnixMs, policy: EmailPolicy[EmailMessage]
) -> EmailMessage:
    """A letter with the headers that are the same everywhere, without a body."""
    letter = EmailMessage(policy=policy)
    letter["From"] = sender(notifier)
    for header, key in (("To", "to"), ("Cc", "cc")):
        if found := addresses(notifier, key):
            letter[header] = found
    if reply_to := options.optional_text(notifier, "reply_to"):
        letter["Reply-To"] = _address(reply_to)
    letter["Subject"] = head(_subject(message.title), _SUBJECT_LIMIT)
    letter["Date"] = text.moment(now, message.at.tzinfo or UTC)
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter["User-Agent"] = USER_AGENT
    return letter


def _subject(title: str) -> str:
    """``title`` without runs of blanks, which folding would not keep, and nothing that looks encoded."""
    return " ".join(title.split()).replace("=?", "= ?")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the standard library says of headers that cannot be into :class:`CannotRender`."""
    try:
        yield
    except (ValueError, MessageError) as error:
        raise CannotRender(f"the letter cannot be written: {error}") from error


def sender(notifier: Notifier) -> Address:
    return _address(options.text(notifier, "from"))


def addresses(notifier: Notifier, *keys: str) -> tuple[Address, ...]:
    return tuple(_address(written) for key in keys for written in options.texts(notifier, key))


def _address(written: str) -> Address:
    """The address that the configuration writes, maybe behind a name, which may hold a comma."""
    if {"\r", "\n"} & set(written):
        raise ValueError("an address has more than one line")
    named = _NAMED.fullmatch(written.strip())
    name, address = (named["name"].strip(), named["address"].strip()) if named else ("", written.strip())
    if not address.isascii():
        raise ValueError("an address has characters other than ASCII")
    mailbox, _, domain = address.rpartition("@")
    return Address(unquote(name), unquote(mailbox), domain)
