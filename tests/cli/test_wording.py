"""Runs in words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from attrs import evolve

from runwisp.cli import output
from runwisp.cli.wording import (
    ago,
    duration_label,
    outcome,
    status_label,
    status_style,
    trigger_label,
)
from runwisp.model import EndReason, Run, RunId, Status, TriggeredBy, TriggerSource, UnixMs

NOW = UnixMs(1_764_000_000_000)
RUN = Run(
    id=RunId("01JA9XQ4Z6M8T2V7C3K5N0RBHD"),
    task_name="backup",
    status=Status.ENDED,
    created_at=UnixMs(NOW - 60_000),
    start_at=UnixMs(NOW - 60_000),
    end_at=UnixMs(NOW - 18_000),
    end_reason=EndReason.FAILED,
    exit_code=3,
    triggered_by=TriggeredBy.CRON,
)


@pytest.fixture
def bratislava(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Bratislava")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("passed_ms", "shown"),
    [
        (-5000, "just now"),
        (0, "just now"),
        (999, "just now"),
        (1000, "1s ago"),
        (59_999, "59s ago"),
        (60_000, "1m ago"),
        (3_599_999, "59m ago"),
        (3_600_000, "1h ago"),
        (86_399_999, "23h ago"),
        (86_400_000, "Nov 23 17:00"),
        (22 * 86_400_000, "Nov 2 17:00"),
    ],
)
@pytest.mark.usefixtures("bratislava")
def test_a_time_is_relative_for_a_day_and_then_local(passed_ms: int, shown: str) -> None:
    assert ago(UnixMs(NOW - passed_ms), NOW) == shown


def test_a_time_that_does_not_exist_is_a_dash() -> None:
    assert ago(None, NOW) == "—"


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_reason_has_a_style(reason: EndReason) -> None:
    run = evolve(RUN, end_reason=reason)
    assert status_style(run) in output.SGR
    assert status_label(run, NOW) == reason.replace("_", " ")


@pytest.mark.parametrize("status", [Status.PENDING, Status.RUNNING])
def test_a_live_run_shows_its_phase(status: Status) -> None:
    run = evolve(RUN, status=status, end_reason=None, end_at=None, exit_code=None)
    assert status_label(run, NOW) == status
    assert status_style(run) in output.SGR


@pytest.mark.parametrize(
    ("wait_ms", "shown"),
    [(12_000, "12s"), (90_000, "1m"), (7_200_000, "2h"), (-1, "0s")],
)
def test_a_waiting_retry_is_shown_beside_the_outcome(wait_ms: int, shown: str) -> None:
    assert status_label(evolve(RUN, next_retry_at=UnixMs(NOW + wait_ms)), NOW) == f"failed, retry in {shown}"


@pytest.mark.parametrize(
    ("cause", "source", "shown"),
    [
        (TriggeredBy.CRON, None, "Cron"),
        (TriggeredBy.API, None, "API"),
        (TriggeredBy.API, TriggerSource.UI, "API · UI"),
        (TriggeredBy.API, TriggerSource.CLI, "API · CLI"),
        (TriggeredBy.API, TriggerSource.HOOK, "API · Hook"),
        (TriggeredBy.SERVICE, None, "Service"),
        (TriggeredBy.STARTUP, None, "Startup"),
    ],
)
def test_the_trigger_is_refined_by_its_source(
    cause: TriggeredBy, source: TriggerSource | None, shown: str
) -> None:
    assert trigger_label(evolve(RUN, triggered_by=cause, trigger_source=source)) == shown


def test_the_duration_of_a_live_run_goes_on() -> None:
    assert duration_label(RUN, NOW) == "42.0s"
    assert duration_label(evolve(RUN, end_at=None), NOW) == "1m0s"
    assert duration_label(evolve(RUN, end_at=None, start_at=None), NOW) == "—"


def test_an_outcome_has_the_reason_the_exit_code_and_the_time_it_took() -> None:
    assert outcome(RUN, NOW) == "backup 01JA9XQ4Z6M8T2V7C3K5N0RBHD: failed, exit code 3, took 42.0s"


def test_an_outcome_of_a_run_that_never_was_says_why() -> None:
    run = evolve(
        RUN,
        end_reason=EndReason.SKIPPED,
        exit_code=-1,
        start_at=None,
        replica_index=2,
        message="still running",
    )
    assert outcome(run, NOW) == "backup#2 01JA9XQ4Z6M8T2V7C3K5N0RBHD: skipped (still running)"
