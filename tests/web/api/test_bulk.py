from __future__ import annotations

from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from runwisp.engine.deletion import STEP_RUNS
from runwisp.logs.paths import log_paths
from runwisp.model import EndReason, Status
from tests.web.api.history import NOON, History, failed_run, numbered, past_run, waiting_run

CONFIG = """
[tasks.t]
run = "true"
on_overlap = "queue"
[tasks.mail]
run = "true"
group = "Post"
parallelism = 9
[tasks.single]
run = "true"
on_overlap = "skip"
[tasks.locked]
run = "true"
cron = "0 0 1 1 *"
api_trigger = false
[tasks.retrying]
run = "true"
retry_attempts = 2
retry_delay = "1m"
[services.web]
run = "true"
group = "Post"
"""

OF_ALL = {"match_all": True}


def of(*numbers: int) -> dict[str, object]:
    return {"ids": [numbered(number) for number in numbers]}


@pytest.fixture
def it() -> History:
    return History(CONFIG)


# Any: JSON of any shape.
def bulk(it: History, what: str, selection: object) -> Any:
    answer = it.call("POST", f"/api/runs/bulk/{what}", selection)
    assert answer.status == 200
    return answer.json()


def skipped(answer: Any) -> dict[str, str]:
    return {item["id"]: item["reason"] for item in answer["skipped"]}


# Which runs are meant


@pytest.mark.parametrize(
    ("selection", "places"),
    [
        ({}, ["body.ids"]),
        ({"ids": []}, ["body.ids"]),
        ({"match_all": False, "ids": []}, ["body.ids"]),
        ({"match_all": True, "ids": [numbered(1)]}, ["body.ids"]),
        ({"ids": [numbered(1)], "filter": {"status": ["failed"]}}, ["body.filter"]),
        ({"ids": [numbered(1)], "except_ids": [numbered(1)]}, ["body.except_ids"]),
        ({"ids": [numbered(1)] * 10_001}, ["body.ids"]),
        ({"ids": ["abc"]}, ["body.ids[0]"]),
        ({"match_all": True, "filter": {"stats": ["failed"]}}, ["body.filter.stats"]),
        ({"match_all": True, "filter": {"status": "failed"}}, ["body.filter.status"]),
        ({"match_all": True, "filter": {"status": ["nonsense"]}}, ["body.filter.status[0]"]),
        ({"match_all": True, "filter": {"task_name": []}}, ["body.filter.task_name"]),
        ({"match_all": True, "filter": {"limit": 5}}, ["body.filter.limit"]),
        ({"match_all": "yes"}, ["body.match_all"]),
        ({"match_all": True, "filter": None}, ["body.filter"]),
        ({"match_everything": True}, ["body.match_everything"]),
        ({"filter": {"retries_only": True}, "except_ids": [numbered(1)]}, None),
    ],
)
@pytest.mark.parametrize("what", ["stop", "delete", "rerun"])
def test_a_selection_that_is_unclear_does_nothing(
    it: History, what: str, selection: object, places: list[str] | None
) -> None:
    it.add(past_run(1))
    answer = it.call("POST", f"/api/runs/bulk/{what}", selection)
    assert answer.status == 422
    if places is not None:
        assert [flaw["location"] for flaw in answer.json()["errors"]] == places
    assert it.left() == [numbered(1)]


def test_a_selection_is_needed(it: History) -> None:
    assert it.call("POST", "/api/runs/bulk/delete").status == 400


