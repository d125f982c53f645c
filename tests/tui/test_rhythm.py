from __future__ import annotations

import pytest

from runwisp.client.resources import notice
from runwisp.model import UnixMs
from runwisp.tui.rhythm import rhythm, since
from runwisp.units import format_time
from tests.tui import fakes

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def ago(span: int) -> str:
    return format_time(UnixMs(fakes.NOW - span))


def phrase(count: int, ages: list[int], created: int, latest: int) -> str:
    document = fakes.notice(
        count=count,
        occurrence_ring=[ago(age) for age in ages],
        created_at=ago(created),
        last_occurred_at=ago(latest),
    )
    return rhythm(notice(document), fakes.NOW)


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (-5000, "just now"),
        (29_999, "just now"),
        (45_000, "45s ago"),
        (5 * MINUTE, "5m ago"),
        (3 * HOUR, "3h ago"),
        (DAY, "yesterday"),
        (2 * DAY - 1, "yesterday"),
        (3 * DAY, "3d ago"),
        (29 * DAY, "29d ago"),
        (65 * DAY, "2mo ago"),
        (400 * DAY, "1y ago"),
    ],
)
def test_ages_of_notifications(passed: int, text: str) -> None:
    assert since(UnixMs(fakes.NOW - passed), fakes.NOW) == text


@pytest.mark.parametrize(
    ("count", "ages", "created", "latest", "text"),
    [
        (1, [5 * MINUTE], 5 * MINUTE, 5 * MINUTE, "5m ago"),
        (3, [0, MINUTE, HOUR], HOUR, 0, "3× in the last hour, latest just now"),
        (3, [0, MINUTE, HOUR + 1], HOUR + 1, 0, "3× today, latest just now"),
        (9, [2 * HOUR, 26 * HOUR], 26 * HOUR, 2 * HOUR, "9× over 1d, latest 2h ago"),
        (9, [2 * HOUR, 8 * DAY], 8 * DAY, 2 * HOUR, "9× since 8d ago, latest 2h ago"),
        (2, [], 10 * MINUTE, MINUTE, "2× over 10m, latest 1m ago"),
        (2, [], 5 * HOUR, MINUTE, "2× over 5h, latest 1m ago"),
    ],
)
def test_how_often_something_came(count: int, ages: list[int], created: int, latest: int, text: str) -> None:
    assert phrase(count, ages, created, latest) == text
