from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import UnixMs
from runwisp.units import (
    RunIds,
    format_duration,
    format_size,
    format_time,
    parse_duration,
    parse_size,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("5s", 5),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("0", 0),
        ("0s", 0),
        ("-1s", -1),
        ("+2m", 120),
        (".5s", 0.5),
        ("7us", 7e-6),
        ("7µs", 7e-6),
        ("100ns", 1e-7),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "15", "3 minutes", "2 months", "1h 30m", "h", "1.2.3s", "1e3s", "s1", "--1s", "٣s"]
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="2h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024),
        ("100b", 100),
        ("512kb", 512 * 1024),
        ("100 mb", 100 * 1024**2),
        ("1.5gb", 3 * 1024**3 // 2),
        (".5gb", 1024**3 // 2),
        ("2tb", 2 * 1024**4),
        (" 10MB ", 10 * 1024**2),
        ("3 KiB", 3072),
        ("1k", 1024),
        ("0", 0),
        ("0.3b", 0),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "mb", "-1", "inf", "nan", "1.5", "4gbs", "1 024", "10 MB!", str(2**63), "8388608tb"]
)
def test_what_is_no_size_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1024, "1 KB"),
        (1536, "1.5 KB"),
        (1024**3, "1 GB"),
        (5 * 1024**5, "5120 TB"),
    ],
)
def test_a_size_is_printed_in_the_largest_unit_not_above_it(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.812, "812ms"),
        (0, "0ms"),
        (0.9999, "1.0s"),
        (4.2, "4.2s"),
        (59.97, "1m0s"),
        (192, "3m12s"),
        (7500, "2h5m"),
    ],
)
def test_a_duration_is_printed_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=253402300799999))
def test_a_moment_survives_its_text(moment: int) -> None:
    text = format_time(UnixMs(moment))
    assert parse_time(text) == moment
    assert len(text) == 24


@given(st.integers(0, 2**43), st.integers(0, 2**43))
def test_the_order_of_texts_is_the_order_of_moments(one: int, other: int) -> None:
    texts = format_time(UnixMs(one)), format_time(UnixMs(other))
    assert (texts[0] < texts[1]) == (one < other)


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        parse_time("2026-03-02T02:00:00")


@given(st.lists(st.floats(min_value=0, max_value=2e9), min_size=1, max_size=50))
def test_ids_rise_strictly_whatever_the_clock_does(readings: list[float]) -> None:
    wall = iter(readings)
    ids = RunIds(lambda: next(wall))
    made = [ids() for _ in readings]
    assert made == sorted(set(made))
    assert all(len(run_id) == 26 for run_id in made)