@pytest.mark.parametrize(
    ("filter_", "gone"),
    [
        ({}, [0, 1, 2, 3]),
        ({"status": ["failure"]}, [1, 3]),
        ({"status": ["success"], "task_name": ["t"]}, [0]),
        ({"group": "Post"}, [2, 3]),
        ({"group": "Nobody"}, []),
        ({"search": "MAI"}, [2, 3]),
        ({"exit_code_min": 2, "exit_code_max": 2}, [3]),
        ({"created_after": "2026-11-24T12:00:01Z", "created_before": "2026-11-24T12:00:02Z"}, [1, 2]),
    ],
)
def test_a_bulk_call_reaches_what_a_list_with_the_same_filter_shows(
    it: History, filter_: dict[str, object], gone: list[int]
) -> None:
    table = it.add(past_run(0), failed_run(1), past_run(2, "mail"), failed_run(3, "mail", exit_code=2))
    answer = bulk(it, "delete", {"match_all": True, "filter": filter_})
    assert answer == {"affected": len(gone), "skipped": [], "created": []}
    assert it.left() == [run.id for number, run in enumerate(table) if number not in gone]


def test_exceptions_stay(it: History) -> None:
    it.add(*(past_run(number) for number in range(600)))
    kept = [numbered(5), numbered(400), numbered(9999)]
    assert bulk(it, "delete", {"match_all": True, "except_ids": kept})["affected"] == 598
    assert it.left() == [numbered(5), numbered(400)]


# Deletion


def test_a_deletion_takes_logs_and_rows_and_tells_of_each(tmp_path: Path) -> None:
    it = History(CONFIG, tmp_path)
    table = it.add(past_run(1), past_run(2), past_run(3))
    for run in table:
        paths = log_paths(tmp_path, run.task_name, run.id, run.created_at)
        paths.directory.mkdir(exist_ok=True)
        paths.log.write_bytes(b"hello\n")
    assert bulk(it, "delete", of(1, 3))["affected"] == 2
    assert it.deleted() == [numbered(1), numbered(3)]
    assert [path.name for path in tmp_path.rglob("*.log")] == [
        log_paths(tmp_path, "t", numbered(2), table[1].created_at).log.name
    ]


@pytest.mark.parametrize("is_by_id", [False, True])
def test_what_is_not_over_is_not_deleted(it: History, is_by_id: bool) -> None:
    it.add(past_run(1), waiting_run(2), waiting_run(3, status=Status.RUNNING, start_at=NOON))
    answer = bulk(it, "delete", of(1, 2, 3, 4, 1) if is_by_id else OF_ALL)
    assert answer["affected"] == 1
    unknown = {numbered(4): "unknown"} if is_by_id else {}
    assert skipped(answer) == {numbered(2): "active", numbered(3): "active", **unknown}
    assert it.left() == [numbered(2), numbered(3)]


def test_a_deletion_of_many_goes_in_steps(it: History) -> None:
    it.add(*(past_run(number) for number in range(2 * STEP_RUNS + 100)))
    assert bulk(it, "delete", OF_ALL)["affected"] == 2 * STEP_RUNS + 100
    assert it.steps == [STEP_RUNS, STEP_RUNS, 100]


def test_waiting_retries_of_deleted_runs_do_not_come(it: History) -> None:
    it.fire("retrying")
    it.exit(1)
    assert bulk(it, "delete", OF_ALL)["affected"] == 1
    it.stage.clock.advance(100)
    it.stage.settle()
    assert it.left() == []


# Stops


@pytest.mark.parametrize("is_by_id", [False, True])
def test_a_stop_reaches_what_runs_and_what_waits(it: History, is_by_id: bool) -> None:
    it.add(past_run(1), failed_run(2))
    running, queued = it.fire("t"), it.fire("t")
    it.stage.spawner.of(running).ignores.add(SIGTERM)
    ids = [numbered(1), numbered(2), numbered(3), running.id, queued.id]
    answer = bulk(it, "stop", {"ids": ids} if is_by_id else OF_ALL)
    assert answer["affected"] == 2
    unknown = {numbered(3): "unknown"} if is_by_id else {}
    assert skipped(answer) == {numbered(1): "ended", numbered(2): "ended", **unknown}
    assert it.stage.row(queued).end_reason is EndReason.STOPPED
    assert it.stage.row(running).status is Status.RUNNING
    assert it.call("GET", f"/api/runs/{running.id}").json()["stopping"] is True


