"""Requests and letters as the other side reads them."""

from __future__ import annotations

import email
import json
from email.message import EmailMessage
from email.policy import default
from typing import Any
from urllib.parse import parse_qs

from runwisp.notify.request import HttpRequest, Letter


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


def read(letter: Letter) -> EmailMessage:
    """A letter without defects and with each header once."""
    parsed = email.message_from_bytes(letter.content, policy=default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    assert len(set(parsed.keys())) == len(parsed.keys())
    return parsed


def parts_of(letter: Letter) -> tuple[str, str]:
    """The plain text and the HTML of a letter that has both."""
    plain, html = read(letter).iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content_charset() == html.get_content_charset() == "utf-8"
    return plain.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def text_of(letter: Letter) -> str:
    """The body of a letter that is nothing but text."""
    parsed = read(letter)
    assert (parsed.get_content_type(), parsed.get_content_charset()) == ("text/plain", "utf-8")
    content = parsed.get_content()
    assert isinstance(content, str)
    return content
