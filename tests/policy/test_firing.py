from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from runwisp.config.cron import Schedule, parse
from runwisp.model import UnixMs
from runwisp.policy.firing import Fate, Slot, next_run, next_slot, slots_between
from tests.config.expressions import Expression, expressions
from tests.policy.nights import ZONES, Night, nights, unix_ms

_BRATISLAVA = "Europe/Bratislava"
_SPRING = "2027-03-28"
_AUTUMN = "2026-10-25"
_ANCHOR = UnixMs(0)


def _in_bratislava(day: str, text: str) -> list[str]:
    """Local times from 01:45 until before 04:00 at which ``text`` fires; a skipped copy is in brackets."""
    zone = ZoneInfo(_BRATISLAVA)
    begin, end = (
        unix_ms(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone))
        for time in ("01:45", "03:59:59")
    )
    shown = []
    for slot in slots_between(parse(text), _BRATISLAVA, begin, end, anchor=begin):
        time = datetime.fromtimestamp(slot.at / 1000, zone).strftime("%H:%M %Z")
        shown.append(time if slot.fate is Fate.RUN else f"({time})")
    return shown


@pytest.mark.parametrize(
    ("day", "text", "slots"),
    [
        (_SPRING, "0 2 * * *", "03:00 CEST"),
        (_SPRING, "30 2 * * *", "03:00 CEST"),
        (_SPRING, "15,45 2 * * *", "03:00 CEST"),
        (_SPRING, "* 0-59 2 * * *", "03:00 CEST"),
        (_SPRING, "0 2,3 * * *", "03:00 CEST"),
        (_SPRING, "15 2,3 * * *", "03:00 CEST|03:15 CEST"),
        (_SPRING, "0 3 * * *", "03:00 CEST"),
        (_SPRING, "59 1 * * *", "01:59 CET"),
        (_SPRING, "*/15 2 * * *", ""),
        (_SPRING, "* * 2 * * *", ""),
        (_SPRING, "*/30 * * * *", "03:00 CEST|03:30 CEST"),
        (_SPRING, "10/20 * * * *", "01:50 CET|03:10 CEST|03:30 CEST|03:50 CEST"),
        (_AUTUMN, "30 2 * * *", "02:30 CEST|(02:30 CET)"),
        (_AUTUMN, "0,30 2 * * *", "02:00 CEST|02:30 CEST|(02:00 CET)|(02:30 CET)"),
        (_AUTUMN, "0 3 * * *", "03:00 CET"),
        (_AUTUMN, "59 1 * * *", "01:59 CEST"),
        (
            _AUTUMN,
            "*/15 2 * * *",
            "02:00 CEST|02:15 CEST|02:30 CEST|02:45 CEST|02:00 CET|02:15 CET|02:30 CET|02:45 CET",
        ),
        (_AUTUMN, "0 * * * *", "02:00 CEST|02:00 CET|03:00 CET"),
        (_AUTUMN, "@every 45m", "02:30 CEST|02:15 CET|03:00 CET|03:45 CET"),
    ],
)
def test_a_schedule_fires_so_when_clocks_are_set(day: str, text: str, slots: str) -> None:
    assert "|".join(_in_bratislava(day, text)) == slots


def test_every_ten_minutes_goes_on_after_the_gap() -> None:
    assert _in_bratislava(_SPRING, "*/10 * * * *")[:2] == ["01:50 CET", "03:00 CEST"]


def test_an_interval_is_counted_from_its_anchor_on_elapsed_time() -> None:
    schedule = parse("@every 90s")
    anchor = UnixMs(1_000_123)
    assert next_slot(schedule, "UTC", anchor, anchor) == Slot(UnixMs(1_090_123), Fate.RUN)
    assert next_slot(schedule, "UTC", UnixMs(1_090_122), anchor) == Slot(UnixMs(1_090_123), Fate.RUN)
    assert next_slot(schedule, "UTC", UnixMs(1_090_123), anchor) == Slot(UnixMs(1_180_123), Fate.RUN)
    assert next_slot(schedule, "UTC", UnixMs(5), anchor) == Slot(UnixMs(1_090_123), Fate.RUN)


def test_the_next_run_is_never_a_skipped_copy() -> None:
    zone = ZoneInfo(_BRATISLAVA)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=zone)
    following = datetime(2026, 10, 26, 2, 30, tzinfo=zone)
    schedule = parse("30 2 * * *")
    assert next_run(schedule, _BRATISLAVA, UnixMs(unix_ms(first) - 1), _ANCHOR) == unix_ms(first)
    assert next_run(schedule, _BRATISLAVA, unix_ms(first), _ANCHOR) == unix_ms(following)


def test_a_slot_is_later_than_a_moment_within_its_second() -> None:
    schedule = parse("* * * * * *")
    slot = Slot(UnixMs(1000), Fate.RUN)
    assert next_slot(schedule, "UTC", UnixMs(999), _ANCHOR) == slot
    assert next_slot(schedule, "UTC", UnixMs(1), _ANCHOR) == slot
    assert next_slot(schedule, "UTC", UnixMs(0), _ANCHOR) == slot


