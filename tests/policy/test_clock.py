from __future__ import annotations

import pytest

from runwisp.model import Seconds, UnixMs
from runwisp.policy.clock import ClockChange, judge_start, judge_wake

_HOUR = 3600.0


@pytest.mark.parametrize(
    ("wall_elapsed", "elapsed", "planned", "change"),
    [
        (30, 30, 30, "none"),
        (30.01, 30.02, 30, "none"),
        (29.5, 30, 30, "none"),
        (89.9, 30, 30, "none"),
        (90, 30, 30, "forward"),
        (630, 30, 30, "forward"),
        (89.9, 89.9, 30, "none"),
        (90, 90, 30, "forward"),
        (5, 10, 5, "back"),
        (30 - _HOUR, 30, 30, "back"),
        (30 - 3 * _HOUR, 30, 30, "back"),
        (29 - 3 * _HOUR, 30, 30, "far_back"),
        (-1e9, 30, 30, "far_back"),
        (90 - _HOUR, 90, 30, "back"),
    ],
)
def test_a_wake_tells_how_the_clock_was_changed(
    wall_elapsed: float, elapsed: float, planned: float, change: str
) -> None:
    judged = judge_wake(
        wall_elapsed=Seconds(wall_elapsed), elapsed=Seconds(elapsed), planned=Seconds(planned)
    )
    assert judged is ClockChange(change)


@pytest.mark.parametrize(
    ("ahead_ms", "change"),
    [
        (-86_400_000, "none"),
        (0, "none"),
        (1, "back"),
        (3 * 3_600_000, "back"),
        (3 * 3_600_000 + 1, "far_back"),
    ],
)
def test_a_stored_tick_in_the_future_tells_of_a_clock_set_back(ahead_ms: int, change: str) -> None:
    now = UnixMs(1_795_521_600_000)
    assert judge_start(last_tick_at=UnixMs(now + ahead_ms), now=now) is ClockChange(change)