def test_a_stop_of_what_matches_leaves_the_rest_alone(it: History) -> None:
    stopped, other = it.fire("mail"), it.fire("t")
    answer = bulk(it, "stop", {"match_all": True, "filter": {"group": "Post"}})
    assert answer["affected"] == 1
    assert it.stage.row(stopped).end_reason is EndReason.STOPPED
    assert it.stage.row(other).status is Status.RUNNING


def test_only_the_first_thousand_that_were_passed_over_are_listed(it: History) -> None:
    it.add(*(past_run(number) for number in range(1100)))
    run = it.fire("mail")
    answer = bulk(it, "stop", {**OF_ALL, "except_ids": [numbered(1099)]})
    assert answer["affected"] == 1
    assert [item["id"] for item in answer["skipped"]] == [numbered(number) for number in range(1098, 98, -1)]
    assert it.stage.row(run).end_reason is EndReason.STOPPED


def test_of_runs_that_are_named_all_that_were_passed_over_are_listed(it: History) -> None:
    it.add(*(past_run(number) for number in range(1100)))
    assert len(bulk(it, "stop", of(*range(1200)))["skipped"]) == 1200


# Re-runs


@pytest.mark.parametrize("is_by_id", [False, True])
def test_each_task_is_fired_once_whatever_number_of_its_runs_is_selected(it: History, is_by_id: bool) -> None:
    it.add(past_run(1), failed_run(2), past_run(3, "mail"), waiting_run(4, "mail"))
    answer = bulk(it, "rerun", of(1, 2, 3, 4, 9) if is_by_id else OF_ALL)
    assert answer["affected"] == 2
    assert [run["task_name"] for run in answer["created"]] == ["mail", "t"]
    assert {(run["triggered_by"], run["trigger_source"]) for run in answer["created"]} == {("api", None)}
    assert skipped(answer) == ({numbered(9): "unknown"} if is_by_id else {})
    assert len(it.stage.children) == 2


@pytest.mark.parametrize("is_by_id", [False, True])
def test_a_re_run_passes_over_what_nobody_may_fire(it: History, is_by_id: bool) -> None:
    it.add(past_run(1, "locked"), past_run(2, "locked"), past_run(3, "web"), past_run(4, "gone"), past_run(5))
    answer = bulk(it, "rerun", of(1, 2, 3, 4, 5) if is_by_id else OF_ALL)
    assert skipped(answer) == {
        numbered(1): "locked",
        numbered(2): "locked",
        numbered(3): "service",
        numbered(4): "removed",
    }
    assert [run["task_name"] for run in answer["created"]] == ["t"]


def test_a_re_run_of_what_matches_looks_at_every_condition(it: History) -> None:
    it.add(past_run(1), failed_run(2, "mail"), failed_run(3, "locked"))
    selection = {"match_all": True, "filter": {"status": ["failure"]}, "except_ids": [numbered(3)]}
    answer = bulk(it, "rerun", selection)
    assert [run["task_name"] for run in answer["created"]] == ["mail"]
    assert answer["skipped"] == []


def test_a_firing_that_is_refused_is_a_run_all_the_same(it: History) -> None:
    running = it.fire("single")
    answer = bulk(it, "rerun", {"ids": [running.id]})
    assert answer["affected"] == 1
    assert [run["end_reason"] for run in answer["created"]] == ["skipped"]


def test_a_daemon_that_shuts_down_re_runs_nothing(it: History) -> None:
    it.add(past_run(1))
    it.stage.resources.background.start("shutdown", it.engine.shut_down(10.0))
    it.stage.settle()
    answer = it.call("POST", "/api/runs/bulk/rerun", of(1))
    assert answer.status == 503
    assert it.left() == [numbered(1)]
