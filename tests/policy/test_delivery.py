from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import Seconds, UnixMs
from runwisp.policy.delivery import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Verdict,
    asks_to_wait,
    pause,
    retry_after,
    verdict_of_http,
    verdict_of_smtp,
)

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NOW_MS = UnixMs(round(NOW.timestamp() * 1000))
HOUR = Seconds(3600.0)


def waits(failures: int, chance: float) -> float | None:
    return pause(failures, None, elapsed=Seconds(0.0), budget=HOUR, chance=chance)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_answer_of_success_delivers(status: int) -> None:
    assert verdict_of_http(status) is Verdict.DELIVERED


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 599])
def test_an_answer_that_may_change_is_tried_again(status: int) -> None:
    assert verdict_of_http(status) is Verdict.RETRY


@pytest.mark.parametrize("status", [100, 301, 302, 308, 400, 401, 403, 404, 410, 413, 422, 600])
def test_every_other_answer_is_final(status: int) -> None:
    assert verdict_of_http(status) is Verdict.PERMANENT


def test_only_an_answer_of_too_many_requests_may_set_the_wait() -> None:
    assert [status for status in range(100, 600) if asks_to_wait(status)] == [429]


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(250, Verdict.DELIVERED), (421, Verdict.RETRY), (451, Verdict.RETRY), (550, Verdict.PERMANENT)],
)
def test_a_mail_server_says_whether_to_come_back(code: int, verdict: Verdict) -> None:
    assert verdict_of_smtp(code) is verdict


def test_a_mail_server_that_breaks_off_is_tried_again() -> None:
    assert verdict_of_smtp(-1) is Verdict.RETRY


def test_pauses_double_up_to_a_minute() -> None:
    assert [waits(failures, 0.5) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_halves_a_pause_or_adds_half_of_it() -> None:
    assert [waits(3, chance) for chance in (0.0, 0.5, 1.0)] == [2, 4, 6]


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 10**9))
def test_no_pause_is_longer_than_a_minute_or_shorter_than_half_a_second(
    failures: int, chance: float, asked: float | None
) -> None:
    wait = pause(
        failures,
        Seconds(asked) if asked is not None else None,
        elapsed=Seconds(0.0),
        budget=HOUR,
        chance=chance,
    )
    assert wait is not None
    assert FIRST_PAUSE / 2 <= wait <= LONGEST_PAUSE


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0, 10_000), st.floats(0, 10_000))
def test_the_next_attempt_begins_within_the_budget_or_never(
    failures: int, chance: float, elapsed: float, budget: float
) -> None:
    wait = pause(failures, None, elapsed=Seconds(elapsed), budget=Seconds(budget), chance=chance)
    unlimited = pause(failures, None, elapsed=Seconds(0.0), budget=HOUR, chance=chance)
    assert unlimited is not None
    if elapsed + unlimited > budget:
        assert wait is None
    else:
        assert wait == unlimited


def test_without_a_budget_there_is_one_attempt() -> None:
    assert pause(1, None, elapsed=Seconds(0.0), budget=Seconds(0.0), chance=0.0) is None


def test_the_wait_that_is_asked_for_takes_the_place_of_ours() -> None:
    for chance in (0.0, 1.0):
        asked = pause(6, Seconds(2.0), elapsed=Seconds(0.0), budget=HOUR, chance=chance)
        assert asked == 2.0


def test_who_asks_for_no_wait_is_not_asked_over_and_over_again() -> None:
    assert pause(1, Seconds(0.0), elapsed=Seconds(0.0), budget=HOUR, chance=0.0) == FIRST_PAUSE


@pytest.mark.parametrize(("header", "wait"), [("2", 2), (" 30 ", 30), ("0", 0), ("9" * 5000, 60)])
def test_a_wait_in_seconds(header: str, wait: float) -> None:
    assert retry_after(header, NOW_MS) == wait


@pytest.mark.parametrize(
    ("date", "wait"),
    [
        (format_datetime(NOW + timedelta(seconds=7), usegmt=True), 7),
        ("Mon, 02 Mar 2026 02:00:09 -0000", 9),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
    ],
)
def test_a_wait_until_a_date_which_may_have_passed(date: str, wait: float) -> None:
    assert retry_after(date, NOW_MS) == wait


@pytest.mark.parametrize(
    "header",
    ["", "soon", "-1", "1.5", "1e3", "²", "Mon, 99 Mar 2026 02:00:00 GMT", "2 Mar 2026 +99999999999999"],
)
def test_anything_else_says_nothing(header: str) -> None:
    assert retry_after(header, NOW_MS) is None


@given(st.text())
def test_no_header_is_a_surprise(header: str) -> None:
    wait = retry_after(header, NOW_MS)
    assert wait is None or wait >= 0
