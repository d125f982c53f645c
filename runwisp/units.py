"""Durations, sizes, moments and ids as text (spec: config, values; runtime, identifiers).

Pure conversions without I/O. The clock is an argument wherever one is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from runwisp.model import Bytes, RunId, Seconds, UnixMs

_DURATION_UNITS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "μs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "w": Decimal(604800),
}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)", re.ASCII)
_DURATION = re.compile(r"([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)", re.ASCII)

_SIZE_FACTORS = {"": 1, "b": 1, **{u + s: 1024**n for n, u in enumerate("kmgt", 1) for s in ("", "b", "ib")}}
_SIZE = re.compile(r"\s*(\d+|\d+\.\d*|\.\d+)\s*([a-z]*)\s*", re.ASCII | re.IGNORECASE)
_SIZE_LIMIT = 2**63

DURATION_EXAMPLES = '"2h30m", "2d", "1w"'
SIZE_EXAMPLES = '"10MB", "512kb"'


def parse_duration(text: str) -> Seconds:
    """Seconds of a duration such as ``1h30m``; may be negative.

    :raises ValueError: if ``text`` is not a duration
    """
    if text == "0":
        return Seconds(0.0)
    whole = _DURATION.fullmatch(text)
    if whole is None:
        raise ValueError(f"{text!r} is not a duration; write it like {DURATION_EXAMPLES}")
    total = sum(
        (Decimal(number) * _DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(whole[2])),
        Decimal(0),
    )
    return Seconds(float(-total if whole[1] == "-" else total))


def format_duration(seconds: float) -> str:
    """A duration for people: ``812ms``, ``4.2s``, ``3m12s``, ``2h5m`` (spec: interfaces, times)."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds < 0.9995 else "1.0s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60}s"
    return f"{whole // 3600}h{whole % 3600 // 60}m"


def parse_size(text: str) -> Bytes:
    """Bytes of a size such as ``10MB``; units are powers of 1024.

    :raises ValueError: if ``text`` is not a size below 2**63 bytes
    """
    match = _SIZE.fullmatch(text)
    factor = _SIZE_FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None or ("." in match[1] and not match[2]):
        raise ValueError(f"{text!r} is not a size; write it like {SIZE_EXAMPLES}")
    size = int(Decimal(match[1]) * factor)
    if size >= _SIZE_LIMIT:
        raise ValueError(f"{text!r} is too large a size; the limit is 8 EB")
    return Bytes(size)


def format_size(size: int) -> str:
    """A size for people: the largest unit not above it, one decimal unless whole (``1.5 KB``)."""
    unit, factor = "B", 1
    for name, power in (("KB", 1), ("MB", 2), ("GB", 3), ("TB", 4)):
        if size >= 1024**power:
            unit, factor = name, 1024**power
    value = size / factor
    return f"{int(value)} {unit}" if value == int(value) else f"{value:.1f} {unit}"


def format_time(moment: UnixMs) -> str:
    """RFC 3339, UTC, with milliseconds: text order is time order."""
    seconds, ms = divmod(moment, 1000)
    return f"{_to_the_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    """Most moments that are written are of the present second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_time(text: str) -> UnixMs:
    """The moment written as RFC 3339 with an offset.

    :raises ValueError: if ``text`` is not such a time
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    delta = moment - epoch
    return UnixMs((delta.days * 86400 + delta.seconds) * 1000 + delta.microseconds // 1000)


def now_ms(wall: Callable[[], float]) -> UnixMs:
    """The wall clock's time."""
    return UnixMs(int(wall() * 1000))


class RunIds:
    """ULIDs that rise strictly within the process, also while the wall clock stands still or steps back."""

    def __init__(self, wall: Callable[[], float]) -> None:
        # It takes as long to import as all that `runwisp list` does, and only who makes runs needs it.
        from ulid import ULIDGenerator

        self._wall = wall
        self._last_ms = 0
        self._generator = ULIDGenerator(clock=self._rising_ms)

    def __call__(self) -> RunId:
        return RunId(str(self._generator.generate()))

    def _rising_ms(self) -> int:
        self._last_ms = max(self._last_ms, int(self._wall() * 1000))
        return self._last_ms
