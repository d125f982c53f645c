"""Times as the terminal shows them (spec: interfaces, times)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from runwisp.model import UnixMs


def absolute(moment: UnixMs, zone: tzinfo) -> str:
    """``2026-03-02 02:00:00`` in that zone."""
    return f"{datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def until(moment: UnixMs, now: UnixMs, zone: tzinfo) -> str:
    """When the next run is: ``02:00:00 (in 4m)``."""
    at = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone)
    return f"{at:%H:%M:%S} (in {span(max(0, moment - now) / 1000)})"


def span(seconds: float) -> str:
    """How long, in one or two units: ``45s``, ``4m``, ``2h5m``, ``3d``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    major, minor, names = (hours, minutes, "hm") if hours < 24 else (hours // 24, hours % 24, "dh")
    return f"{major}{names[0]}{minor}{names[1]}" if minor else f"{major}{names[0]}"
