from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from signal import SIGTERM
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runwisp.logs.paths import log_paths
from runwisp.model import EndReason, Run, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.store import runs
from runwisp.units import format_time
from tests.web.api.history import NOON, History, failed_run, now, numbered, past_run, waiting_run
from tests.web.requests import Response

CONFIG = """
[tasks.t]
run = "true"
on_overlap = "queue"
[tasks.mail]
run = "true"
group = "Post"
[tasks.retrying]
run = "true"
retry_attempts = 2
retry_delay = "1m"
[services.web]
run = "true"
group = "Post"
"""


@pytest.fixture
def it() -> History:
    return History(CONFIG)


def code(response: Response) -> tuple[int, str]:
    return response.status, response.json()["type"].rpartition(":")[2]


# Lists


def test_runs_are_listed_newest_first_with_their_number(it: History) -> None:
    it.add(past_run(1), failed_run(2), past_run(3, "mail"))
    answer = it.call("GET", "/api/runs").json()
    assert [item["id"] for item in answer["items"]] == [numbered(3), numbered(2), numbered(1)]
    assert answer["total"] == 3
    assert answer["next_cursor"] is None


def test_a_run_has_every_field_in_the_list_and_alone(it: History) -> None:
    it.add(
        failed_run(
            2,
            triggered_by=TriggeredBy.API,
            trigger_source=TriggerSource.UI,
            retry_attempt=1,
            retry_of_run_id=numbered(1),
            message="exit code 1",
            peak_memory_bytes=48234496,
            cpu_time=3.41,
        )
    )
    (item,) = it.call("GET", "/api/runs").json()["items"]
    assert item == {
        "id": numbered(2),
        "task_name": "t",
        "status": "ended",
        "end_reason": "failed",
        "exit_code": 1,
        "is_failure": True,
        "message": "exit code 1",
        "created_at": "2026-11-24T12:00:02.000Z",
        "start_at": "2026-11-24T12:00:02.000Z",
        "end_at": "2026-11-24T12:00:03.000Z",
        "duration": 1.0,
        "triggered_by": "api",
        "trigger_source": "ui",
        "retry_attempt": 1,
        "retry_of_run_id": numbered(1),
        "next_retry_at": None,
        "replica_index": 0,
        "stopping": False,
        "params": None,
        "peak_memory_bytes": 48234496,
        "cpu_time": 3.41,
    }
    assert it.call("GET", f"/api/runs/{numbered(2)}").json() == item


