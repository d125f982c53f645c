"""The text of a schedule -> :class:`Schedule` (spec: config, cron grammar).

The grammar is checked here, strictly, and brought to plain lists of numbers. croniter then walks naive local
time, where no clock is ever changed: it is wrong about zones, reads ``5-5`` as the whole field and joins
``*/2`` days with weekdays by "or". What a local time means in a zone is decided in
:mod:`runwisp.policy.firing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from runwisp.model import Seconds
from runwisp.units import parse_duration

if TYPE_CHECKING:
    from croniter import croniter

CRON_EXAMPLES = (
    'write five fields ("30 4 * * 1-5"), six fields with the seconds first ("*/20 * * * * *")'
    ' or an @ form ("@every 15m")'
)

_MAX_INTERVAL_S = 36_500 * 86_400
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAYS_IN_MONTH = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1))
_WORD = re.compile(r"[^ \t\r\n]+")
_TERM = re.compile(r"(?:(?P<any>[*?])|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,9}))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@frozen
class _Field:
    """A field's name and limits, and the words that stand for its numbers."""

    name: str
    low: int
    high: int
    words: Mapping[str, int] = {}

    def number(self, text: str) -> int:
        value = self.words.get(text.lower())
        if value is None:
            if not _NUMBER.fullmatch(text):
                raise ValueError(f"the {self.name} cannot be {text!r}")
            value = int(text)
        if not self.low <= value <= self.high:
            raise ValueError(f"the {self.name} {text} is not within {self.low}-{self.high}")
        return value


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTH_NAMES, 1)})
_WEEKDAY_NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: 7 is Sunday like 0; a range or step may run up to it.
_WEEKDAY = _Field("day of week", 0, 7, {name: number for number, name in enumerate(_WEEKDAY_NAMES)})
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@frozen
class Schedule:
    """When something fires, without a zone: a cron expression, or an interval if ``every`` is set.

    ``zone`` is the name in the prefix ``CRON_TZ=`` or ``TZ=``, as it was written and not looked up.
    ``is_wall_clock`` tells a job that names its minutes and hours from one that follows real time (spec:
    runtime, daylight saving).
    """

    text: str
    zone: str | None
    every: Seconds | None
    is_wall_clock: bool
    #: The fields in croniter's words; None for an interval.
    _fields: str | None = field(default=None, repr=False)
    _day_or: bool = field(default=True, repr=False)

    def local_slots(self, after: datetime) -> Iterator[datetime]:
        """The matching local times strictly after ``after``, naive, whole seconds; none for an interval."""
        if self._fields is None:
            return
        from croniter import CroniterBadDateError

        # A copy has a position of its own, so walks in several threads do not meet.
        walk = copy(self._engine)
        walk.set_current(after)
        with suppress(CroniterBadDateError):
            while True:
                yield walk.get_next()

    @cached_property
    def _engine(self) -> croniter:
        """Kept because making one costs as much as three steps of it."""
        from croniter import croniter

        return croniter(self._fields, 0.0, datetime, day_or=self._day_or, second_at_beginning=True)


@lru_cache(maxsize=2048)
def parse(text: str) -> Schedule:
    """The schedule that ``text`` describes.

    :raises ValueError: if it is none or can never fire; the message is one line with examples
    """
    try:
        return _parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a schedule: {error}; {CRON_EXAMPLES}") from None


def _parse(text: str) -> Schedule:
    words = _WORD.findall(text)
    zone = None
    if words and (prefix := re.fullmatch(r"(?:CRON_)?TZ=(.*)", words[0])):
        zone = prefix[1]
        if not zone:
            raise ValueError(f"{words[0]} names no zone")
        del words[0]
    if not words:
        raise ValueError("there are no fields")
    if words[0] == "@every":
        return Schedule(text, zone, _interval(words[1:]), is_wall_clock=False)
    if words[0].startswith("@"):
        words = _alias(words).split()
    if len(words) not in (5, 6):
        raise ValueError(f"{len(words)} field{'' if len(words) == 1 else 's'} instead of five or six")
    return _expression(text, zone, words if len(words) == 6 else ["0", *words])


def _interval(words: list[str]) -> Seconds:
    text = " ".join(words)
    with suppress(ValueError):
        seconds = parse_duration(text)
        if not set(text) & set("dw") and 1 <= seconds <= _MAX_INTERVAL_S and seconds % 1 == 0:
            return seconds
    raise ValueError(f"@every takes a duration of whole seconds, at least 1s, in units up to h, not {text!r}")


def _alias(words: list[str]) -> str:
    name = " ".join(words)
    if name == "@reboot":
        raise ValueError('instead of @reboot set run_on_start = "boot"')
    if name not in _ALIASES:
        raise ValueError(f"unknown form {name}")
    return _ALIASES[name]


def _expression(text: str, zone: str | None, words: list[str]) -> Schedule:
    second, minute, hour, day, month, weekday = map(_values, _FIELDS, words)
    is_both = words[3][0] in "*?" or words[5][0] in "*?"
    has_date = min(day) <= max(_DAYS_IN_MONTH[number] for number in month)
    every_day, every_weekday = set(range(1, 32)), set(range(7))
    if is_both and not has_date:
        raise ValueError("it never fires, no month given has such a day")
    if not has_date:
        # The weekday is left; croniter would look fifty years ahead for the date at every step.
        day = every_day
        is_both = True
    elif not is_both and (day == every_day or weekday == every_weekday):
        # croniter takes a complete field for a star and would then ask for the other one alone.
        day, weekday = every_day, every_weekday
    fields = [
        _joined(minute, 60),
        _joined(hour, 24),
        _joined(day, 31),
        _joined(month, 12),
        _joined(weekday, 7),
    ]
    if second != {0}:
        fields.insert(0, _joined(second, 60))
    is_wall_clock = not set(words[1] + words[2]) & set("*?/")
    return Schedule(text, zone, None, is_wall_clock, " ".join(fields), day_or=not is_both)


def _joined(values: set[int], complete: int) -> str:
    return "*" if len(values) == complete else ",".join(map(str, sorted(values)))


def _values(of: _Field, text: str) -> set[int]:
    """All numbers that the comma list ``text`` stands for; Sunday is 0."""
    values: set[int] = set()
    for term in text.split(","):
        match = _TERM.fullmatch(term)
        if match is None:
            raise ValueError(
                f"the {of.name} {term!r} is not one of *, N, N-M, these with /STEP, or a list of them"
            )
        values.update(_range(of, match))
    return {number % 7 for number in values} if of is _WEEKDAY else values


def _range(of: _Field, match: re.Match[str]) -> range:
    first, last = of.low, of.high
    if not match["any"]:
        first = of.number(match["first"])
        if match["last"]:
            last = of.number(match["last"])
        elif not match["step"]:
            last = first
        if of is _WEEKDAY and last < first == 7:
            first = 0
        if last < first:
            hint = ", Sunday at its end is 7" if of is _WEEKDAY else ""
            raise ValueError(f"the {of.name} range {match[0]} runs backwards{hint}")
    step = int(match["step"] or 1)
    if step == 0:
        raise ValueError(f"the {of.name} has a step of 0 in {match[0]}")
    return range(first, last + 1, step)
