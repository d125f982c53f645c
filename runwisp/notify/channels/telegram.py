"""Messages of a Telegram bot (spec: notifications, per type)."""

from __future__ import annotations

from urllib.parse import quote

from runwisp.config.settings import Notifier
from runwisp.notify import escape, options
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, form_request
from runwisp.notify.shorten import fitted, units
from runwisp.notify.templates import body

_TEXT_LIMIT = 4096
#: A longer address could leave no room for a sentence.
_LINK_LIMIT = 1024


def request(notifier: Notifier, message: Message) -> HttpRequest:
    token = quote(options.text(notifier, "bot_token"), safe=":")
    own = body(notifier, message)
    return form_request(
        f"https://api.telegram.org/bot{token}/sendMessage",
        {
            "chat_id": options.text(notifier, "chat_id"),
            "text": _html(message) if own is None else own,
            "parse_mode": options.text(notifier, "parse_mode"),
        },
    )


def _html(message: Message) -> str:
    link, footer = _link(message), escape.telegram_html(message.footer)

    def compose(sentence: str, tail: str) -> str:
        blocks = (
            _headline(message),
            escape.telegram_html(sentence),
            message.trigger,
            message.coalesced_note,
            f"<blockquote>{escape.telegram_html(tail)}</blockquote>" if tail else "",
            link,
            f"<i>{footer}</i>",
        )
        return "\n\n".join(filter(None, blocks))

    return fitted(compose, message.sentence, message.tail, _TEXT_LIMIT)


def _headline(message: Message) -> str:
    verb = escape.html(message.title.removeprefix(message.name))
    if not message.name:
        return f"{message.emoji} {verb}"
    return f"{message.emoji} <b>{escape.telegram_html(message.name)}</b>{verb}"


def _link(message: Message) -> str:
    address = escape.html(message.link)
    if not address or units(address) > _LINK_LIMIT:
        return ""
    return f'🔗 <a href="{address}">{escape.html(message.link_label)}</a>'
