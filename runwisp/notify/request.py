"""What goes out of the machine: HTTP requests and letters, ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from attrs import Attribute, field, frozen

from runwisp.notify.text import encodable

USER_AGENT = "runwisp-notify/1"


class CannotRender(Exception):
    """A message cannot be put into the form of its channel; trying again would not help."""


def _check_headers(
    request: object, attribute: Attribute[Mapping[str, str]], headers: Mapping[str, str]
) -> None:
    for name, value in headers.items():
        if set("\r\n\0") & set(name + value):
            raise CannotRender(f"the header {name!r} would not be a single line")


@frozen
class HttpRequest:
    """A request; everything but ``method`` may hold secrets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, validator=_check_headers)
    body: bytes = field(repr=False)


@frozen
class Letter:
    """A mail: who sends it, all who get it, as bare addresses, and what it is, lines and headers.

    Lines of ``content`` end as the transport of its type wants it: CRLF for SMTP, LF for sendmail.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def json_request(url: str, value: object, headers: Mapping[str, str] = {}) -> HttpRequest:
    """A POST of ``value``; ``headers`` come on top of what every request has."""
    body = encodable(json.dumps(value, ensure_ascii=False, allow_nan=False)).encode()
    return _post(url, "application/json; charset=utf-8", body, headers)


def form_request(url: str, fields: Mapping[str, str]) -> HttpRequest:
    """A POST of a form in UTF-8."""
    body = urlencode({name: encodable(value) for name, value in fields.items()}).encode()
    return _post(url, "application/x-www-form-urlencoded", body, {})


def _post(url: str, content_type: str, body: bytes, headers: Mapping[str, str]) -> HttpRequest:
    complete = {"User-Agent": USER_AGENT, "Content-Type": content_type}
    own = {name.lower() for name in headers}
    return HttpRequest(
        "POST",
        url,
        {name: complete[name] for name in complete if name.lower() not in own} | dict(headers),
        body,
    )
