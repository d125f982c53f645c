"""Which answers are compressed."""

from __future__ import annotations

import gzip

import pytest

from runwisp.web.compression import accepts_gzip, compressed, is_compressible


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip ; q=1.000", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip, *;q=0", True),
        ("gzip;q=0, *", False),
        ("x-gzip, identity", False),
        ("gzip;level=9", False),
    ],
)
def test_gzip_is_sent_only_to_who_accepts_it(header: str | None, accepts: bool) -> None:
    assert accepts_gzip(header) == accepts


@pytest.mark.parametrize(
    ("media_type", "can_be"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("text/html; charset=utf-8", True),
        ("text/javascript", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("font/woff2", False),
        ("application/octet-stream", False),
    ],
)
def test_text_is_compressed_and_what_is_small_already_is_not(media_type: str, can_be: bool) -> None:
    assert is_compressible(media_type) == can_be


def test_the_same_body_is_always_compressed_to_the_same_bytes() -> None:
    body = b"line of text\n" * 1000
    assert compressed(body) == compressed(body)
    assert gzip.decompress(compressed(body)) == body
