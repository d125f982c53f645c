"""A message in the form of its channel.

It imports what is needed to write mail: who sends nothing should not import this.
"""

from __future__ import annotations

from runwisp.config.settings import Notifier, NotifierType
from runwisp.model import UnixMs
from runwisp.notify.channels import (
    discord,
    gotify,
    ntfy,
    pushover,
    sendmail,
    slack,
    smtp,
    telegram,
    webhook,
)
from runwisp.notify.message import Message
from runwisp.notify.request import HttpRequest, Letter

_REQUESTS = {
    NotifierType.SLACK: slack.request,
    NotifierType.TELEGRAM: telegram.request,
    NotifierType.DISCORD: discord.request,
    NotifierType.NTFY: ntfy.request,
    NotifierType.GOTIFY: gotify.request,
    NotifierType.PUSHOVER: pushover.request,
    NotifierType.WEBHOOK: webhook.request,
}
_LETTERS = {NotifierType.SMTP: smtp.letter, NotifierType.SENDMAIL: sendmail.letter}


def request(notifier: Notifier, message: Message) -> HttpRequest:
    """What is posted for a notifier of any type but smtp and sendmail.

    :raises runwisp.notify.request.CannotRender: if its template fails, or what it makes is not JSON
    """
    return _REQUESTS[notifier.type](notifier, message)


def letter(notifier: Notifier, message: Message, now: UnixMs) -> Letter:
    """What is mailed for a notifier of type smtp or sendmail.

    :param now: the date of the letter
    :raises runwisp.notify.request.CannotRender: if its template fails, or a header would have two lines
    """
    return _LETTERS[notifier.type](notifier, message, now)
