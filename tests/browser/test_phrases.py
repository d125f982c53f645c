"""What the dashboard says of a unit (spec: interfaces, unit page)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

#: In each test it is a minute after a run of the fake daemon began.
BEGAN = "2026-03-02T12:00:01.000Z"
NOW = "2026-03-02T12:01:01.000Z"

_SCRIPT = """async ([unit, now]) => {
    const { verdict, sentence, trouble } = await import('/js/phrases.js');
    const { makeTask } = await import('/tests/fake_daemon.js');
    const full = makeTask('a', unit);
    const at = Date.parse(now);
    return { word: verdict(full, at).word, sentence: sentence(full, at), trouble: trouble(full, at) };
}"""


def said(modules: Page, **unit: Any) -> dict[str, str]:
    words: dict[str, str] = modules.evaluate(_SCRIPT, [{"run_on_start": None} | unit, NOW])
    return words


def failed_run(**changes: Any) -> dict[str, Any]:
    run = {"status": "ended", "end_reason": "failed", "exit_code": 3, "is_failure": True}
    return run | {"created_at": BEGAN, "end_at": BEGAN, "next_retry_at": None} | changes


def replica(index: int = 0, **changes: Any) -> dict[str, Any]:
    slot = {
        "replica_index": index,
        "state": "running",
        "run_id": None,
        "start_at": BEGAN,
        "next_start_at": None,
    }
    return slot | {"restarts": 0, "failed_starts": 0, "last_exit_code": None} | changes


def restarting(index: int, **changes: Any) -> dict[str, Any]:
    slot = {"state": "restarting", "start_at": None, "next_start_at": "2026-03-02T12:01:13.000Z"}
    return replica(index, **slot | {"failed_starts": 2, "last_exit_code": 98} | changes)


def service(state: str, *replicas: dict[str, Any]) -> dict[str, Any]:
    running = sum(one["state"] == "running" for one in replicas)
    known = {"state": state, "running": running, "replicas": list(replicas)}
    return {"kind": "service", "instances": len(replicas), "service": known}


def test_a_scheduled_task_tells_when_it_is_next(modules: Page) -> None:
    told = said(modules, cron="* * * * *", next_run_at="2026-03-02T12:05:00.000Z")
    assert told == {
        "word": "Scheduled",
        "sentence": "It has not run yet. Next run at 13:05:00 (in 3m).",
        "trouble": "",
    }


def test_a_failure_is_told_with_its_exit_code_and_the_retry(modules: Page) -> None:
    told = said(modules, last_run=failed_run(next_retry_at="2026-03-02T12:01:13.000Z"))
    assert told == {
        "word": "Last run failed",
        "sentence": "It failed with exit 3 1m ago. It is tried again in 12s. "
        "It has no schedule and runs when somebody starts it.",
        "trouble": "Failed · exit 3 · retry in 12s",
    }


def test_a_paused_task_says_so_before_anything_else(modules: Page) -> None:
    told = said(modules, cron="* * * * *", paused_at=BEGAN, last_run=failed_run(end_reason="timeout"))
    assert told["word"] == "Paused"
    assert told["sentence"] == (
        "It ran into its timeout 1m ago. Paused 1m ago: the schedule starts nothing until it is resumed."
    )


@pytest.mark.parametrize(
    ("unit", "word", "future"),
    [
        ({}, "Manual only", "It has no schedule and runs when somebody starts it."),
        ({"api_trigger": False}, "Idle", "It has no schedule, and api_trigger = false: nothing starts it."),
        ({"run_on_start": "boot"}, "Runs at start", "It runs when the machine starts."),
        ({"cron": "0 0 30 2 *"}, "Scheduled", "The schedule has no further run."),
    ],
)
def test_what_starts_a_task(modules: Page, unit: dict[str, Any], word: str, future: str) -> None:
    told = said(modules, **unit)
    assert [told["word"], told["sentence"]] == [word, f"It has not run yet. {future}"]


@pytest.mark.parametrize(
    ("unit", "word", "sentence"),
    [
        (service("running", replica()), "Up", "It has been up for 1m."),
        (
            service("running", replica(), replica(1)),
            "Up",
            "All 2 replicas are up, the youngest for 1m.",
        ),
        (
            service("degraded", replica(), restarting(1)),
            "1 of 2 up",
            "Replica 1 starts again in 12s, attempt 3; it last ended with exit 98.",
        ),
        (
            service("degraded", restarting(0, failed_starts=0, last_exit_code=-1)),
            "Starting",
            "It starts again in 12s; it last ended with a signal.",
        ),
        (
            service("fatal", replica(state="fatal", failed_starts=3, last_exit_code=1)),
            "Down",
            "It was given up after 3 failed starts; the last one ended with exit 1. Start it to try again.",
        ),
        (
            service("stopped", replica(state="stopped", start_at=None)),
            "Stopped",
            "It stays down until it is started or the daemon restarts.",
        ),
    ],
)
def test_how_a_service_is(modules: Page, unit: dict[str, Any], word: str, sentence: str) -> None:
    told = said(modules, **unit)
    assert [told["word"], told["sentence"]] == [word, sentence]


@pytest.mark.parametrize(
    ("unit", "trouble"),
    [
        (
            service("degraded", replica(), restarting(1)),
            "1 of 2 up · exit 98 · 2 failed starts · next in 12s",
        ),
        (service("degraded", restarting(0)), "Restarting · exit 98 · 2 failed starts · next in 12s"),
        (service("running", replica(failed_starts=4)), "Up again · 4 failed starts"),
        (service("running", replica()), ""),
    ],
)
def test_what_is_wrong_with_a_service(modules: Page, unit: dict[str, Any], trouble: str) -> None:
    assert said(modules, **unit)["trouble"] == trouble


def test_clocks_that_are_set_between_two_firings_are_told(modules: Page) -> None:
    script = """async ([times, zone, now]) => {
        const { clockChanges } = await import('/js/phrases.js');
        return clockChanges(times, zone, Date.parse(now));
    }"""
    times = ["2026-03-28T01:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z"]
    forward = "before it, clocks in Europe/Berlin are set forward by 1h"
    assert modules.evaluate(script, [times, "Europe/Berlin", NOW]) == ["", forward, ""]
    assert modules.evaluate(script, [times, "Asia/Kolkata", NOW]) == ["", "", ""]
