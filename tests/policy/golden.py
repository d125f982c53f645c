"""The golden file of nights on which clocks are set: what every kind of schedule does in each of them.

``python -m tests.policy.golden`` writes it anew from the walk of :mod:`tests.policy.nights`, which looks at
every minute and shares nothing with the program. A line is a night: zone, begin and end in UTC, and for each
expression the minutes after the begin at which it fires, those of skipped copies being negative.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen

from runwisp.model import UnixMs
from runwisp.policy.firing import Fate, Slot
from tests.policy.nights import ZONES, Night, nights, unix_ms

FILE = Path(__file__).with_name("nights.jsonl")

#: Minute and hour fields, hours being relative to the one that the clocks show just before they are set; the
#: numbers that they name; and whether they name them one by one.
_KINDS = [
    ("30 {0}", {30}, {0}, True),
    ("30 {1}", {30}, {1}, True),
    ("0,15,59 {0},{1}", {0, 15, 59}, {0, 1}, True),
    ("20-24 {0}", set(range(20, 25)), {0}, True),
    ("20-24 {1}", set(range(20, 25)), {1}, True),
    ("5 *", {5}, None, False),
    ("*/20 {0}", {0, 20, 40}, {0}, False),
    ("*/20 {1}", {0, 20, 40}, {1}, False),
    ("*/30 *", {0, 30}, None, False),
]


@frozen
class Record:
    """A line of the file: the slots of several expressions in (begin, end]."""

    zone: str
    begin: UnixMs
    end: UnixMs
    slots: dict[str, list[Slot]]


def made() -> Iterator[str]:
    """The lines of the file, from the walk."""
    for zone in ZONES:
        for night in nights(zone):
            yield _line(night)


def recorded() -> Iterator[Record]:
    """The lines of the file as they are."""
    for line in FILE.read_text().splitlines():
        zone, begin, end, fired = json.loads(line)
        first = datetime.fromisoformat(begin)
        slots = {text: [_slot(first, minute) for minute in minutes] for text, minutes in fired.items()}
        yield Record(zone, unix_ms(first), unix_ms(datetime.fromisoformat(end)), slots)


def _line(night: Night) -> str:
    fired = {}
    for form, minutes, offsets, is_wall_clock in _KINDS:
        text = form.format(night.hour, (night.hour + 1) % 24) + " * * *"
        hours = set(range(24)) if offsets is None else {(night.hour + offset) % 24 for offset in offsets}

        def matches(local: datetime, minutes: set[int] = minutes, hours: set[int] = hours) -> bool:
            return local.minute in minutes and local.hour in hours

        fired[text] = [_minute(night, slot) for slot in night.slots(matches, is_wall_clock=is_wall_clock)]
    return json.dumps([night.zone, night.begin.isoformat(), night.end.isoformat(), fired])


def _minute(night: Night, slot: Slot) -> int:
    after = (slot.at - unix_ms(night.begin)) // 60_000
    return after if slot.fate is Fate.RUN else -after


def _slot(begin: datetime, minute: int) -> Slot:
    at = begin.astimezone(UTC) + timedelta(minutes=abs(minute))
    return Slot(unix_ms(at), Fate.RUN if minute > 0 else Fate.DST_SKIPPED)


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in made()))
