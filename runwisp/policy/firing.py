"""When a schedule fires: local times of a zone mapped to instants (spec: runtime, schedules).

A local time exists once, not at all (clocks were set forward) or twice (set back). Which of the three it is
can be read from its UTC offsets, so the fate of a slot depends on nothing that happened before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from zoneinfo import ZoneInfo

from attrs import frozen

from runwisp.config.cron import Schedule
from runwisp.model import UnixMs

_SECOND = timedelta(seconds=1)


class Fate(Enum):
    RUN = "run"
    #: The second copy of a wall-clock time that came back when clocks were set back: recorded, not executed.
    DST_SKIPPED = "dst_skipped"


@frozen
class Slot:
    """A planned instant of a schedule and what is to happen then."""

    at: UnixMs
    fate: Fate


def next_slot(schedule: Schedule, zone: str, after: UnixMs, anchor: UnixMs) -> Slot | None:
    """The first slot strictly later than ``after``; None if there is none within decades.

    :param zone: name in the zone database; without meaning for ``@every``
    :param anchor: where the intervals of ``@every`` are counted from; its first slot is one interval later
    """
    if schedule.every is not None:
        step = round(schedule.every * 1000)
        number = max((after - anchor) // step, 0) + 1
        return Slot(UnixMs(anchor + number * step), Fate.RUN)
    return _next_local(schedule, _zone(zone), after // 1000)


def slots_between(
    schedule: Schedule, zone: str, after: UnixMs, until: UnixMs, anchor: UnixMs
) -> Iterator[Slot]:
    """The slots in (after, until], in order."""
    while (slot := next_slot(schedule, zone, after, anchor)) is not None and slot.at <= until:
        yield slot
        after = slot.at


def next_run(schedule: Schedule, zone: str, after: UnixMs, anchor: UnixMs) -> UnixMs | None:
    """The first slot strictly later than ``after`` that is executed (spec: runtime, next run)."""
    while (slot := next_slot(schedule, zone, after, anchor)) is not None:
        if slot.fate is Fate.RUN:
            return slot.at
        after = slot.at
    return None


@frozen
class _Change:
    """Clocks are set at the Unix second ``at``: local times in [start, end) come twice, or never."""

    at: int
    start: datetime
    end: datetime
    is_repeat: bool


@cache
def _zone(name: str) -> ZoneInfo:
    """Kept for good: ZoneInfo itself forgets all but a few and reads the file again."""
    return ZoneInfo(name)


def _next_local(schedule: Schedule, zone: ZoneInfo, after: int) -> Slot | None:
    """:func:`next_slot` of a cron expression; ``after`` in Unix seconds."""
    here = datetime.fromtimestamp(after, zone)
    local = here.replace(tzinfo=None)
    change = _change_at(zone, local)
    if change is not None:
        # Only a repeated time can be on a clock. Slots of the second pass come before those that follow it.
        if here.fold == 0:
            slot = next(schedule.local_slots(local), None)
            if slot is not None and slot < change.end:
                return _slot(zone, slot)
            local = change.start - _SECOND
        slot = next(schedule.local_slots(local), None)
        if slot is not None and slot < change.end:
            fate = Fate.DST_SKIPPED if schedule.is_wall_clock else Fate.RUN
            return _slot(zone, slot.replace(fold=1), fate)
    while (slot := next(schedule.local_slots(local), None)) is not None:
        change = _change_at(zone, slot)
        if change is None or change.is_repeat:
            return _slot(zone, slot)
        if schedule.is_wall_clock:
            return Slot(UnixMs(change.at * 1000), Fate.RUN)
        local = change.end - _SECOND
    return None


def _slot(zone: ZoneInfo, local: datetime, fate: Fate = Fate.RUN) -> Slot:
    return Slot(UnixMs(_instant(zone, local) * 1000), fate)


def _instant(zone: ZoneInfo, local: datetime) -> int:
    """Unix seconds of a local time: the first copy or, if its ``fold`` is 1, the second."""
    return int(local.replace(tzinfo=zone).timestamp())


def _change_at(zone: ZoneInfo, local: datetime) -> _Change | None:
    """The change of clocks that makes ``local`` exist twice or never; None if it exists once."""
    first, second = _instant(zone, local.replace(fold=0)), _instant(zone, local.replace(fold=1))
    if first == second:
        return None
    early, late = sorted((first, second))
    offset = datetime.fromtimestamp(late, zone).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    before = datetime.fromtimestamp(early, zone).replace(tzinfo=None, fold=0) + _SECOND
    behind = datetime.fromtimestamp(late, zone).replace(tzinfo=None, fold=0)
    return _Change(late, min(before, behind), max(before, behind), is_repeat=behind < before)
