from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import UnixMs
from runwisp.notify import text
from runwisp.units import parse_time
from tests.notify.hostile import texts


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.001, "0.1s"),
        (0.34, "0.3s"),
        (0.94, "0.9s"),
        (0.96, "1s"),
        (11.5, "12s"),
        (12.5, "13s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (150, "2m 30s"),
        (300, "5m"),
        (3599.7, "1h"),
        (4500, "1h 15m"),
        (7259, "2h"),
        (360_000, "100h"),
    ],
)
def test_a_duration_has_one_or_two_units(seconds: float, words: str) -> None:
    assert text.human_duration(seconds) == words


def test_a_moment_is_told_in_the_zone_it_is_given() -> None:
    at = parse_time("2026-05-14T15:11:09.250Z")
    assert text.human_time(text.moment(at, ZoneInfo("Europe/Bratislava"))) == "14 May, 17:11"
    assert text.human_time(text.moment(at, UTC)) == "14 May, 15:11"
    assert text.rfc3339(text.moment(at, ZoneInfo("Europe/Bratislava"))) == "2026-05-14T17:11:09.250+02:00"


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["UTC", "America/St_Johns", "Asia/Kathmandu"]))
def test_rfc3339_names_the_same_moment(at: int, zone: str) -> None:
    assert parse_time(text.rfc3339(text.moment(UnixMs(at), ZoneInfo(zone)))) == at


@given(texts)
def test_a_line_is_printable_all_through_and_can_be_sent(hostile: str) -> None:
    line = text.line(hostile)
    assert line.encode().decode() == line
    assert line.splitlines() in ([], [line])
    assert not set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x1b\x00") & set(line)


@given(texts)
def test_lines_are_as_many_as_before(hostile: str) -> None:
    kept = text.lines(hostile)
    assert kept.count("\n") == hostile.count("\n")
    assert [text.line(part) for part in kept.split("\n")] == [text.line(part) for part in hostile.split("\n")]


def test_what_can_be_written_in_a_name_stays() -> None:
    assert text.line("db:backup_1.2-x é 👩‍🚀 עברית") == "db:backup_1.2-x é 👩‍🚀 עברית"
