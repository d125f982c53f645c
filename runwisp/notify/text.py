"""Words for moments and spans of time, and text without what could disturb those around it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from runwisp.model import UnixMs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The daemon's locale must not decide about the language of a message.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SURROGATES = re.compile("[\ud800-\udfff]")
#: Characters that turn the order of what follows them, here or in the text of somebody else.
_REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_AND_NEWLINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def encodable(text: str) -> str:
    """``text`` with a replacement character for each lone surrogate, so that UTF-8 can hold it."""
    return _SURROGATES.sub("\ufffd", text)


def line(text: str) -> str:
    """``text`` as one line: a blank for each control character, and nothing that turns its direction."""
    return _REORDERING.sub("", _CONTROLS_AND_NEWLINES.sub(" ", encodable(text)))


def lines(text: str) -> str:
    """The same for a text of several lines, which keeps its newlines and tabs."""
    return _REORDERING.sub("", _CONTROLS.sub(" ", encodable(text)))


def moment(at: UnixMs, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def human_time(at: datetime) -> str:
    """``14 May, 17:11``, in the zone of ``at``."""
    return f"{at.day} {_MONTHS[at.month - 1]}, {at:%H:%M}"


def rfc3339(at: datetime) -> str:
    """RFC 3339 with milliseconds and the offset of the zone of ``at``."""
    return at.isoformat(timespec="milliseconds")


def human_duration(seconds: float) -> str:
    """``0s``, ``0.3s``, ``12s``, ``2m 30s``, ``1h 15m`` (spec: notifications, building blocks)."""
    if seconds <= 0:
        return "0s"
    if seconds < 0.95:
        return f"{max(seconds, 0.1):.1f}s"
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return _pair(whole // 60, "m", whole % 60, "s")
    return _pair(whole // 3600, "h", whole % 3600 // 60, "m")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit} {small}{small_unit}" if small else f"{large}{large_unit}"
