from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from itertools import islice

import pytest
from cronsim import CronSim
from hypothesis import given, reject
from hypothesis import strategies as st

from runwisp.config.cron import CRON_EXAMPLES, Schedule, parse
from tests.config.expressions import Expression, expressions

# Local times without a zone are the subject here.
_NAIVE = st.datetimes(datetime(2020, 1, 1), datetime(2060, 12, 31))  # noqa: DTZ001
_START = datetime(2026, 11, 24, 12, 0, 30)  # noqa: DTZ001
#: Every date meets every weekday within this time, 29 February on a given weekday and 2100 included.
_LONGEST_WAIT_DAYS = 41 * 366


def _first(text: str, count: int, after: datetime = _START) -> list[str]:
    return [slot.isoformat(" ") for slot in islice(parse(text).local_slots(after), count)]


def _weekdays(text: str) -> str:
    """The days on which ``0 0 * * text`` fires in a week that begins on Sunday."""
    sunday = datetime(2026, 11, 29)  # noqa: DTZ001
    slots = islice(parse(f"0 0 * * {text}").local_slots(sunday - timedelta(seconds=1)), 7)
    return " ".join(f"{slot:%a}" for slot in slots if slot < sunday + timedelta(days=7))


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("30 4 * * *", ["2026-11-25 04:30:00", "2026-11-26 04:30:00"]),
        ("0 12 * * *", ["2026-11-25 12:00:00", "2026-11-26 12:00:00"]),
        ("1 12 * * *", ["2026-11-24 12:01:00", "2026-11-25 12:01:00"]),
        ("30 0 12 * * *", ["2026-11-25 12:00:30", "2026-11-26 12:00:30"]),
        ("31 0 12 * * *", ["2026-11-24 12:00:31", "2026-11-25 12:00:31"]),
        ("*/20 * * * * *", ["2026-11-24 12:00:40", "2026-11-24 12:01:00"]),
        ("0 */5 12 * * *", ["2026-11-24 12:05:00", "2026-11-24 12:10:00"]),
        ("?/30 ? ? ? ?", ["2026-11-24 12:30:00", "2026-11-24 13:00:00"]),
        ("5-5 * * * *", ["2026-11-24 12:05:00", "2026-11-24 13:05:00"]),
        ("5-5/10 * * * *", ["2026-11-24 12:05:00", "2026-11-24 13:05:00"]),
        ("50/5 23 * * *", ["2026-11-24 23:50:00", "2026-11-24 23:55:00"]),
        ("*/90 * * * *", ["2026-11-24 13:00:00", "2026-11-24 14:00:00"]),
        ("0 0 1 jan,JUL-aUg *", ["2027-01-01 00:00:00", "2027-07-01 00:00:00"]),
        ("0 0 31 * *", ["2026-12-31 00:00:00", "2027-01-31 00:00:00"]),
        ("0 0 */2 * 1", ["2026-12-07 00:00:00", "2026-12-21 00:00:00"]),
        ("0 0 1-31/2 * 1", ["2026-11-25 00:00:00", "2026-11-27 00:00:00"]),
        ("0 0 13 * 5", ["2026-11-27 00:00:00", "2026-12-04 00:00:00"]),
        ("0 0 1-31 * 5", ["2026-11-25 00:00:00", "2026-11-26 00:00:00"]),
        ("0 0 13 * 0-6", ["2026-11-25 00:00:00", "2026-11-26 00:00:00"]),
        ("0 0 30 2 1-2", ["2027-02-01 00:00:00", "2027-02-02 00:00:00"]),
        ("0 0 31 4 1", ["2027-04-05 00:00:00", "2027-04-12 00:00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 29 2 */7", ["2032-02-29 00:00:00", "2060-02-29 00:00:00"]),
        (" \t0  0\t1 1 *\n", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("@yearly", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("@annually", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("@monthly", ["2026-12-01 00:00:00", "2027-01-01 00:00:00"]),
        ("@weekly", ["2026-11-29 00:00:00", "2026-12-06 00:00:00"]),
        ("@daily", ["2026-11-25 00:00:00", "2026-11-26 00:00:00"]),
        ("@midnight", ["2026-11-25 00:00:00", "2026-11-26 00:00:00"]),
        ("@hourly", ["2026-11-24 13:00:00", "2026-11-24 14:00:00"]),
    ],
)
def test_an_expression_fires_at_these_local_times(text: str, slots: list[str]) -> None:
    assert _first(text, 2) == slots


def test_29_february_is_found_across_2100() -> None:
    assert _first("0 0 29 2 *", 1, datetime(2096, 3, 1)) == ["2104-02-29 00:00:00"]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("0-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("sun-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("5-7", "Sun Fri Sat"),
        ("fri-7", "Sun Fri Sat"),
        ("7-1", "Sun Mon"),
        ("7-2", "Sun Mon Tue"),
        ("0-2", "Sun Mon Tue"),
        ("7-7", "Sun"),
        ("7-4/2", "Sun Tue Thu"),
        ("7", "Sun"),
        ("7/2", "Sun"),
        ("*/7", "Sun"),
        ("1/2", "Sun Mon Wed Fri"),
        ("0,7", "Sun"),
        ("MON-fri", "Mon Tue Wed Thu Fri"),
        ("*/2", "Sun Tue Thu Sat"),
    ],
)
def test_7_is_sunday_and_the_end_of_the_week(text: str, days: str) -> None:
    assert _weekdays(text) == days


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no fields"),
        ("  ", "no fields"),
        ("*", "1 field instead"),
        ("* * * *", "4 fields instead"),
        ("0 0 0 1 1 * 2027", "7 fields instead"),
        ("60 * * * *", "minute 60 is not within 0-59"),
        ("60 * * * * *", "second 60 is not within 0-59"),
        ("* 24 * * *", "hour 24 is not within 0-23"),
        ("* * 0 * *", "day of month 0 is not within 1-31"),
        ("* * 32 * *", "day of month 32 is not within 1-31"),
        ("* * * 13 *", "month 13 is not within 1-12"),
        ("* * * * 8", "day of week 8 is not within 0-7"),
        ("* * * * 0-8", "day of week 8 is not within 0-7"),
        ("1-60 * * * *", "minute 60 is not within 0-59"),
        ("-1 * * * *", "minute '-1'"),
        ("5-2 * * * *", "minute range 5-2 runs backwards"),
        ("* * * * 5-2", "day of week range 5-2 runs backwards"),
        ("* * * * fri-sun", "Sunday at its end is 7"),
        ("*/0 * * * *", "step of 0"),
        ("*/x * * * *", "minute '[*]/x'"),
        ("*/ * * * *", "minute '[*]/'"),
        ("*/2/3 * * * *", "minute '[*]/2/3'"),
        ("*-5 * * * *", "minute '[*]-5'"),
        ("1-2-3 * * * *", "minute '1-2-3'"),
        ("** * * * *", "minute '[*][*]'"),
        ("1,,2 * * * *", "minute ''"),
        (", * * * *", "minute ''"),
        ("1.5 * * * *", "minute '1.5'"),
        ("٣ * * * *", "minute '٣'"),
        ("0\N{NO-BREAK SPACE}1 * * * *", "minute '0"),
        (f"{'9' * 5000} * * * *", "the minute cannot be"),
        ("jan * * * *", "the minute cannot be 'jan'"),
        ("* * * mon *", "the month cannot be 'mon'"),
        ("* * * january *", "the month cannot be 'january'"),
        ("* * * * jan", "the day of week cannot be 'jan'"),
        ("0 0 L * *", "day of month cannot be 'L'"),
        ("0 0 LW * *", "day of month cannot be 'LW'"),
        ("0 0 15W * *", "day of month cannot be '15W'"),
        ("0 0 * * 5L", "day of week cannot be '5L'"),
        ("0 0 * * 5#3", "day of week '5#3'"),
        ("H * * * *", "minute cannot be 'H'"),
        ("H(0-5) * * * *", "minute 'H"),
        ("R * * * *", "minute cannot be 'R'"),
        ("0~30 * * * *", "minute '0~30'"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4 *", "never fires"),
        ("0 0 31 4,6,9,11 ?", "never fires"),
        ("0 0 31 feb-apr/2 */2", "never fires"),
        ("@reboot", "run_on_start"),
        ("@Daily", "unknown form @Daily"),
        ("@fortnightly", "unknown form @fortnightly"),
        ("@daily *", "unknown form @daily [*]"),
        ("@", "unknown form @"),
        ("@every", "@every takes"),
        ("@every 0s", "@every takes"),
        ("@every 0", "@every takes"),
        ("@every -1s", "@every takes"),
        ("@every 500ms", "@every takes"),
        ("@every 1500ms", "@every takes"),
        ("@every 1d", "@every takes"),
        ("@every 1w", "@every takes"),
        ("@every 1h 30m", "@every takes"),
        ("@every 15", "@every takes"),
        ("@every 876001h", "@every takes"),
        (f"@every {'9' * 400}h", "@every takes"),
        ("TZ= 0 0 * * *", "TZ= names no zone"),
        ("CRON_TZ= 0 0 * * *", "CRON_TZ= names no zone"),
        ("TZ=UTC", "no fields"),
        ("TZ=UTC TZ=UTC 0 0 * * *", "second 'TZ=UTC'"),
        ("cron_tz=UTC 0 0 * * *", "second 'cron_tz=UTC'"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason_and_examples(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} is not a schedule: ")
    assert message.endswith(CRON_EXAMPLES)
    assert "\n" not in message


def test_the_examples_of_the_error_text_are_schedules() -> None:
    examples = CRON_EXAMPLES.split('"')[1::2]
    assert [len(parse(text).text.split()) for text in examples] == [5, 6, 2]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("@every 1s", 1),
        ("@every 15m", 900),
        ("@every  1h30m", 5400),
        ("@every 1.5h", 5400),
        ("@every 2000ms", 2),
    ],
)
def test_an_interval_is_read(text: str, seconds: float) -> None:
    schedule = parse(text)
    assert schedule.every == seconds
    assert list(schedule.local_slots(_START)) == []


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("0 0 * * *", None),
        ("CRON_TZ=Europe/Bratislava 0 0 * * *", "Europe/Bratislava"),
        ("TZ=UTC 0 0 * * *", "UTC"),
        ("TZ=UTC @daily", "UTC"),
        ("CRON_TZ=UTC @every 5m", "UTC"),
    ],
)
def test_a_prefix_names_the_zone(text: str, zone: str | None) -> None:
    assert parse(text).zone == zone


