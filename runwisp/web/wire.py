"""Resources as JSON.

A resource is an attrs class; the annotation of a field says how its value is written. A ``UnixMs`` becomes a
time of RFC 3339, ``Seconds`` a number without needless decimals, an enumeration its word, a stream its name
in lower case, everything else what it is.
"""

from __future__ import annotations

import json
from typing import Any

from cattrs import Converter

from runwisp.model import Seconds, Stream, UnixMs
from runwisp.units import format_time

_CONVERTER = Converter()
_CONVERTER.register_unstructure_hook(UnixMs, format_time)
_CONVERTER.register_unstructure_hook(Seconds, lambda span: int(span) if span == int(span) else span)
_CONVERTER.register_unstructure_hook(Stream, lambda stream: stream.name.lower())

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def plain(resource: object) -> Any:  # Any: JSON of any shape
    """``resource`` as what :func:`json.dumps` takes."""
    return _CONVERTER.unstructure(resource)


def to_json(resource: object) -> bytes:
    """``resource`` as JSON on one line, in UTF-8; half of a surrogate pair becomes a question mark."""
    return _encode(plain(resource)).encode("utf-8", "replace")
