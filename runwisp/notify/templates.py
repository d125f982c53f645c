"""Bodies of messages from the operator's templates (spec: notifications, templates)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from runwisp.config.settings import Notifier, NotifierType, ParseMode
from runwisp.config.templates import sandbox
from runwisp.model import NotifyEvent, Run
from runwisp.notify import escape, text
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender

if TYPE_CHECKING:
    from jinja2 import Template

_HTML_TYPES = frozenset({NotifierType.TELEGRAM, NotifierType.SMTP})
_MOMENTS = frozenset({"created_at", "start_at", "end_at", "next_retry_at"})
#: What a run remembers for the daemon alone.
_PRIVATE = frozenset({"process_group", "process_started"})
_ERROR_LENGTH = 200


def body(notifier: Notifier, message: Message) -> str | None:
    """What the template of ``notifier`` makes; None if it has none.

    :raises CannotRender: if it fails
    """
    if notifier.template is None:
        return None
    parse_mode = notifier.options.get("parse_mode")
    try:
        template = _compiled(notifier.template, notifier.type, parse_mode is ParseMode.MARKDOWN_V2)
        return text.encodable(template.render(_variables(message)))
    # A template is a program, and can fail in as many ways.
    except Exception as error:
        raise _failed(str(error) or type(error).__name__) from error


def json_value(notifier: Notifier, message: Message, own: Callable[[Message], object]) -> object:
    """What the template makes, else what ``own`` does.

    :raises CannotRender: if the template fails, or makes something else than JSON
    """
    rendered = body(notifier, message)
    if rendered is None:
        return own(message)
    try:
        return json.loads(rendered, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _failed(f"what it makes is not JSON: {error}") from error


def json_object(
    notifier: Notifier, message: Message, own: Callable[[Message], dict[str, object]]
) -> dict[str, object]:
    """The same for channels whose JSON is an object.

    :raises CannotRender: also if the template makes JSON of another form
    """
    value = json_value(notifier, message, own)
    if not isinstance(value, dict):
        raise _failed("what it makes is not a JSON object")
    return value


@lru_cache(maxsize=32)
def _compiled(template: str, type_: NotifierType, is_markdown: bool) -> Template:
    language = sandbox(autoescape=type_ in _HTML_TYPES and not is_markdown)
    for_telegram = escape.telegram_markdown if is_markdown else escape.telegram_html
    language.filters |= {
        "telegram": lambda value: _marked(value, for_telegram),
        "slack": lambda value: escape.slack(str(value)),
        "slack_code": lambda value: escape.slack_code(str(value)),
        "rfc3339": lambda value: _of_moment(value, text.rfc3339),
        "human_time": lambda value: _of_moment(value, text.human_time),
        "human_duration": lambda value: "" if value is None else text.human_duration(value),
    }
    if type_ is NotifierType.TELEGRAM:
        # Otherwise a name after an ``@`` could call somebody, and Markdown would not be escaped at all.
        language.finalize = language.filters["telegram"]
    language.policies["json.dumps_kwargs"] = {"default": _json_default}
    return language.from_string(template)


def _marked(value: object, escaped: Callable[[str], str]) -> str:
    """``value`` in the markup of its channel, once: what is marked up already stays as it is."""
    from markupsafe import Markup

    return value if isinstance(value, Markup) else Markup(escaped(str(value)))


def _of_moment(value: datetime | None, in_words: Callable[[datetime], str]) -> str:
    """Nothing for a moment that has not come."""
    return "" if value is None else in_words(value)


def _json_default(value: object) -> str:
    if isinstance(value, datetime):
        return text.rfc3339(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _variables(message: Message) -> dict[str, object]:
    blocks = {
        name: getattr(message, name)
        for name in attrs.fields_dict(Message)
        if name not in ("event", "at", "name")
    }
    return {**blocks, "headline": message.headline, "event": _event(message.event, message.at)}


def _event(event: NotifyEvent, at: datetime) -> Mapping[str, object]:
    fields = {name: getattr(event, name) for name in attrs.fields_dict(NotifyEvent)}
    run = _run(event.run, at) if event.run is not None else None
    return {**fields, "timestamp": at, "run": run, "extra": dict(event.extra)}


def _run(run: Run, at: datetime) -> Mapping[str, object]:
    fields: dict[str, Any] = {
        name: getattr(run, name) for name in attrs.fields_dict(Run) if name not in _PRIVATE
    }
    for name in _MOMENTS:
        if fields[name] is not None:
            fields[name] = text.moment(fields[name], at.tzinfo or UTC)
    return {**fields, "duration": run.duration, "label": run.label}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it has no {name}")


def _failed(reason: str) -> CannotRender:
    return CannotRender(text.line(f"the template failed: {reason}")[:_ERROR_LENGTH])
