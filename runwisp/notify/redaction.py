"""Takes the secrets of a notifier out of what is told about it (spec: notifications, redaction)."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from runwisp.config.notify_fields import NOTIFIER_TYPES
from runwisp.config.settings import Notifier, NotifierType
from runwisp.notify.options import optional_text

REDACTED = "[redacted]"
#: The path of an address may be told alone, but shorter ones than this say nothing.
_TELLING_PATH = 8
_ADDRESS = re.compile(r"\w+://(?:[^/?#@:]*(?::(?P<password>[^/?#]*))?@)?[^/?#]+(?P<path>.*)", re.DOTALL)


def redactor(notifier: Notifier) -> Callable[[str], str]:
    """A function that puts :data:`REDACTED` in the place of every secret in a text.

    It has to see the text before that is shortened: it does not know a part of a secret.
    """
    forms = {form for secret in _secrets(notifier) for form in _forms(secret) if form}
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: pattern.sub(REDACTED, text)


def prefix(notifier: Notifier) -> str:
    """What errors begin with; an inline target in it may be a secret."""
    return f"{notifier.type}:{notifier.id}: "


def _secrets(notifier: Notifier) -> Iterator[str]:
    for key in NOTIFIER_TYPES[notifier.type]:
        value = notifier.options[key.name]
        if key.secret and isinstance(value, Mapping):
            yield from value.values()
        elif key.secret and value:
            yield str(value)
        elif isinstance(value, str):
            yield _password(value)
    if notifier.type is NotifierType.SMTP and (password := optional_text(notifier, "password")):
        plain = f"\0{notifier.options['username']}\0{password}"
        yield from (b64encode(word.encode(errors="replace")).decode() for word in (password, plain))


def _password(address: str) -> str:
    """The password in an address; empty if there is none, or if it is no address."""
    match = _ADDRESS.fullmatch(address)
    return match["password"] or "" if match else ""


def _forms(secret: str) -> Iterator[str]:
    """A secret and the ways in which programs write it; of an address also what is secret in it."""
    parts = [secret]
    if match := _ADDRESS.fullmatch(secret):
        path = match["path"]
        parts += [_password(secret), path if len(path) >= _TELLING_PATH else ""]
    for part in parts:
        yield part
        yield repr(part)[1:-1]
        yield json.dumps(part)[1:-1]
        yield quote(part, safe="", errors="replace")
        yield quote(part, safe=":/?&=%", errors="replace")
