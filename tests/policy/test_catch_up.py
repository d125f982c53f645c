from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.cron import parse
from runwisp.model import CatchUp, UnixMs
from runwisp.policy.catch_up import SAFETY_LIMIT, CatchUpPlan, plan_catch_up
from runwisp.policy.firing import Fate, slots_between
from tests.policy.nights import unix_ms

_ZONE = "Europe/Bratislava"
_NOW = datetime(2026, 10, 25, 12, 0, 30, tzinfo=ZoneInfo(_ZONE))
_MINUTE_MS = 60_000


def _plan(text: str, back: timedelta, policy: CatchUp, limit: int | None = None) -> CatchUpPlan | None:
    """The plan at noon for a task that was last dealt with ``back`` ago."""
    now = unix_ms(_NOW)
    anchor = UnixMs(now - round(back.total_seconds() * 1000))
    return plan_catch_up(parse(text), _ZONE, anchor=anchor, now=now, policy=policy, limit=limit)


@pytest.mark.parametrize("policy", CatchUp)
def test_nothing_is_owed_without_a_missed_slot(policy: CatchUp) -> None:
    assert _plan("0 12 * * *", timedelta(seconds=30), policy) is None
    assert _plan("* * * * *", timedelta(0), policy) is None
    assert _plan("* * * * *", timedelta(hours=-2), policy) is None


@pytest.mark.parametrize(
    ("policy", "limit", "rerun"),
    [
        (CatchUp.SKIP, None, []),
        (CatchUp.LATEST, None, [12]),
        (CatchUp.ALL, None, [8, 9, 10, 11, 12]),
        (CatchUp.ALL, 3, [10, 11, 12]),
    ],
)
def test_the_policy_says_which_missed_slots_run(policy: CatchUp, limit: int | None, rerun: list[int]) -> None:
    plan = _plan("0 * * * *", timedelta(hours=5), policy, limit)
    hours = [unix_ms(_NOW.replace(hour=hour, second=0)) for hour in range(13)]
    assert plan == CatchUpPlan(
        missed=5,
        is_at_least=False,
        since=hours[8],
        latest=hours[12],
        rerun=tuple(hours[hour] for hour in rerun),
    )


def test_a_slot_at_the_anchor_has_its_fate_and_one_right_now_is_missed() -> None:
    noon = unix_ms(_NOW.replace(second=0))
    plan = plan_catch_up(
        parse("0 * * * *"), _ZONE, anchor=UnixMs(noon - 60 * _MINUTE_MS), now=noon, policy=CatchUp.ALL
    )
    assert plan is not None
    assert plan.rerun == (noon,)


def test_skipped_copies_are_not_owed() -> None:
    plan = _plan("0,30 2 * * *", timedelta(hours=13), CatchUp.ALL)
    assert plan is not None
    times = [datetime.fromtimestamp(at / 1000, ZoneInfo(_ZONE)) for at in plan.rerun]
    assert [f"{time:%H:%M %Z}" for time in times] == ["02:00 CEST", "02:30 CEST"]


def test_intervals_are_counted_from_the_anchor() -> None:
    plan = _plan("@every 7m", timedelta(minutes=20), CatchUp.ALL)
    assert plan is not None
    now = unix_ms(_NOW)
    assert plan.rerun == (now - 13 * _MINUTE_MS, now - 6 * _MINUTE_MS)


@pytest.mark.parametrize(("missed", "counted", "is_at_least"), [(1000, 1000, False), (5000, 1001, True)])
def test_slots_are_counted_to_a_thousand(missed: int, counted: int, is_at_least: bool) -> None:
    plan = _plan("* * * * *", timedelta(minutes=missed), CatchUp.LATEST)
    assert plan is not None
    assert (plan.missed, plan.is_at_least) == (counted, is_at_least)
    assert plan.latest == unix_ms(_NOW.replace(second=0))
    assert plan.since == plan.latest - (missed - 1) * _MINUTE_MS


def test_no_more_than_the_safety_limit_runs() -> None:
    plan = _plan("@every 1s", timedelta(seconds=SAFETY_LIMIT + 50), CatchUp.ALL)
    assert plan is not None
    assert (plan.missed, plan.is_at_least) == (SAFETY_LIMIT + 1, True)
    assert len(plan.rerun) == SAFETY_LIMIT
    assert plan.rerun[-1] == plan.latest == unix_ms(_NOW)


@given(
    st.sampled_from(
        ["*/37 * * * *", "30 2 * * *", "15 */3 * * 0,6", "0 0 1 * *", "@every 13m", "*/40 0 * * * *"]
    ),
    st.integers(0, 15 * 24 * 60),
    st.sampled_from(CatchUp),
    st.none() | st.integers(0, 30),
)
def test_a_plan_is_that_of_listing_every_slot(
    text: str, back_minutes: int, policy: CatchUp, limit: int | None
) -> None:
    schedule, now = parse(text), unix_ms(_NOW)
    anchor = UnixMs(now - back_minutes * _MINUTE_MS)
    slots = slots_between(schedule, _ZONE, anchor, now, anchor)
    missed = [slot.at for slot in slots if slot.fate is Fate.RUN]
    plan = plan_catch_up(schedule, _ZONE, anchor=anchor, now=now, policy=policy, limit=limit)
    if plan is None:
        assert missed == []
        return
    wanted = {CatchUp.SKIP: 0, CatchUp.LATEST: 1, CatchUp.ALL: len(missed) if limit is None else limit}[
        policy
    ]
    assert list(plan.rerun) == missed[max(0, len(missed) - wanted) :]
    assert (plan.since, plan.latest) == (missed[0], missed[-1])
    assert plan.missed == len(missed) or (plan.is_at_least and plan.missed < len(missed))
