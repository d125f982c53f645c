"""Notifiers by the tokens that name them (spec: notifications, inline targets)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from runwisp.config.notifications import IN_APP, check_token
from runwisp.config.problems import Rejected, shown
from runwisp.config.settings import Notifier, NotifierType
from runwisp.errors import UnknownNotifier

_REPLACED = {
    NotifierType.SLACK: "channel",
    NotifierType.TELEGRAM: "chat_id",
    NotifierType.NTFY: "topic",
    NotifierType.PUSHOVER: "user",
}


def find_notifier(notifiers: Mapping[str, Notifier], token: str) -> Notifier:
    """The notifier that ``token`` names, with the token as its id.

    :param token: ``id``, or ``id:target`` for the notifier ``id`` with that target in place of its own
    :raises UnknownNotifier: if there is none, or it cannot have such a target
    """
    id_, colon, target = (part.strip() for part in token.partition(":"))
    if id_ == IN_APP:
        raise UnknownNotifier(f"{IN_APP} is built in and sends nothing")
    if colon and not target:
        raise UnknownNotifier(f"{shown(token)} has no target behind the colon")
    token = f"{id_}{colon}{target}"
    try:
        check_token(token, {id_: notifier.type for id_, notifier in notifiers.items()})
    except Rejected as error:
        raise UnknownNotifier(f"cannot use {error.faults[0].rule}") from None
    return _with_target(notifiers[id_], token, target) if colon else notifiers[id_]


def _with_target(notifier: Notifier, token: str, target: str) -> Notifier:
    if notifier.type in (NotifierType.SMTP, NotifierType.SENDMAIL):
        replaced: dict[str, object] = {"to": (target,), "cc": (), "bcc": ()}
    else:
        replaced = {_REPLACED[notifier.type]: target}
    return evolve(notifier, id=token, options={**notifier.options, **replaced})
