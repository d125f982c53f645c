"""Takes the secrets of a notifier out of what is told about it (spec: notifications, redaction)."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, urlsplit

from runwisp.config.notify_fields import NOTIFIER_TYPES
from runwisp.config.settings import Notifier, NotifierType

REDACTED = "[redacted]"
#: The path of an address may be told alone, but shorter ones than this say nothing.
_TELLING_PATH = 8


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
        if not key.secret or not value:
            continue
        if isinstance(value, Mapping):
            yield from value.values()
        else:
            yield str(value)
    if notifier.type is NotifierType.SMTP and (password := notifier.options["password"]):
        plain = f"\0{notifier.options['username']}\0{password}"
        yield from (b64encode(word.encode(errors="replace")).decode() for word in (str(password), plain))


def _forms(secret: str) -> Iterator[str]:
    """A secret and the ways in which programs write it; of an address also what stands behind the host."""
    places = [secret]
    if "://" in secret:
        address = urlsplit(secret)
        path = secret.partition(address.netloc)[2]
        if len(path) >= _TELLING_PATH:
            places.append(path)
    for place in places:
        yield place
        yield repr(place)[1:-1]
        yield json.dumps(place)[1:-1]
        yield quote(place, safe="", errors="replace")
        yield quote(place, safe=":/?&=%", errors="replace")