def test_the_second_copy_is_found_although_the_next_local_time_is_years_away() -> None:
    zone = ZoneInfo(_BRATISLAVA)
    after = datetime(2026, 10, 25, 2, 50, tzinfo=zone)
    schedule = parse("30 2 25 10 *")
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zone)
    assert next_slot(schedule, _BRATISLAVA, unix_ms(after), _ANCHOR) == Slot(
        unix_ms(second), Fate.DST_SKIPPED
    )


def _ours(text: str, night: Night) -> list[Slot]:
    begin, end = unix_ms(night.begin), unix_ms(night.end)
    return list(slots_between(parse(text), night.zone, begin, end, _ANCHOR))


#: A field's text, its numbers, and whether it names them; hours are relative to the change of clocks.
_MINUTES: list[tuple[str, set[int], bool]] = [
    ("30", {30}, True),
    ("0", {0}, True),
    ("0,15,59", {0, 15, 59}, True),
    ("25-35", set(range(25, 36)), True),
    ("*/20", {0, 20, 40}, False),
    ("10/25", {10, 35}, False),
]
_HOURS: list[tuple[str, set[int], bool]] = [
    ("{0}", {0}, True),
    ("{1}", {1}, True),
    ("{0},{1}", {0, 1}, True),
    ("*", set(range(24)), False),
]
_KINDS = list(product(_MINUTES, _HOURS))


def _at(hours: set[int], minutes: set[int]) -> Callable[[datetime], bool]:
    return lambda local: local.hour in hours and local.minute in minutes


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_of_every_night_has_its_fate(zone: str) -> None:
    for number, night in enumerate(nights(zone)):
        # The kinds take turns; two nights running, so that all meet both directions of the change.
        for (minute, minutes, names_minutes), (hour, offsets, names_hours) in _KINDS[number // 2 % 4 :: 4]:
            text = f"{minute} {hour.format(night.hour, (night.hour + 1) % 24)} * * *"
            hours = {(night.hour + offset) % 24 for offset in offsets}
            expected = night.slots(_at(hours, minutes), is_wall_clock=names_minutes and names_hours)
            assert _ours(text, night) == expected, (night, text)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("text", "is_wall_clock"), [("* * * * *", False), ("0-59 0-23 * * *", True)])
def test_a_slot_at_every_minute_has_one_fate(zone: str, text: str, is_wall_clock: bool) -> None:
    for night in nights(zone)[:4]:
        assert _ours(text, night) == night.slots(lambda local: True, is_wall_clock=is_wall_clock)


@pytest.mark.parametrize("zone", [_BRATISLAVA, "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    ("text", "is_wall_clock"), [("*/40 0,30 1-3 * * *", True), ("*/40 */30 1-3 * * *", False)]
)
def test_seconds_follow_the_same_rule(zone: str, text: str, is_wall_clock: bool) -> None:
    def matches(local: datetime) -> bool:
        return local.second in (0, 40) and local.minute in (0, 30) and local.hour in (1, 2, 3)

    for night in nights(zone)[:2]:
        expected = night.slots(matches, is_wall_clock=is_wall_clock, step=timedelta(seconds=1))
        assert _ours(text, night) == expected


_NIGHTS = st.sampled_from(sorted(ZONES)).flatmap(lambda zone: st.sampled_from(nights(zone)))


def _parsed(expression: Expression) -> Schedule:
    try:
        return parse(expression.text)
    except ValueError:
        reject()


@given(expressions(), _NIGHTS, st.floats(0, 1))
def test_the_next_slot_of_any_moment_is_the_next_of_the_night(
    expression: Expression, night: Night, part: float
) -> None:
    assume(not expression.second.text)
    schedule = _parsed(expression)
    begin, end = unix_ms(night.begin), unix_ms(night.end)
    after = UnixMs(begin + round((end - begin) * part))
    slots = night.slots(expression.matches, is_wall_clock=schedule.is_wall_clock)
    following = [slot for slot in slots if slot.at > after]
    slot = next_slot(schedule, night.zone, after, _ANCHOR)
    if following:
        assert slot == following[0]
    else:
        assert slot is None or slot.at > end


@given(expressions(stars="*"), st.integers(1_600_000_000_000, 2_800_000_000_000).map(UnixMs))
def test_in_utc_cronsim_agrees(expression: Expression, after: UnixMs) -> None:
    ours = slots_between(_parsed(expression), "UTC", after, UnixMs(2**52), _ANCHOR)
    theirs = CronSim(expression.text, datetime.fromtimestamp(after / 1000, UTC))
    assert list(islice(ours, 3)) == [Slot(unix_ms(moment), Fate.RUN) for moment in islice(theirs, 3)]