def pages(it: History, query: str) -> Iterator[list[str]]:
    cursor = ""
    while True:
        answer = it.begin("GET", f"/api/runs?{query}{cursor}").response.json()
        yield [item["id"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            return
        assert answer["items"]
        cursor = f"&cursor={quote(answer['next_cursor'])}"


@pytest.mark.parametrize(
    ("order", "expected"), [("desc", [[5, 4], [3, 2], [1, 0]]), ("asc", [[0, 1], [2, 3], [4, 5]])]
)
def test_pages_follow_each_other_and_the_last_one_says_so(
    it: History, order: str, expected: list[list[int]]
) -> None:
    it.add(*(past_run(number) for number in range(6)))
    found = list(pages(it, f"limit=2&order={order}"))
    assert found == [[numbered(number) for number in page] for page in expected]


def test_only_the_first_page_has_the_total(it: History) -> None:
    it.add(past_run(1), past_run(2))
    first = it.call("GET", "/api/runs?limit=1").json()
    second = it.call("GET", f"/api/runs?limit=1&cursor={first['next_cursor']}").json()
    assert (first["total"], second["total"]) == (2, None)


def test_a_page_may_have_another_length_than_the_one_before(it: History) -> None:
    it.add(*(past_run(number) for number in range(4)))
    cursor = it.call("GET", "/api/runs?limit=1").json()["next_cursor"]
    assert it.listed(f"?limit=9&cursor={cursor}") == [numbered(2), numbered(1), numbered(0)]


@pytest.mark.parametrize("other", ["order=asc", "task_name=t", "status=failure", "search=t", "group="])
def test_a_cursor_of_another_list_is_refused(it: History, other: str) -> None:
    it.add(past_run(1), past_run(2))
    cursor = it.call("GET", "/api/runs?limit=1").json()["next_cursor"]
    answer = it.call("GET", f"/api/runs?limit=1&{other}&cursor={cursor}")
    assert code(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["location"] == "query.cursor"


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%FF", "." * 512, "A" * 513, ""])
def test_a_cursor_that_is_none_is_refused(it: History, cursor: str) -> None:
    assert it.call("GET", f"/api/runs?cursor={cursor}").status in (400, 422)


def test_a_cursor_outlives_a_reload_that_moves_units_between_groups(it: History) -> None:
    it.add(past_run(1, "mail"), past_run(2, "mail"))
    cursor = it.call("GET", "/api/runs?limit=1&group=Post").json()["next_cursor"]
    it.reload('[tasks.mail]\nrun = "true"\ngroup = "Post"\n')
    assert it.listed(f"?limit=1&group=Post&cursor={cursor}") == [numbered(1)]


FILTERED = [
    past_run(1, created_at=NOON),
    failed_run(2, end_reason=EndReason.TIMEOUT, exit_code=-1),
    failed_run(3, "mail", exit_code=7, retry_attempt=1, retry_of_run_id=numbered(2)),
    past_run(4, "web", end_reason=EndReason.STOPPED, exit_code=3, triggered_by=TriggeredBy.SERVICE),
    past_run(5, "gone_away", end_reason=EndReason.MISSED, exit_code=-1, is_failure=True, start_at=None),
    waiting_run(6, "mail", triggered_by=TriggeredBy.API, trigger_source=TriggerSource.CLI),
    waiting_run(7, status=Status.RUNNING, start_at=NOON, triggered_by=TriggeredBy.API),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=pending", [6]),
        ("status=pending,running", [7, 6]),
        ("status=ended", [5, 4, 3, 2, 1]),
        ("status=success,stopped", [4, 1]),
        ("status=failure", [5, 3, 2]),
        ("status=failure,pending", [6, 5, 3, 2]),
        ("task_name=mail", [6, 3]),
        ("task_name=mail,web,unheard-of", [6, 4, 3]),
        ("task_name=mai", []),
        ("group=Post", [6, 4, 3]),
        ("group=Post&task_name=web,t", [4]),
        ("group=", [7, 2, 1]),
        ("group=Nobody", []),
        (f"retry_of_run_id={numbered(2)}", [3]),
        ("triggered_by=api,service", [7, 6, 4]),
        ("trigger_source=cli", [6]),
        (f"created_after={format_time(UnixMs(NOON + 6000))}", [7, 6]),
        (f"created_before={format_time(NOON)}", [1]),
        ("created_after=2026-11-24T13:00:06%2B01:00&created_before=2026-11-24T12:00:06Z", [6]),
        ("exit_code_min=3", [4, 3]),
        ("exit_code_max=-1", [5, 2]),
        ("exit_code_min=3&exit_code_max=3", [4]),
        ("retries_only=true", [3]),
        ("search=GONE_A", [5]),
        ("search=_", [5]),
        ("search=%25", []),
        ("search=c3k5000004", [4]),
        ("status=failure&task_name=mail&exit_code_min=7&search=MAIL&retries_only=true", [3]),
    ],
)
def test_a_filter_leaves_what_matches_all_of_it_and_counts_that(
    it: History, query: str, expected: list[int]
) -> None:
    it.add(*FILTERED)
    answer = it.call("GET", f"/api/runs?{query}").json()
    assert [item["id"] for item in answer["items"]] == [numbered(number) for number in expected]
    assert answer["total"] == len(expected)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "order=foo",
        "status=nonsense",
        "status=failed,",
        "limt=5",
        "search=",
        f"search={'x' * 257}",
        "created_after=2026-11-24",
        "created_after=2026-11-24T12:00:00",
        "exit_code_min=1.5",
        "retries_only=yes",
        "retry_of_run_id=abc",
        "triggered_by=hand",
        "sort=duration",
        "limit=5&limit=6",
    ],
)
def test_values_that_break_their_rule_are_refused(it: History, query: str) -> None:
    assert code(it.call("GET", f"/api/runs?{query}")) == (422, "invalid")


def test_moments_at_the_edges_of_time_are_no_trouble(it: History) -> None:
    it.add(past_run(1))
    query = "?created_after=0001-01-01T00:00:00Z&created_before=9999-12-31T23:59:59-12:00"
    assert it.listed(query) == [numbered(1)]


