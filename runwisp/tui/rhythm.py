"""How often a notification has come, in words (spec: interfaces, notification rhythm)."""

from __future__ import annotations

from runwisp.client.resources import Notice
from runwisp.model import UnixMs

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_WEEK, _MONTH, _YEAR = 7 * _DAY, 30 * _DAY, 365 * _DAY


def rhythm(notice: Notice, now: UnixMs) -> str:
    """``3× in the last hour, latest 5m ago``."""
    latest = since(notice.last_occurred_at, now)
    if notice.count <= 1:
        return latest
    times = f"{notice.count}×"
    oldest = min(notice.occurrences, default=None)
    if oldest is not None and now - oldest <= _HOUR:
        return f"{times} in the last hour, latest {latest}"
    if oldest is not None and now - oldest <= _DAY:
        return f"{times} today, latest {latest}"
    age = now - notice.created_at
    if age >= _WEEK:
        return f"{times} since {since(notice.created_at, now)}, latest {latest}"
    return f"{times} over {_span(age)}, latest {latest}"


def since(moment: UnixMs, now: UnixMs) -> str:
    """How long ago, as notifications say it."""
    passed = now - moment
    if passed < 30 * _SECOND:
        return "just now"
    if _DAY <= passed < 2 * _DAY:
        return "yesterday"
    units = [(_YEAR, "y"), (_MONTH, "mo"), (_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (_SECOND, "s")]
    size, name = next((size, name) for size, name in units if passed >= size)
    return f"{passed // size}{name} ago"


def _span(span: int) -> str:
    """How long; a week and more is told otherwise."""
    if span >= _DAY:
        return f"{span // _DAY}d"
    return f"{span // _HOUR}h" if span >= _HOUR else f"{max(1, span // _MINUTE)}m"
