"""Which answers are compressed, and how (spec: rest, dashboard)."""

from __future__ import annotations

import gzip
import re

#: Below that many bytes an answer fits into one packet anyway.
SMALLEST = 1024

#: Level 1 takes a third of the time of level 6 and leaves little more.
_LEVEL = 1

_CODING = re.compile(r"\s*([a-z*-]+)\s*(?:;\s*q\s*=\s*(\d(?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


def accepts_gzip(accept_encoding: str | None) -> bool:
    """True if the header of a request allows for gzip."""
    weights = {}
    for part in (accept_encoding or "").split(","):
        if coding := _CODING.fullmatch(part):
            weights[coding[1].lower()] = float(coding[2] or 1)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def is_compressible(media_type: str) -> bool:
    """True for text of all kinds; images and fonts are small already."""
    kind = media_type.partition(";")[0]
    return kind.startswith("text/") or kind.endswith(("json", "javascript", "+xml", "/manifest"))


def compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
