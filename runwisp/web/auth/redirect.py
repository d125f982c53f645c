"""Where a browser goes after it has redeemed its ticket (spec: rest, launch tickets)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

_HOME = "/"
#: Neither a backslash, which browsers take for a slash, nor what they drop from an address.
_OWN_PATH = re.compile(r"/(?!/)[^\\\x00-\x1f\x7f]*")


def clean(redirect: str) -> str:
    """The path of ``redirect`` for a ``Location``; ``/`` where a browser might understand another host."""
    if not _OWN_PATH.fullmatch(redirect):
        return _HOME
    path = urlsplit(redirect).path
    return (
        quote(path, safe="/%:@!$&'()*+,;=~", errors="replace")
        if _OWN_PATH.fullmatch(unquote(path))
        else _HOME
    )
