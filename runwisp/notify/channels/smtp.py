"""Letters for a mail server (spec: notifications, per type)."""

from __future__ import annotations

from email.policy import SMTP
from zlib import crc32

from runwisp.config.settings import Notifier
from runwisp.model import UnixMs
from runwisp.notify import escape
from runwisp.notify.channels import mail
from runwisp.notify.html_text import html_text
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender, Letter
from runwisp.notify.templates import body

#: Servers need not take anything else than ASCII, and no line grows too long in it.
_ENCODING = "quoted-printable"
_POLICY = SMTP.clone(cte_type="7bit")
_BODY = "font-family: sans-serif; color: #1f2328; max-width: 40em"
_HEADING = "font-size: 1.25em; margin: 0 0 0.75em"
_SMALL = "color: #59636e; font-size: 0.9em"
_TAIL = "background: #f6f8fa; padding: 0.75em; white-space: pre-wrap; overflow-wrap: anywhere"
_BUTTON = "background: #0969da; color: #ffffff; padding: 0.5em 1em; text-decoration: none"


def letter(notifier: Notifier, message: Message, now: UnixMs) -> Letter:
    """A letter in HTML and in plain text, with every line ending in CRLF."""
    own = body(notifier, message)
    html = _html(message) if own is None else own
    try:
        plain = html_text(html)
    except AssertionError as error:
        raise CannotRender(f"the template failed: what it makes is not HTML: {error}") from error
    with mail.refusals():
        sender = mail.sender(notifier)
        recipients = mail.addresses(notifier, "to", "cc", "bcc")
        content = mail.begin(notifier, message, now, _POLICY)
        content["Message-ID"] = f"<{_id(notifier, message)}@{sender.domain}>"
        content.set_content(plain, cte=_ENCODING)
        content.add_alternative(html, subtype="html", cte=_ENCODING)
        # Nothing that is quoted-printable has an underscore behind an equals sign.
        content.set_boundary(f"=_{_id(notifier, message)}")
        return Letter(sender.addr_spec, tuple(to.addr_spec for to in recipients), content.as_bytes())


def _id(notifier: Notifier, message: Message) -> str:
    """The same for each attempt, so that a reader who gets two copies need see only one."""
    return f"{message.event.id}.{crc32(notifier.id.encode(errors='replace')):08x}"


def _html(message: Message) -> str:
    blocks = [_block("h1", _HEADING, message.headline)]
    blocks += [
        _block("p", style, line)
        for style, line in (
            ("", message.sentence),
            (_SMALL, message.trigger),
            (_SMALL, message.coalesced_note),
        )
        if line
    ]
    if message.tail:
        blocks.append(_block("pre", _TAIL, message.tail))
    if message.link:
        button = (
            f'<a href="{escape.html(message.link)}" style="{_BUTTON}">{escape.html(message.link_label)}</a>'
        )
        blocks.append(f"<p>{button}</p>")
    blocks.append(_block("p", _SMALL, message.footer))
    return "\n".join(("<!doctype html>", f'<html><body style="{_BODY}">', *blocks, "</body></html>\n"))


def _block(tag: str, style: str, content: str) -> str:
    attribute = f' style="{style}"' if style else ""
    return f"<{tag}{attribute}>{escape.html(content)}</{tag}>"
