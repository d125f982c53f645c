"""Notifiers, routes and every list that names notifiers (spec: config, notifiers and routes)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from runwisp.config.fields import Field, Kind
from runwisp.config.kinds import CHANNEL, MAIL_ADDRESS, STRING, TOPIC
from runwisp.config.notify_fields import ID, NOTIFIER_TYPES, TYPE
from runwisp.config.problems import Rejected, reject, shown
from runwisp.config.reading import NOWHERE, Report, completed, read_entry
from runwisp.config.settings import Notifier, NotifierType, ParseMode, Route, RouteMatch, SmtpTls
from runwisp.config.source import Entry
from runwisp.config.templates import read_template
from runwisp.errors import ProblemClass

#: The notifier that is always there.
IN_APP = "inapp"

#: What the target of ``"id:target"`` has to be, by the type of the notifier.
_TARGETS: Mapping[NotifierType, Kind] = {
    NotifierType.SLACK: CHANNEL,
    NotifierType.TELEGRAM: STRING,
    NotifierType.NTFY: TOPIC,
    NotifierType.PUSHOVER: STRING,
    NotifierType.SMTP: MAIL_ADDRESS,
    NotifierType.SENDMAIL: MAIL_ADDRESS,
}


def notifier_id(entry: Entry, report: Report) -> str | None:
    """The id of a notifier, None if it has no valid one, which is reported."""
    if "id" in entry.table.by_name:
        if "id" not in entry.values:
            report.add(entry, ProblemClass.REQUIRED, "is required", "id")
        id_ = read_entry(entry, [ID], report).get("id")
        steps = ["id"]
    else:
        id_, steps = str(entry.path[-1]), []
    if not isinstance(id_, str):
        return None
    name = id_.strip()
    if not name:
        report.problems.append(
            entry.problem(ProblemClass.REQUIRED, f"{entry.label}the id must not be blank", *steps)
        )
    elif name == IN_APP:
        message = f"{entry.label}the id {IN_APP} is built in and cannot be declared; drop this notifier"
        report.problems.append(entry.problem(ProblemClass.CONFLICT, message, *steps))
    elif ":" in name:
        message = f'{entry.label}the id must have no colon, like "ops" or "slack-ops"'
        report.problems.append(entry.problem(ProblemClass.FORMAT, message, *steps))
    else:
        return name
    return None


def read_notifier(entry: Entry, id_: str, report: Report) -> Notifier | None:
    """The notifier of ``entry``; None if its type is not known, which is reported."""
    if "type" not in entry.values:
        report.add(entry, ProblemClass.REQUIRED, "is required", "type")
    type_ = read_entry(entry, [TYPE], report).get("type")
    if not isinstance(type_, NotifierType):
        return None
    keys = NOTIFIER_TYPES[type_]
    own = {ID.name, TYPE.name, *(key.name for key in keys)}
    for name in entry.values:
        if name not in own:
            report.add(entry, ProblemClass.CONFLICT, f"is not valid for type {type_}; drop it", name)
    options = completed(keys, _required_too(entry, keys, report))
    if type_ is NotifierType.SMTP:
        _complete_smtp(entry, options, report)
    if options.get("parse_mode") is ParseMode.MARKDOWN_V2 and options["template_path"] is None:
        rule = "MarkdownV2 needs template_path; set it or drop parse_mode"
        report.add(entry, ProblemClass.CONFLICT, rule, "parse_mode")
    return Notifier(id=id_, type=type_, options=options, template=_template(entry, options, report))


def _template(entry: Entry, options: Mapping[str, object], report: Report) -> str | None:
    path = options["template_path"]
    if not isinstance(path, str):
        return None
    try:
        return read_template(path)
    except Rejected as error:
        for fault in error.faults:
            report.add(entry, fault.class_, fault.rule, "template_path")
        return None


def _required_too(entry: Entry, keys: Iterable[Field], report: Report) -> dict[str, object]:
    """The settings of ``entry``, with a report of each required one that is missing."""
    for key in keys:
        if key.required and key.name not in entry.values:
            report.add(entry, ProblemClass.REQUIRED, "is required", key.name)
    return read_entry(entry, keys, report)


def _complete_smtp(entry: Entry, options: dict[str, object], report: Report) -> None:
    """Fill in port and ``tls_mode``, each of which depends on the other, and check the account."""
    port, mode = options["port"], options["tls_mode"]
    if mode is None:
        mode = SmtpTls.IMPLICIT if port == 465 else SmtpTls.STARTTLS
    options["tls_mode"] = mode
    options["port"] = port or (465 if mode is SmtpTls.IMPLICIT else 25)
    account = [key for key in ("username", "password") if key in entry.values]
    if len(account) == 1:
        missing = "password" if account == ["username"] else "username"
        rule = f"needs {missing}; set both or drop {account[0]}"
        report.add(entry, ProblemClass.CONFLICT, rule, account[0])
    elif account and mode is SmtpTls.OFF:
        rule = 'would go unprotected with tls_mode = "off"; drop tls_mode, or username and password'
        report.add(entry, ProblemClass.CONFLICT, rule, "password")


# Any: the table of keys gives each setting the type that the record declares, which mypy cannot follow.
def read_route(entry: Entry, report: Report) -> Route:
    settings: dict[str, Any] = completed(
        entry.table.fields, _required_too(entry, entry.table.checked, report)
    )
    match = entry.nested.get("match")
    conditions: dict[str, Any] = completed(
        entry.table.nested["match"].fields,
        read_entry(match, match.table.checked, report) if match else {},
    )
    return Route(match=RouteMatch(**conditions), notify=settings["notify"] or ())


def check_tokens(
    entry: Entry, key: str, tokens: Iterable[str], types: Mapping[str, NotifierType | None], report: Report
) -> None:
    """Check that a list names notifiers that exist, with targets that they can take.

    ``types`` has the type of each declared notifier, None for one whose type is not valid.
    """
    for token in tokens:
        try:
            check_token(token, types)
        except Rejected as error:
            for fault in error.faults:
                report.add(entry, fault.class_, f"names {fault.rule}", key)


def check_token(token: str, types: Mapping[str, NotifierType | None]) -> None:
    """Check one of them.

    :raises runwisp.config.problems.Rejected: with a rule that begins with what is named
    """
    id_, colon, target = token.partition(":")
    if id_ == IN_APP and colon:
        raise reject(ProblemClass.CONFLICT, f"{shown(token)}, but {IN_APP} takes no target; drop it")
    if id_ == IN_APP:
        return
    if id_ not in types:
        raise reject(ProblemClass.REF, f"{shown(id_)}, which is no notifier")
    if colon and (type_ := types[id_]) is not None:
        _check_target(token, type_, target)


def _check_target(token: str, type_: NotifierType, target: str) -> None:
    kind = _TARGETS.get(type_)
    if kind is None:
        rule = f"{shown(token)}, but a notifier of type {type_} takes no target; drop the target"
        raise reject(ProblemClass.CONFLICT, rule)
    try:
        kind.read(target, _TARGET, NOWHERE)
    except Rejected as error:
        raise Rejected(
            tuple(evolve(fault, rule=f"{shown(token)}, whose target {fault.rule}") for fault in error.faults)
        ) from None


#: The substitution of a list is over when its targets are looked at.
_TARGET = Field("target", STRING, "", substituted=False)
