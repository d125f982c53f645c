"""Nights on which clocks are set, and what a schedule does then, found by looking at every minute.

This knows nothing of ``fold`` or of the length of a change: a minute of UTC has a local time, and a local
time that was seen before has come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from attrs import frozen

from runwisp.model import UnixMs
from runwisp.policy.firing import Fate, Slot

#: Zones and the first year looked at; some have set no clock for years.
ZONES = {
    "Europe/Bratislava": 2020,
    "America/New_York": 2020,
    "Australia/Lord_Howe": 2020,
    "America/St_Johns": 2020,
    "Africa/Casablanca": 2020,
    "Asia/Tehran": 2015,
    "America/Sao_Paulo": 2010,
    "Pacific/Apia": 2010,
    "Atlantic/Azores": 2020,
    "Europe/Dublin": 2020,
    "Antarctica/Troll": 2020,
    "UTC": 2020,
}
LAST_YEAR = 2040


@frozen
class Night:
    """Clocks of ``zone`` are set at ``change``; ``shift`` is by how much they go forward."""

    zone: str
    change: datetime
    shift: timedelta

    @property
    def begin(self) -> datetime:
        return self.change - abs(self.shift) - timedelta(hours=1)

    @property
    def end(self) -> datetime:
        return self.change + abs(self.shift) + timedelta(hours=1)

    @property
    def hour(self) -> int:
        """The hour that the clocks show just before they are set."""
        return (self.change - timedelta(minutes=1)).astimezone(ZoneInfo(self.zone)).hour

    def locals(self, step: timedelta = timedelta(minutes=1)) -> Iterator[tuple[datetime, datetime]]:
        """Every instant of the night with the local time, which is naive."""
        zone = ZoneInfo(self.zone)
        moment = self.begin
        while moment <= self.end:
            yield moment, moment.astimezone(zone).replace(tzinfo=None, fold=0)
            moment += step

    def slots(
        self,
        matches: Callable[[datetime], bool],
        *,
        is_wall_clock: bool,
        step: timedelta = timedelta(minutes=1),
    ) -> list[Slot]:
        """What a schedule that names the local times of ``matches`` does later than ``begin``."""
        slots = []
        seen: set[datetime] = set()
        previous: datetime | None = None
        for moment, local in self.locals(step):
            skipped = _between(previous, local, step) if previous is not None else ()
            previous = local
            has_gap_slot = is_wall_clock and any(matches(time) for time in skipped)
            if matches(local) or has_gap_slot:
                is_again = is_wall_clock and local in seen
                slots.append(Slot(unix_ms(moment), Fate.DST_SKIPPED if is_again else Fate.RUN))
            seen.add(local)
        return [slot for slot in slots if slot.at > unix_ms(self.begin)]


def _between(previous: datetime, local: datetime, step: timedelta) -> Iterator[datetime]:
    time = previous + step
    while time < local:
        yield time
        time += step


def unix_ms(moment: datetime) -> UnixMs:
    return UnixMs(round(moment.timestamp() * 1000))


@cache
def nights(zone: str) -> tuple[Night, ...]:
    """Every change of clocks of the zone in the years looked at; for UTC, which has none, ordinary nights."""
    info = ZoneInfo(zone)
    found = []
    day = datetime(ZONES[zone], 1, 1, tzinfo=UTC)
    while day.year <= LAST_YEAR:
        following = day + timedelta(days=1)
        if day.astimezone(info).utcoffset() != following.astimezone(info).utcoffset():
            found.append(_night(zone, day, following))
        day = following
    ordinary = [Night(zone, datetime(2026, 3, day, 1, tzinfo=UTC), timedelta(0)) for day in range(20, 28)]
    return tuple(found or ordinary)


def _night(zone: str, before: datetime, after: datetime) -> Night:
    info = ZoneInfo(zone)
    first, last = before.astimezone(info).utcoffset(), after.astimezone(info).utcoffset()
    assert first is not None
    assert last is not None
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(info).utcoffset() == first:
            before = middle
        else:
            after = middle
    return Night(zone, after, last - first)
