"""Values in words, as the dashboard writes them (spec: interfaces, times, durations, sizes)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

RHYTHMS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "rhythm.json").read_text())

#: 13:00 in Berlin.
NOW = "2026-03-02T12:00:00.000Z"


def formatted(modules: Page, function: str, *arguments: object) -> Any:
    call = "async ([name, args]) => (await import('/js/format.js'))[name](...args)"
    return modules.evaluate(call, [function, arguments])


def at_now(modules: Page, function: str, at: str) -> Any:
    call = "async ([name, at, now]) => (await import('/js/format.js'))[name](at, Date.parse(now))"
    return modules.evaluate(call, [function, at, NOW])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0, "0ms"),
        (0.0004, "0ms"),
        (0.812, "812ms"),
        (0.9996, "1.0s"),
        (4.24, "4.2s"),
        (59.94, "59.9s"),
        (59.96, "1m"),
        (192, "3m12s"),
        (3599.4, "59m59s"),
        (3600, "1h"),
        (7500, "2h5m"),
        (172_799, "47h59m"),
        (273_600, "3d4h"),
    ],
)
def test_durations(modules: Page, seconds: float | None, text: str) -> None:
    assert formatted(modules, "duration", seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (60, "1m"), (3725.5, "1h2m"), (-3, "0s")]
)
def test_what_goes_on_is_told_in_whole_seconds(modules: Page, seconds: float, text: str) -> None:
    assert formatted(modules, "elapsed", seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"),
        (0.2, "1s"),
        (59, "59s"),
        (60, "1m"),
        (239, "3m"),
        (3600, "1h"),
        (7260, "2h1m"),
        (90_000, "1d1h"),
    ],
)
def test_what_is_left(modules: Page, seconds: float, text: str) -> None:
    assert formatted(modules, "countdown", seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-03-02T12:00:00.500Z", "just now"),
        ("2026-03-02T11:59:59.001Z", "just now"),
        ("2026-03-02T11:59:59.000Z", "1s ago"),
        ("2026-03-02T11:55:00.000Z", "5m ago"),
        ("2026-03-02T09:00:00.000Z", "3h ago"),
        ("2026-03-01T12:00:00.001Z", "23h ago"),
        ("2026-03-01T12:00:00.000Z", "Mar 1 13:00"),
    ],
)
def test_times_of_the_past(modules: Page, at: str, text: str) -> None:
    assert at_now(modules, "ago", at) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-03-02T12:04:00.000Z", "13:04:00 (in 4m)"),
        ("2026-03-02T12:00:00.000Z", "13:00:00 (now)"),
        ("2026-03-02T11:59:00.000Z", "12:59:00 (now)"),
        ("2026-03-05T01:30:00.000Z", "Mar 5 02:30 (in 2d13h)"),
    ],
)
def test_times_to_come(modules: Page, at: str, text: str) -> None:
    assert at_now(modules, "upcoming", at) == text


def test_full_times_are_those_of_the_browser(modules: Page) -> None:
    assert formatted(modules, "absolute", "2026-03-02T23:59:59.999Z") == "2026-03-03 00:59:59"
    assert formatted(modules, "zoneName") == "Europe/Berlin"


@pytest.mark.parametrize("case", RHYTHMS, ids=[case["name"] for case in RHYTHMS])
def test_how_often_and_how_lately_something_happened(modules: Page, case: dict[str, Any]) -> None:
    call = """async (one) => {
        const { rhythm, rhythmBlocks } = await import('/js/format.js');
        const now = Date.parse(one.now);
        return [rhythm(one, now), rhythmBlocks(one.occurrence_ring, now)];
    }"""
    assert modules.evaluate(call, case) == [case["phrase"], case["blocks"]]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1536, "1.5 KB"),
        (307_200, "300 KB"),
        (50_331_648, "48 MB"),
        (1_288_490_188, "1.2 GB"),
        (1_048_064, "1 MB"),
    ],
)
def test_sizes(modules: Page, count: int | None, text: str) -> None:
    assert formatted(modules, "bytes", count) == text


def test_large_numbers_are_grouped(modules: Page) -> None:
    assert formatted(modules, "counted", 1, "run") == "1 run"
    assert formatted(modules, "counted", 1_204_003, "run") == "1,204,003 runs"
    assert formatted(modules, "counted", 2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("run", "word", "label", "tone"),
    [
        ({"status": "pending", "end_reason": None}, "pending", "Pending", "neutral"),
        ({"status": "running", "end_reason": None}, "running", "Running", "running"),
        ({"status": "ended", "end_reason": "log_overflow"}, "log_overflow", "Log overflow", "danger"),
        ({"status": "ended", "end_reason": "dst_skipped"}, "dst_skipped", "Dst skipped", "neutral"),
        (
            {"status": "ended", "end_reason": "eaten_by_a_fish"},
            "eaten_by_a_fish",
            "Eaten by a fish",
            "neutral",
        ),
        ({"status": "ended", "end_reason": "constructor"}, "constructor", "Constructor", "neutral"),
    ],
)
def test_statuses_known_and_unknown(
    modules: Page, run: dict[str, Any], word: str, label: str, tone: str
) -> None:
    assert formatted(modules, "statusWord", run) == word
    look = formatted(modules, "statusLook", word)
    assert (look["label"], look["tone"]) == (label, tone)


@pytest.mark.parametrize(
    ("by", "source", "text"),
    [
        ("cron", None, "Cron"),
        ("api", "ui", "API · UI"),
        ("startup", None, "Startup"),
        ("tide", "moon", "Tide · moon"),
    ],
)
def test_triggers(modules: Page, by: str, source: str | None, text: str) -> None:
    assert formatted(modules, "trigger", {"triggered_by": by, "trigger_source": source}) == text


def test_only_replicas_beyond_the_first_have_a_number(modules: Page) -> None:
    assert formatted(modules, "replicaName", {"task_name": "web", "replica_index": 0}) == "web"
    assert formatted(modules, "replicaName", {"task_name": "web", "replica_index": 2}) == "web#2"
    assert formatted(modules, "shortId", "01JA9XQ4Z6M8T2V7C3K5N0RBHD") == "#RBHD"


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0,30 * * * *", "every 30 minutes"),
        ("0 * * * *", "every hour"),
        ("15 * * * *", "every hour at :15"),
        ("10,40,55 * * * *", "every hour at :10, :40, :55"),
        ("0 */2 * * *", "every 2 hours"),
        ("30 4 * * *", "daily at 04:30"),
        ("10 5 4 * * *", "daily at 04:05:10"),
        ("0 3,15 * * *", "daily at 03:00, 15:00"),
        ("30 4 * * 1-5", "Mon–Fri at 04:30"),
        ("30 4 * * MON-fri", "Mon–Fri at 04:30"),
        ("0 4 * * 5-7", "Fri–Sun at 04:00"),
        ("0 4 * * 6,0", "Sat, Sun at 04:00"),
        ("0 4 * * 7", "every Sunday at 04:00"),
        ("0 12 * * 1-7", "daily at 12:00"),
        ("0 12 * * ?", "daily at 12:00"),
        ("*/5 9-17 * * 1-5", "every 5 minutes from 09:00 to 17:55, Mon–Fri"),
        ("0 9-17 * * *", "every hour from 09:00 to 17:00"),
        ("0 0 1 * *", "monthly on the 1st at 00:00"),
        ("0 0 1,22 * *", "monthly on the 1st and 22nd at 00:00"),
        ("0 0 1 1 *", "yearly on Jan 1 at 00:00"),
        ("0 4 * jan,7 *", "daily in Jan, Jul at 04:00"),
        ("0 0 13 * fri", "at 00:00 on the 13th and each Fri"),
        ("0 0 */16 * 1", "at 00:00 on the 1st and 17th if it is Mon"),
        ("*/20 * * * * *", "every 20 seconds"),
        ("45 * * * * *", "every minute at 45 s"),
        ("* * * * * *", "every second"),
        ("@daily", "daily at 00:00"),
        ("@every 1h30m", "every 1h30m"),
        ("CRON_TZ=Europe/Berlin  0 9 * * mon,wed", "Mon, Wed at 09:00"),
        ("7/10 * * * *", None),
        ("3,7,20 1,5,9 * * *", None),
        ("0 0 1-31/2 * 1", None),
        ("five minutes past the hour sharp", None),
        ("0 0", None),
    ],
)
def test_schedules_in_words(modules: Page, cron: str, text: str | None) -> None:
    assert formatted(modules, "cronWords", cron) == text


def test_the_clock_follows_the_daemon_when_the_browser_is_off(modules: Page) -> None:
    call = """async ([date, sent, received]) => {
        const { clock } = await import('/js/format.js');
        clock.learn(date, sent, received);
        const { skew } = clock;
        clock.skew = 0;
        return skew;
    }"""
    noon = 1_772_452_800_000
    date = "Mon, 02 Mar 2026 12:00:00 GMT"
    assert modules.evaluate(call, [date, noon - 3_600_000, noon - 3_600_000]) == 3_600_500
    assert modules.evaluate(call, [date, noon + 900, noon + 1_100]) == 0
    assert modules.evaluate(call, [date, noon - 30_000, noon]) == 0
    assert modules.evaluate(call, [None, 0, 0]) == 0
