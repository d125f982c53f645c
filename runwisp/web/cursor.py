"""Cursors: where the next page of a list begins, as opaque text (spec: rest, paging).

A cursor holds the sort key of the last item, so that items which come or go between two pages disturb no
other. It also holds a digest of what the list was asked for, and serves for the same list only.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import TypeVar

from runwisp.web.problem import Flaw, Problem, invalid

T = TypeVar("T")

#: The longest cursor that is read, in characters.
MAX_CURSOR = 512
_DIGEST_BYTES = 8


def write_cursor(scope: object, *key: str) -> str:
    """The cursor of the item with this sort key.

    :param scope: what tells the list from others, such as filters and order; its ``repr`` has to be stable
    """
    content = _digest(scope) + json.dumps(key, separators=(",", ":")).encode()
    return urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(text: str, scope: object, parse: Callable[..., T]) -> T:
    """What ``parse`` makes of the parts of the sort key.

    :param parse: raises ValueError or TypeError for parts that are no key of this list
    :raises Problem: 422, it is no cursor, or that of another list
    """
    try:
        content = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if content[:_DIGEST_BYTES] != _digest(scope):
            raise _refusal(text, "belongs to a list with other filters or another order")
        return parse(*json.loads(content[_DIGEST_BYTES:]))
    except (ValueError, TypeError):
        raise _refusal(text, "is no cursor of this list") from None


def _refusal(text: str, why: str) -> Problem:
    return invalid([Flaw(message=f"{why}; leave it out to begin anew", location="query.cursor", value=text)])


def _digest(scope: object) -> bytes:
    return hashlib.blake2b(repr(scope).encode(), digest_size=_DIGEST_BYTES).digest()
