"""Every key of ``[[notifier]]`` and ``[[notification_route]]`` (spec: config, sections)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from runwisp.config import kinds
from runwisp.config.fields import Field, Form, Limits, Spelling, Table
from runwisp.config.settings import EventKind, NotifierType, ParseMode, SmtpTls

ID = Field("id", kinds.STRING, "Name in lists of notifiers; not ``inapp``, without ``:``.", required=True)
TYPE = Field("type", kinds.WORD, "What is sent with.", words=NotifierType, required=True)

_WEBHOOK_URL = Field("webhook_url", kinds.URL, "Address of the incoming webhook.", required=True, secret=True)
_TOKEN = Field("token", kinds.STRING, "Token of the application.", required=True, secret=True)
_FROM = Field("from", kinds.MAIL_ADDRESS, "Sender.", required=True)
_TO = Field("to", kinds.MAIL_ADDRESSES, "Recipients, at least one.", required=True)
_CC = Field("cc", kinds.MAIL_ADDRESSES, "Recipients of a copy.", default=[])
_BCC = Field("bcc", kinds.MAIL_ADDRESSES, "Recipients that the others do not see.", default=[])
_REPLY_TO = Field("reply_to", kinds.MAIL_ADDRESS, "Address for answers.")
_TEMPLATE_PATH = Field(
    "template_path",
    kinds.PATH,
    "Template that makes the body of the messages.",
    default_text="the built-in body",
)

_OWN_KEYS: Mapping[NotifierType, tuple[Field, ...]] = {
    NotifierType.SLACK: (
        _WEBHOOK_URL,
        Field("channel", kinds.CHANNEL, "Channel or person, beginning with ``#`` or ``@``."),
    ),
    NotifierType.TELEGRAM: (
        Field("bot_token", kinds.STRING, "Token of the bot.", required=True, secret=True),
        Field("chat_id", kinds.STRING, "Chat that gets the messages, as a string.", required=True),
        Field(
            "parse_mode",
            kinds.WORD,
            "Markup of the messages; ``MarkdownV2`` needs ``template_path``.",
            default="HTML",
            words=ParseMode,
        ),
    ),
    NotifierType.DISCORD: (_WEBHOOK_URL,),
    NotifierType.NTFY: (
        Field("topic", kinds.TOPIC, "Topic, up to 64 of ``A-Z a-z 0-9 _ -``.", required=True),
        Field("url", kinds.URL, "Address of the server.", default="https://ntfy.sh"),
        evolve(_TOKEN, help="Access token.", required=False),
    ),
    NotifierType.GOTIFY: (Field("url", kinds.URL, "Address of the server.", required=True), _TOKEN),
    NotifierType.PUSHOVER: (
        _TOKEN,
        Field("user", kinds.STRING, "Key of the user or group.", required=True, secret=True),
    ),
    NotifierType.SMTP: (
        Field("host", kinds.STRING, "Mail server.", required=True),
        _FROM,
        _TO,
        Field(
            "port",
            kinds.DEFAULTED_INTEGER,
            "Port; 0 counts as unset.",
            default_text='25; 465 with ``tls_mode = "implicit"``',
            limits=Limits(minimum=0, maximum=65_535),
        ),
        Field(
            "tls_mode",
            kinds.WORD,
            "How the connection is secured.",
            default_text="``implicit`` on port 465, else ``starttls``",
            words=SmtpTls,
        ),
        Field("tls_skip_verify", kinds.BOOLEAN, "Accept any certificate.", default=False),
        Field("username", kinds.STRING, "Account; only together with ``password``."),
        Field("password", kinds.STRING, "Password of the account.", secret=True),
        _REPLY_TO,
        _CC,
        _BCC,
    ),
    NotifierType.SENDMAIL: (
        _FROM,
        _TO,
        _CC,
        _BCC,
        _REPLY_TO,
        Field(
            "sendmail_path",
            kinds.ABSOLUTE_PATH,
            "The program, looked up when something is sent.",
            default_text="the first that is found",
        ),
    ),
    NotifierType.WEBHOOK: (
        Field("url", kinds.URL, "Address that gets the messages.", required=True, secret=True),
        Field("headers", kinds.HEADERS, "Headers of the request.", secret=True),
    ),
}
#: The keys of each type, beside ``id`` and ``type``.
NOTIFIER_TYPES: Mapping[NotifierType, tuple[Field, ...]] = {
    type_: (*keys, _TEMPLATE_PATH) for type_, keys in _OWN_KEYS.items()
}


def _of_all_types() -> Iterator[Field]:
    """Each key of any type once, in the order of its first type."""
    seen = set[str]()
    for fields in NOTIFIER_TYPES.values():
        for field in fields:
            if field.name not in seen:
                seen.add(field.name)
                yield field


NOTIFIER = Table("notifier", Form.LISTED, (ID, TYPE, *_of_all_types()))
#: Other way to write notifiers: the id is the name of the table.
NOTIFIERS = Table("notifiers", Form.NAMED, (TYPE, *_of_all_types()))

_KIND = Field(
    "kind",
    kinds.EVENT_KINDS,
    "Kinds of events; a single one may stand without brackets. ``run.`` may be left out.",
    default=[],
    default_text="every kind",
    words=EventKind,
    word_aliases={kind.removeprefix("run."): kind.value for kind in EventKind if kind.startswith("run.")},
    aliases=("kinds",),
)
_FAILURE = Field(
    "failure", kinds.BOOLEAN, "Whatever ``failures`` of its unit counts as failure.", default=False
)
_TASK = Field("task", kinds.GLOB, "Units, by a glob over the whole name.", default_text="every unit")
_MATCH = Field("match", kinds.TABLE, "Conditions; all that are set have to hold.")
_NOTIFY = Field(
    "notify", kinds.TOKENS, "Notifiers that get the event.", required=True, aliases=("notifiers",)
)


def _route(name: str, spelling: Spelling) -> Table:
    match = Table("match", Form.SINGLE, (_KIND, _FAILURE, _TASK), spelling=spelling)
    return Table(name, Form.LISTED, (_MATCH, _NOTIFY), nested={"match": match}, spelling=spelling)


NOTIFICATION_ROUTE = _route("notification_route", Spelling.CANONICAL)
#: Other way to write routes, with names of its own.
ROUTE = _route("route", Spelling.ALIAS)
