"""``runwisp runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from runwisp.cli import runs as runs_command
from runwisp.model import EndReason, UnixMs
from tests.cli.calling import Outcome, runwisp
from tests.cli.history import BEGIN, FAILED, PENDING, RUN, RUNNING, SKIPPED, History, contents

CONFIG = """
[tasks.backup]
run = "true"
group = "Nightly"
[tasks.report]
run = "true"
[services.web]
run = "true"
group = "Nightly"
"""


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> UnixMs:
    moment = UnixMs(BEGIN + 600_000)
    monkeypatch.setattr(runs_command, "now_ms", lambda wall: moment)
    return moment


def ids(done: Outcome) -> list[str]:
    assert done.code == 0, done.err
    listed = cast(list[dict[str, Any]], done.document["runs"])
    return [run["id"] for run in listed]


def test_runs_are_listed_newest_first_in_columns(history: History) -> None:
    first = history.add("backup")
    second = history.add("web", RUNNING, replica_index=1, start_at=UnixMs(BEGIN + 540_000))
    third = history.add("report", SKIPPED)
    fourth = history.add("report", FAILED, next_retry_at=UnixMs(BEGIN + 612_000))
    fifth = history.add("report", PENDING)
    done = runwisp("runs")
    assert (done.code, done.err) == (0, "")
    header, rule, *rows = done.out.splitlines()
    assert header.split() == ["ID", "TASK", "STATUS", "EXIT", "STARTED", "DURATION", "TRIGGER"]
    assert set(rule) == {"-"}
    assert [row.split("   ")[0] for row in rows] == [run.id for run in (fifth, fourth, third, second, first)]
    assert [[cell.strip() for cell in row.split("   ") if cell.strip()][1:] for row in rows] == [
        ["report", "pending", "—", "—", "—", "Cron"],
        ["report", "failed, retry in 12s", "3", "9m ago", "41.6s", "Cron"],
        ["report", "skipped", "-1", "—", "—", "API · UI"],
        ["web#1", "running", "—", "1m ago", "1m0s", "Cron"],
        ["backup", "success", "0", "9m ago", "41.6s", "Cron"],
    ]


def test_only_the_runs_of_the_tasks_that_are_named_are_listed(history: History) -> None:
    first = history.add("backup")
    history.add("report")
    third = history.add("web")
    assert ids(runwisp("runs", "web", "backup", "--json")) == [third.id, first.id]


def test_there_are_20_unless_another_number_is_asked_for(history: History) -> None:
    for _ in range(22):
        history.add("backup")
    assert len(ids(runwisp("runs", "--json"))) == 20
    assert len(ids(runwisp("runs", "-n", 21, "--json"))) == 21
    assert len(ids(runwisp("runs", "-n", 1000, "--json"))) == 22


@pytest.mark.parametrize("number", ["0", "1001", "-1", "x", "1.5"])
def test_a_number_outside_1_to_1000_is_a_usage_error(here: Path, number: str) -> None:
    assert runwisp("runs", "-n", number).code == 2


def test_the_status_filter_knows_phases_end_reasons_and_failure(history: History) -> None:
    success = history.add("backup")
    failed = history.add("backup", FAILED)
    timeout = history.add("backup", end_reason=EndReason.TIMEOUT)
    running = history.add("backup", RUNNING)
    assert ids(runwisp("runs", "--status", "running", "--json")) == [running.id]
    assert ids(runwisp("runs", "--status", "ended", "--json")) == [timeout.id, failed.id, success.id]
    assert ids(runwisp("runs", "--status", "timeout, running", "--json")) == [running.id, timeout.id]
    assert ids(runwisp("runs", "--status", "failure", "--json")) == [failed.id]
    assert ids(runwisp("runs", "--status", "failure,success", "--json")) == [failed.id, success.id]


def test_an_unknown_status_is_a_usage_error_with_a_suggestion(here: Path) -> None:
    done = runwisp("runs", "--status", "failed,timeuot")
    assert (done.code, done.out) == (2, "")
    assert "'timeuot' is not a status; did you mean 'timeout'?" in done.err
    assert "use pending, running, ended, success" in runwisp("runs", "--status", "").err


def test_the_group_filter_takes_the_units_that_are_in_the_group_now(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    backup, report, web = history.add("backup"), history.add("report"), history.add("web")
    history.add("gone")
    assert ids(runwisp("runs", "--group", "Nightly", "--json")) == [web.id, backup.id]
    assert ids(runwisp("runs", "--group", "Nightly", "web", "report", "--json")) == [web.id]
    assert ids(runwisp("runs", "--group", "", "--json")) == [report.id]
    assert ids(runwisp("runs", "--group", "Elsewhere", "--json")) == []


def test_a_run_in_json_has_the_fields_of_the_api(history: History) -> None:
    run = history.add("backup", FAILED)
    live = history.add("web", RUNNING)
    done = runwisp("runs", "--json")
    assert (done.code, done.document["error"]) == (0, None)
    listed = cast(list[dict[str, Any]], done.document["runs"])
    assert [entry["id"] for entry in listed] == [live.id, run.id]
    assert listed[1] == {
        "id": run.id,
        "task_name": "backup",
        "status": "ended",
        "end_reason": "failed",
        "exit_code": 3,
        "is_failure": True,
        "message": None,
        "created_at": "2026-03-02T02:01:00.000Z",
        "start_at": "2026-03-02T02:00:00.014Z",
        "end_at": "2026-03-02T02:00:41.582Z",
        "duration": 41.568,
        "triggered_by": "cron",
        "trigger_source": None,
        "retry_attempt": 0,
        "retry_of_run_id": None,
        "next_retry_at": None,
        "replica_index": 0,
        "stopping": False,
        "params": None,
        "peak_memory_bytes": 48234496,
        "cpu_time": 3.41,
    }
    assert (listed[0]["stopping"], listed[0]["duration"], listed[0]["exit_code"]) == (None, None, None)


def test_a_name_that_is_configured_but_has_no_runs_gives_an_empty_list(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    assert runwisp("runs", "report") == Outcome(0, "", "no runs\n")
    assert ids(runwisp("runs", "report", "--json")) == []


def test_a_name_that_is_not_configured_but_has_runs_is_known(history: History) -> None:
    run = history.add("gone")
    assert ids(runwisp("runs", "gone", "--json")) == [run.id]


def test_a_name_that_is_neither_is_an_error_with_a_suggestion(here: Path, history: History) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    history.add("gone")
    assert runwisp("runs", "reprot") == Outcome(
        1, "", "ERROR unknown task 'reprot'\n\ndid you mean 'report'?\nknown: backup, gone, report, web\n"
    )
    assert "did you mean 'gone'?" in runwisp("runs", "gonne").err
    done = runwisp("runs", "zzzzzz", "--json")
    assert (done.code, done.document["runs"], done.document["error"]) == (1, [], "unknown task 'zzzzzz'")
    assert "known: backup, gone, report, web" in done.err


def test_wrong_usage_still_gives_one_document(here: Path) -> None:
    done = runwisp("runs", "--json", "-n", "0")
    assert (done.code, done.document["runs"]) == (2, [])
    assert "range" in str(done.document["error"])
    done = runwisp("runs", "--json", "--port", "0")
    assert (done.code, done.document["runs"]) == (2, [])
    assert "not a port" in str(done.document["error"])


def test_a_configuration_that_is_not_valid_is_an_error_only_where_it_is_needed(
    here: Path, history: History
) -> None:
    (here / "runwisp.toml").write_text("[tasks.a]\nrnu = 1\n")
    history.add("backup")
    assert runwisp("runs").code == 0
    assert runwisp("runs", "backup").code == 0
    assert runwisp("runs", "backpu").code == 1
    assert "is not valid" in runwisp("runs", "--group", "x").err


def test_a_configuration_that_was_named_has_to_exist(history: History) -> None:
    done = runwisp("runs", "zzz", "-c", "nowhere.toml")
    assert done.code == 1
    assert "nowhere.toml" in done.err


def test_without_a_data_directory_there_are_no_runs_and_none_is_made(here: Path) -> None:
    assert runwisp("runs") == Outcome(0, "", "no runs\n")
    assert ids(runwisp("runs", "--json")) == []
    assert list(here.iterdir()) == []


def test_reading_changes_nothing(history: History) -> None:
    history.add("backup", RUN)
    before = contents(history.path)
    assert runwisp("runs", "backup").code == 0
    assert contents(history.path) == before


def test_a_damaged_database_is_an_error_and_one_document(here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "runwisp.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    done = runwisp("runs", "--json")
    assert (done.code, done.document["runs"]) == (1, [])
    assert "runwisp.db" in str(done.document["error"])
    assert done.err.startswith("ERROR ")
