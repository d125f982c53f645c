"""Headers of answers (spec: rest, answers; headers on every answer)."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

JSON = "application/json"
PROBLEM = "application/problem+json"
EVENT_STREAM = "text/event-stream"

_CONTENT_SECURITY_POLICY = "; ".join(
    [
        *("default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"),
        *("connect-src 'self'", "font-src 'self'", "object-src 'none'", "base-uri 'self'"),
        *("form-action 'self'", "frame-ancestors 'none'"),
    ]
)

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Content-Security-Policy", _CONTENT_SECURITY_POLICY),
)


def of_every_answer(is_tls: bool) -> Iterator[tuple[str, str]]:
    """The headers that harden every answer; ``is_tls`` where the daemon itself serves TLS."""
    yield from _ALWAYS
    if is_tls:
        yield "Strict-Transport-Security", "max-age=31536000"


def of_content(media_type: str, is_api: bool) -> Iterator[tuple[str, str]]:
    """The headers that follow from what the body is and whether the path is one of the API."""
    yield "Content-Type", media_type
    if media_type == EVENT_STREAM:
        yield "Cache-Control", "no-cache"
        # Proxies that follow nginx in this keep nothing back then.
        yield "X-Accel-Buffering", "no"
    elif is_api:
        yield "Cache-Control", "no-store"


#: Python has changed its mind about these.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Entity"}


def phrase(status: int) -> str:
    """The words that go with a status."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase
