"""Random cron expressions together with the numbers that they stand for, worked out term by term."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen
from hypothesis import strategies as st

_MONTHS = ("", "jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "MON", "Tue", "wed", "thu", "fri", "sat")


@frozen
class Part:
    """One field: its text and its numbers; Sunday is 0."""

    text: str
    numbers: frozenset[int]


@frozen
class Expression:
    second: Part
    minute: Part
    hour: Part
    day: Part
    month: Part
    weekday: Part

    @property
    def text(self) -> str:
        fields = [self.minute, self.hour, self.day, self.month, self.weekday]
        if self.second.text:
            fields.insert(0, self.second)
        return " ".join(field.text for field in fields)

    def has_day(self, moment: datetime) -> bool:
        in_month = moment.day in self.day.numbers
        in_week = moment.isoweekday() % 7 in self.weekday.numbers
        starred = self.day.text[0] in "*?" or self.weekday.text[0] in "*?"
        day = (in_month and in_week) if starred else (in_month or in_week)
        return day and moment.month in self.month.numbers

    def matches(self, moment: datetime) -> bool:
        return (
            moment.second in self.second.numbers
            and moment.minute in self.minute.numbers
            and moment.hour in self.hour.numbers
            and self.has_day(moment)
        )

    def first_after(self, after: datetime, days: int) -> datetime | None:
        """The first matching local time later than ``after``, looked for over ``days`` days."""
        midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for offset in range(days):
            day = midnight + timedelta(days=offset)
            if not self.has_day(day):
                continue
            for hour in sorted(self.hour.numbers):
                if day.replace(hour=hour, minute=59, second=59) <= after:
                    continue
                for minute in sorted(self.minute.numbers):
                    for second in sorted(self.second.numbers):
                        moment = day.replace(hour=hour, minute=minute, second=second)
                        if moment > after:
                            return moment
        return None


def _stepped(first: int, last: int, step: int) -> set[int]:
    return {number for number in range(first, last + 1) if (number - first) % step == 0}


@st.composite
def _term(draw: st.DrawFn, low: int, high: int, words: Iterable[str], stars: str) -> tuple[str, set[int]]:
    names = dict(enumerate(words))

    def spelled(number: int) -> str:
        name = names.get(number, "")
        return name if name and draw(st.booleans()) else str(number)

    step = draw(st.integers(1, high + 2))
    first = draw(st.integers(low, high - 1))
    # Not N-N: cronsim takes N-N/STEP for N/STEP.
    last = draw(st.integers(first + 1, high))
    kind = draw(st.sampled_from(["number", "range", "range step", "number step", "star", "star step"]))
    match kind:
        case "number":
            return spelled(last), {last}
        case "range":
            return f"{spelled(first)}-{spelled(last)}", _stepped(first, last, 1)
        case "range step":
            return f"{spelled(first)}-{spelled(last)}/{step}", _stepped(first, last, step)
        case "number step":
            return f"{spelled(last)}/{step}", _stepped(last, high, step)
        case "star":
            return draw(st.sampled_from(stars)), _stepped(low, high, 1)
        case _:
            return f"{draw(st.sampled_from(stars))}/{step}", _stepped(low, high, step)


@st.composite
def _part(
    draw: st.DrawFn, low: int, high: int, words: Iterable[str] = (), stars: str = "*?", terms: int = 3
) -> Part:
    drawn = draw(st.lists(_term(low, high, words, stars), min_size=1, max_size=terms))
    numbers: set[int] = set().union(*(numbers for _, numbers in drawn))
    return Part(",".join(text for text, _ in drawn), frozenset(numbers))


def expressions(stars: str = "*?", terms: int = 3) -> st.SearchStrategy[Expression]:
    """Expressions of five and six fields, some of which never fire; ``stars`` are the wildcards in use."""

    def part(low: int, high: int, words: Iterable[str] = ()) -> st.SearchStrategy[Part]:
        return _part(low, high, words, stars, terms)

    weekday = part(0, 7, _WEEKDAYS).map(
        lambda drawn: Part(drawn.text, frozenset(number % 7 for number in drawn.numbers))
    )
    return st.builds(
        Expression,
        second=st.one_of(st.just(Part("", frozenset({0}))), part(0, 59)),
        minute=part(0, 59),
        hour=part(0, 23),
        day=part(1, 31),
        month=part(1, 12, _MONTHS),
        weekday=weekday,
    )