@pytest.mark.parametrize(
    ("text", "is_wall_clock"),
    [
        ("30 2 * * *", True),
        ("0,30 2 * * *", True),
        ("0-59 0-23 * * *", True),
        ("*/20 30 2 * * *", True),
        ("30 2 */2 * *", True),
        ("@daily", True),
        ("@weekly", True),
        ("* 2 * * *", False),
        ("? 2 * * *", False),
        ("*/15 2 * * *", False),
        ("0-30/10 2 * * *", False),
        ("5/10 2 * * *", False),
        ("0 * * * *", False),
        ("0 0-12/2 * * *", False),
        ("0,*/30 2 * * *", False),
        ("0 0 * * * *", False),
        ("@hourly", False),
        ("@every 24h", False),
    ],
)
def test_a_job_is_a_wall_clock_job_if_it_names_minutes_and_hours(text: str, is_wall_clock: bool) -> None:
    assert parse(text).is_wall_clock is is_wall_clock


def test_equal_texts_share_a_schedule() -> None:
    assert parse("17 3 * * *") is parse("17 3 * * *")


def test_reading_a_schedule_does_not_import_croniter() -> None:
    code = """
import sys
from runwisp.config.cron import parse
parse("0 0 29 2 *")
sys.exit("croniter" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_walks_of_one_schedule_do_not_disturb_each_other() -> None:
    schedule = parse("0 * * * *")
    early, late = schedule.local_slots(_START), schedule.local_slots(_START + timedelta(days=1))
    pairs = [(next(early), next(late)) for _ in range(3)]
    assert [b - a for a, b in pairs] == [timedelta(days=1)] * 3


@given(expressions(), _NAIVE)
def test_local_slots_are_those_of_a_search_day_by_day(expression: Expression, after: datetime) -> None:
    previous = after
    for slot in islice(_parsed(expression).local_slots(after), 4):
        assert slot == expression.first_after(previous, _LONGEST_WAIT_DAYS)
        previous = slot
    assert previous > after


@given(expressions(), _NAIVE)
def test_only_what_never_fires_is_refused(expression: Expression, after: datetime) -> None:
    try:
        parse(expression.text)
        fires = True
    except ValueError:
        fires = False
    assert fires is (expression.first_after(after, _LONGEST_WAIT_DAYS) is not None)


@given(expressions(stars="*"), _NAIVE)
def test_cronsim_agrees(expression: Expression, after: datetime) -> None:
    ours = _parsed(expression).local_slots(after)
    assert list(islice(ours, 4)) == list(islice(CronSim(expression.text, after), 4))


def _parsed(expression: Expression) -> Schedule:
    try:
        return parse(expression.text)
    except ValueError:
        reject()
