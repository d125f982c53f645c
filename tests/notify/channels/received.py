"""Requests as the other side reads them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from runwisp.notify.request import HttpRequest


# Any: JSON is what the channel has made of it.
def json_of(request: HttpRequest) -> Any:
    """The body, which has to be JSON that says so."""
    assert request.method == "POST"
    assert request.headers["User-Agent"] == "runwisp-notify/1"
    assert request.headers["Content-Type"].startswith("application/json")
    return json.loads(request.body.decode())


def form_of(request: HttpRequest) -> dict[str, str]:
    """The fields of a form, of which each has to be there once."""
    assert request.method == "POST"
    assert request.headers["User-Agent"] == "runwisp-notify/1"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(request.body.decode("ascii"), strict_parsing=True, errors="strict")
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
