from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from runwisp.model import UnixMs
from runwisp.tui.times import absolute, span, until
from tests.tui.fakes import NOW

BERLIN = ZoneInfo("Europe/Berlin")


def test_times_are_those_of_the_zone() -> None:
    assert absolute(NOW, BERLIN) == "2026-03-02 03:01:00"


def test_the_next_run_has_its_time_and_how_long_until_then() -> None:
    assert until(UnixMs(NOW + 240_000), NOW, BERLIN) == "03:05:00 (in 4m)"


def test_a_run_that_is_due_is_not_in_the_past() -> None:
    assert until(UnixMs(NOW - 3000), NOW, BERLIN) == "03:00:57 (in 0s)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (7500, "2h5m"),
        (86400, "1d"),
        (90000, "1d1h"),
    ],
)
def test_spans_have_no_zero_minor_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text