def test_more_matches_than_are_counted_have_no_total(it: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runwisp.web.api.runs.MOST_COUNTED", 2)
    it.add(failed_run(1), failed_run(2))
    assert it.call("GET", "/api/runs?status=failure").json()["total"] == 2
    it.add(failed_run(3))
    assert it.call("GET", "/api/runs?status=failure").json()["total"] is None
    assert it.call("GET", "/api/runs?task_name=t").json()["total"] == 3


@pytest.mark.parametrize(
    "query", ["?limit=2", "?limit=2&task_name=t,mail", "?limit=2&status=failure&search=t"]
)
def test_a_first_page_takes_two_statements_and_each_other_one(it: History, query: str) -> None:
    it.add(*(failed_run(number) for number in range(5)))
    with it.statements() as first:
        cursor = it.call("GET", f"/api/runs{query}").json()["next_cursor"]
    with it.statements() as second:
        it.call("GET", f"/api/runs{query}&cursor={cursor}")
    assert (len(first), len(second)) == (2, 1)


@settings(deadline=None, max_examples=25)
@given(st.data(), st.integers(20, 60), st.integers(1, 9), st.sampled_from(["asc", "desc"]))
def test_each_run_that_is_there_throughout_is_on_exactly_one_page(
    data: st.DataObject, count: int, limit: int, order: str
) -> None:
    it = History(CONFIG)
    # Several runs share each moment, so that ids decide.
    it.add(*(past_run(number, created_at=UnixMs(NOON + number // 4)) for number in range(count)))
    stayed, seen = {numbered(number) for number in range(count)}, list[str]()
    for turn, page in enumerate(pages(it, f"limit={limit}&order={order}")):
        seen += page
        if turn < count // 3:
            moment = UnixMs(NOON + data.draw(st.integers(-1, count // 4 + 1)))
            it.add(past_run(1000 + turn, created_at=moment))
            gone = data.draw(st.sampled_from(sorted(stayed)))
            stayed.discard(gone)
            assert it.call("DELETE", f"/api/runs/{gone}").status == 204
    assert stayed <= set(seen)
    assert len(seen) == len(set(seen))


# Sums


def test_a_summary_tells_failures_from_missed_runs(it: History) -> None:
    it.add(*FILTERED)
    assert it.call("GET", "/api/runs/summary").json() == {
        "total": 7,
        "success": 1,
        "failed": 2,
        "missed": 1,
        "last_failure_at": "2026-11-24T12:00:04.000Z",
    }


@pytest.mark.parametrize(
    ("query", "total", "failed"),
    [
        ("task_name=t", 3, 1),
        ("group=Post", 3, 1),
        ("group=", 3, 1),
        ("group=Nobody", 0, 0),
        ("task_name=mail&group=Post", 2, 1),
        (f"created_after={format_time(UnixMs(NOON + 3000))}", 5, 1),
        (f"created_before={format_time(UnixMs(NOON + 2000))}&task_name=t", 2, 1),
        (f"created_before={format_time(NOON)}&group=Nobody", 0, 0),
    ],
)
def test_a_summary_may_be_of_some_tasks_and_a_span_of_time(
    it: History, query: str, total: int, failed: int
) -> None:
    it.add(*FILTERED)
    answer = it.call("GET", f"/api/runs/summary?{query}").json()
    assert (answer["total"], answer["failed"]) == (total, failed)


def test_a_summary_takes_one_statement(it: History) -> None:
    with it.statements() as statements:
        it.call("GET", "/api/runs/summary")
    assert len(statements) == 1
    assert "run_totals" in statements[0]


def test_a_summary_takes_no_other_filter(it: History) -> None:
    assert code(it.call("GET", "/api/runs/summary?status=failed")) == (422, "invalid")


# One run


@pytest.mark.parametrize("run_id", ["not-a-ulid", numbered(1).lower(), "01JA9XQ4Z6M8T2V7C3K5N0RBHI"])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/stop")])
def test_what_is_no_id_is_refused(it: History, method: str, rest: str, run_id: str) -> None:
    answer = it.call(method, f"/api/runs/{run_id}{rest}")
    assert code(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["location"] == "path.id"


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/stop")])
def test_a_run_that_is_not_there_is_not_found(it: History, method: str, rest: str) -> None:
    assert code(it.call(method, f"/api/runs/{numbered(9)}{rest}")) == (404, "not-found")


# Deletion


def test_a_deletion_takes_the_log_and_the_row_and_is_told(tmp_path: Path) -> None:
    it = History(CONFIG, tmp_path)
    (run, _) = it.add(past_run(1), past_run(2))
    paths = log_paths(tmp_path, run.task_name, run.id, run.created_at)
    paths.directory.mkdir()
    paths.log.write_bytes(b"hello\n")
    assert it.call("DELETE", f"/api/runs/{run.id}").status == 204
    assert not paths.directory.exists()
    assert it.left() == [numbered(2)]
    assert it.deleted() == [run.id]
    assert it.call("GET", f"/api/runs/{run.id}").status == 404


def test_a_run_that_is_not_over_is_not_deleted(it: History) -> None:
    running, queued = it.fire("t"), it.fire("t")
    for run in (running, queued):
        answer = it.call("DELETE", f"/api/runs/{run.id}")
        assert code(answer) == (409, "wrong-state")
    assert it.left() == [running.id, queued.id]


def test_the_waiting_retry_of_a_deleted_run_does_not_come(it: History) -> None:
    run = it.fire("retrying")
    it.exit(1)
    assert it.call("GET", f"/api/runs/{run.id}").json()["next_retry_at"] is not None
    assert it.call("DELETE", f"/api/runs/{run.id}").status == 204
    it.stage.clock.advance(100)
    it.stage.settle()
    assert it.left() == []


def test_the_kept_sums_follow_a_deletion(it: History) -> None:
    it.add(failed_run(1), past_run(2))
    it.call("DELETE", f"/api/runs/{numbered(1)}")
    answer = it.call("GET", "/api/runs/summary").json()
    assert (answer["total"], answer["failed"]) == (1, 0)
    assert answer["last_failure_at"] == "2026-11-24T12:00:02.000Z"


# Stops


def test_a_running_run_is_stopping_until_it_has_ended(it: History) -> None:
    run = it.fire("t")
    it.stage.spawner.of(run).ignores.add(SIGTERM)
    for _ in range(2):
        answer = it.call("POST", f"/api/runs/{run.id}/stop")
        assert answer.status == 202
        assert (answer.json()["status"], answer.json()["stopping"]) == ("running", True)
    assert it.call("GET", "/api/runs").json()["items"][0]["stopping"] is True
    it.exit(0)
    ended = it.call("GET", f"/api/runs/{run.id}").json()
    assert (ended["status"], ended["stopping"]) == ("ended", False)


def test_a_queued_run_ends_at_once(it: History) -> None:
    it.fire("t")
    queued = it.fire("t")
    answer = it.call("POST", f"/api/runs/{queued.id}/stop")
    assert answer.status == 200
    assert (answer.json()["end_reason"], answer.json()["exit_code"]) == ("stopped", -1)


def test_a_stop_answers_when_the_end_of_a_queued_run_is_written(it: History) -> None:
    it.fire("t")
    queued = it.fire("t")
    commit = it.stage.database.hold()
    exchange = it.begin("POST", f"/api/runs/{queued.id}/stop")
    it.stage.settle()
    assert not exchange.has_head
    commit()
    assert exchange.response.json()["end_reason"] == "stopped"


def test_an_ended_run_is_not_stopped(it: History) -> None:
    it.add(past_run(1))
    assert code(it.call("POST", f"/api/runs/{numbered(1)}/stop")) == (409, "wrong-state")


def test_a_run_of_a_unit_that_nobody_may_fire_is_stopped_like_any_other() -> None:
    it = History('[tasks.locked]\nrun = "true"\ncron = "0 0 1 1 *"\napi_trigger = false\n')
    run: Run = now(it.engine.keepers["locked"].fire(TriggeredBy.CRON))
    it.stage.settle()
    assert it.call("POST", f"/api/runs/{run.id}/stop").status == 202


def test_ten_thousand_runs_are_paged_while_others_come_and_go(it: History) -> None:
    it.add(*(past_run(number, created_at=UnixMs(NOON + number // 7)) for number in range(10_000)))
    found = pages(it, "limit=1000")
    seen = next(found)
    seen += next(found)
    it.add(past_run(20_000), past_run(20_001, created_at=UnixMs(NOON + 700)))
    for number in (9_500, 8_001, 7_999, 300):
        it.stage.database.now(partial(runs.delete, run_id=numbered(number)))
    for page in found:
        seen += page
    stayed = {numbered(number) for number in range(10_000)} - {numbered(7_999), numbered(300)}
    assert len(seen) == len(set(seen))
    assert set(seen) - {numbered(20_001)} == stayed
