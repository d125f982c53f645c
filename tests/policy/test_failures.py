from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import EndReason, Restart, Run, Seconds, Status
from runwisp.policy.failures import SlotHistory, is_failure, is_healthy, may_retry, restart_wanted
from tests.make import run, service, task

_TASK = task("retry_attempts = 3")
_SERVICE = service()
_RETRIED = {"failed", "timeout", "crashed", "log_overflow", "unhealthy"}


def _ended(reason: EndReason, *, failure: bool = True, attempt: int = 0) -> Run:
    return run(status=Status.ENDED, end_reason=reason, is_failure=failure, retry_attempt=attempt)


def test_the_built_in_failures_are_these() -> None:
    assert {reason.value for reason in EndReason if is_failure(_TASK.failures, reason, -1)} == {
        "failed",
        "timeout",
        "crashed",
        "log_overflow",
        "start_failed",
        "unhealthy",
        "missed",
    }


@pytest.mark.parametrize(
    ("failures", "reason", "exit_code", "expected"),
    [
        ((), "failed", 1, False),
        (("failed",), "failed", -1, True),
        (("failed",), "success", 0, False),
        (("42",), "failed", 42, True),
        (("42",), "failed", 41, False),
        (("42",), "timeout", 42, False),
        (("1-23",), "failed", 1, True),
        (("1-23",), "failed", 23, True),
        (("1-23",), "failed", 24, False),
        (("1-255",), "failed", -1, False),
        (("2", "100-120", "stopped"), "failed", 110, True),
        (("2", "100-120", "stopped"), "stopped", 110, True),
        (("2", "100-120", "stopped"), "failed", 3, False),
        (("skipped",), "skipped", -1, True),
    ],
)
def test_a_run_is_a_failure_by_its_reason_or_its_exit_code(
    failures: tuple[str, ...], reason: str, exit_code: int, expected: bool
) -> None:
    assert is_failure(failures, EndReason(reason), exit_code) is expected


@given(st.lists(st.tuples(st.integers(1, 255), st.integers(1, 255)).map(sorted)), st.integers(-2, 255))
def test_exit_codes_count_within_any_listed_range(ranges: list[list[int]], exit_code: int) -> None:
    tokens = tuple(f"{first}-{last}" if first < last else str(first) for first, last in ranges)
    listed = {code for first, last in ranges for code in range(first, last + 1)}
    assert is_failure(tokens, EndReason.FAILED, exit_code) is (exit_code in listed)


@pytest.mark.parametrize("reason", EndReason)
def test_only_some_failures_are_retried(reason: EndReason) -> None:
    assert may_retry(_TASK, _ended(reason)) is (reason.value in _RETRIED)
    assert not may_retry(_TASK, _ended(reason, failure=False))


def test_retries_end_with_the_last_attempt() -> None:
    attempts = [_ended(EndReason.FAILED, attempt=attempt) for attempt in range(5)]
    assert [may_retry(_TASK, attempt) for attempt in attempts] == [True, True, True, False, False]
    assert not may_retry(task(), attempts[0])


@pytest.mark.parametrize("reason", EndReason)
def test_a_replica_is_restarted_as_its_service_says(reason: EndReason) -> None:
    always, on_failure, never = (evolve(_SERVICE, restart=restart) for restart in Restart)
    assert restart_wanted(always, _ended(reason)) is (reason.value not in ("start_failed", "daemon_stopped"))
    assert restart_wanted(on_failure, _ended(reason)) is (reason.value in _RETRIED)
    assert not restart_wanted(on_failure, _ended(reason, failure=False))
    assert not restart_wanted(never, _ended(reason))


def _fatal_at(restart_attempts: int | None, exits: list[tuple[Run, bool]]) -> int | None:
    """The number, from 1, of the exit at which the supervisor gives up."""
    service = evolve(_SERVICE, restart_attempts=restart_attempts)
    history = SlotHistory()
    for number, (ended, was_healthy) in enumerate(exits, 1):
        history = history.after(ended, was_healthy=was_healthy)
        if history.is_fatal(service):
            return number
    return None


@pytest.mark.parametrize(("attempts", "fatal_at"), [(3, 4), (1, 2), (0, 1), (None, None)])
def test_a_slot_is_fatal_after_more_failed_starts_than_restart_attempts(
    attempts: int | None, fatal_at: int | None
) -> None:
    assert _fatal_at(attempts, [(_ended(EndReason.FAILED), False)] * 200) == fatal_at


@pytest.mark.parametrize(
    "between",
    [
        (_ended(EndReason.FAILED), True),
        (_ended(EndReason.SUCCESS, failure=False), False),
        (_ended(EndReason.STOPPED, failure=False), False),
        (_ended(EndReason.FAILED, failure=False), False),
    ],
)
def test_a_healthy_run_or_a_non_failure_begins_the_count_anew(between: tuple[Run, bool]) -> None:
    failed = (_ended(EndReason.FAILED), False)
    assert _fatal_at(1, [failed, between, failed, failed]) == 4


def test_a_failure_that_is_no_failed_start_leaves_the_count() -> None:
    failed, stopped = (_ended(EndReason.FAILED), False), (_ended(EndReason.STOPPED), False)
    assert _fatal_at(1, [failed, stopped, failed]) == 3
    assert _fatal_at(0, [stopped] * 5) is None


def test_exits_in_a_row_count_from_1_after_a_healthy_run() -> None:
    history, seen = SlotHistory(), []
    for was_healthy in (False, False, True, False, True, True, False):
        history = history.after(_ended(EndReason.SUCCESS, failure=False), was_healthy=was_healthy)
        seen.append(history.exits_in_a_row)
    assert seen == [1, 2, 1, 2, 1, 1, 2]


def test_a_replica_is_healthy_after_its_time() -> None:
    service = evolve(_SERVICE, healthy_after=Seconds(60))
    assert [is_healthy(service, Seconds(up)) for up in (0, 59.9, 60, 61)] == [False, False, True, True]
    assert is_healthy(evolve(service, healthy_after=Seconds(0)), Seconds(0))
