"""Letters for the program sendmail, which reads the recipients in them (spec: notifications, per type)."""

from __future__ import annotations

from email.policy import default

from runwisp.config.settings import Notifier
from runwisp.model import UnixMs
from runwisp.notify.channels import mail
from runwisp.notify.message import Message
from runwisp.notify.request import Letter
from runwisp.notify.templates import body

_POLICY = default.clone(cte_type="7bit")


def letter(notifier: Notifier, message: Message, now: UnixMs) -> Letter:
    """A letter in plain text, as a program reads it from its standard input."""
    own = body(notifier, message)
    with mail.refusals():
        content = mail.begin(notifier, message, now, _POLICY)
        if hidden := mail.addresses(notifier, "bcc"):
            content["Bcc"] = hidden
        content.set_content(_text(message) if own is None else own)
        recipients = mail.addresses(notifier, "to", "cc", "bcc")
        sender = mail.sender(notifier)
        return Letter(sender.addr_spec, tuple(to.addr_spec for to in recipients), content.as_bytes())


def _text(message: Message) -> str:
    says = "\n".join(filter(None, (message.sentence, message.trigger, message.coalesced_note)))
    blocks = (message.title, says, message.tail, message.link, f"--\n{message.footer}")
    return "\n\n".join(filter(None, blocks)) + "\n"
