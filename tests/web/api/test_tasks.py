from __future__ import annotations

from collections.abc import Callable
from signal import SIGTERM
from sqlite3 import Cursor
from typing import TypeVar

import pytest
from twisted.internet.defer import Deferred

from runwisp.model import EndReason, Status
from tests.web.api.running import Running
from tests.web.requests import Response

T = TypeVar("T")

CONFIG = """
[tasks.hand]
run = "true"
[tasks.skipping]
run = "true"
on_overlap = "skip"
[tasks.locked]
run = "true"
cron = "0 * * * *"
api_trigger = false
[tasks.nightly]
run = "true"
cron = "0 2 * * *"
timezone = "Europe/Bratislava"
[tasks.retrying]
run = "true"
retry_attempts = 1
retry_delay = "60s"
[services.web]
run = "true"
instances = 2
[services.idle]
run = "true"
autostart = false
"""


@pytest.fixture
def it() -> Running:
    return Running(CONFIG)


def problem(response: Response) -> tuple[int, str]:
    return response.status, response.json()["type"].removeprefix("urn:runwisp:problem:")


# What is configured, and how it is


def test_units_are_listed_by_name_with_their_last_runs(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    listed = it.get("/api/tasks").json()
    names = ["hand", "idle", "locked", "nightly", "retrying", "skipping", "web"]
    assert [item["name"] for item in listed["items"]] == names
    assert (listed["total"], listed["next_cursor"]) == (7, None)
    last_runs = {item["name"]: item["last_run"] for item in listed["items"]}
    assert last_runs["hand"]["id"] == it.rows("hand")[0].id
    assert last_runs["web"]["replica_index"] == 1
    assert [name for name, last in last_runs.items() if last] == ["hand", "web"]


def test_a_list_of_any_number_of_units_takes_one_statement(
    it: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    read = it.stage.database.read

    def watched(work: Callable[[Cursor], T]) -> Deferred[T]:
        def traced(cursor: Cursor) -> T:
            cursor.connection.set_trace_callback(statements.append)
            try:
                return work(cursor)
            finally:
                cursor.connection.set_trace_callback(None)

        return read(traced)

    monkeypatch.setattr(it.stage.database, "read", watched)
    assert it.get("/api/tasks").status == 200
    assert len(statements) == 1


def test_a_task_is_shown_with_its_configuration_and_nothing_secret() -> None:
    it = Running(
        """
        [defaults]
        keep_runs = 50
        [tasks.t]
        run = "make backup"
        cron = "0 2 * * *"
        timezone = "Europe/Bratislava"
        catch_up = 3
        umask = "027"
        timeout = "30m"
        env = { LANG = "C" }
        secrets = { TOKEN = "hush" }
        notify_on_failure = ["inapp"]
        """
    )
    response = it.get("/api/tasks/t")
    assert b"hush" not in response.body
    assert b"TOKEN" not in response.body
    assert response.json() == {
        "name": "t",
        "kind": "task",
        "group": None,
        "description": None,
        "run": "make backup",
        "api_trigger": True,
        "cron": "0 2 * * *",
        "timezone": "Europe/Bratislava",
        "run_on_start": None,
        "catch_up": "all",
        "catch_up_limit": 3,
        "parallelism": 1,
        "on_overlap": "queue",
        "max_queued": 100,
        "timeout": 1800,
        "graceful_stop": 5,
        "stop_signal": "SIGTERM",
        "retry_attempts": 0,
        "retry_delay": 5,
        "retry_backoff": "constant",
        "instances": None,
        "restart": None,
        "restart_delay": None,
        "restart_backoff": None,
        "healthy_after": None,
        "restart_attempts": None,
        "autostart": None,
        "priority": None,
        "depends_on": None,
        "failures": [
            "failed",
            "timeout",
            "crashed",
            "log_overflow",
            "start_failed",
            "unhealthy",
            "missed",
        ],
        "log_max_size": 104857600,
        "log_on_full": "drop_old",
        "keep_runs": 50,
        "keep_for": None,
        "notify_on_failure": ["inapp"],
        "notify_on_success": [],
        "env": {"LANG": "C"},
        "env_base": "inherit",
        "env_file": None,
        "secrets_file": None,
        "working_dir": None,
        "shell": "/bin/sh",
        "umask": "0027",
        "user": None,
        "jitter": None,
        "params": None,
        "health_check": None,
        "compose": None,
        "source": None,
        "source_file": None,
        "next_run_at": "2026-11-25T01:00:00.000Z",
        "active_runs": 0,
        "queued_runs": 0,
        "last_run": None,
        "service": None,
        "paused_at": None,
        "held_by": None,
        "usage": None,
    }


def test_a_service_is_shown_with_its_replicas(it: Running) -> None:
    it.exit(it.child(1), 7)
    shown = it.get("/api/tasks/web").json()
    first, second = it.rows("web")
    assert shown["kind"] == "service"
    assert {
        key: shown[key] for key in ("cron", "parallelism", "max_queued", "retry_attempts", "catch_up")
    } == {
        "cron": None,
        "parallelism": None,
        "max_queued": None,
        "retry_attempts": None,
        "catch_up": None,
    }
    assert (shown["instances"], shown["autostart"], shown["depends_on"]) == (2, True, [])
    assert (shown["active_runs"], shown["queued_runs"], shown["next_run_at"]) == (1, 0, None)
    assert shown["last_run"]["id"] == second.id
    assert shown["service"] == {
        "state": "degraded",
        "running": 1,
        "replicas": [
            {
                "replica_index": 0,
                "state": "running",
                "run_id": first.id,
                "start_at": "2026-11-24T12:00:00.000Z",
                "next_start_at": None,
                "restarts": 0,
                "failed_starts": 0,
                "last_exit_code": None,
            },
            {
                "replica_index": 1,
                "state": "restarting",
                "run_id": None,
                "start_at": None,
                "next_start_at": "2026-11-24T12:00:01.000Z",
                "restarts": 0,
                "failed_starts": 1,
                "last_exit_code": 7,
            },
        ],
    }


def test_what_runs_and_waits_is_counted_and_a_stop_shows_on_the_last_run(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    it.post("/api/tasks/hand/trigger")
    shown = it.get("/api/tasks/hand").json()
    assert (shown["active_runs"], shown["queued_runs"]) == (1, 1)
    it.exit(it.child())
    it.child().ignores.add(SIGTERM)
    shown = it.post("/api/tasks/hand/stop").json()
    assert (shown["active_runs"], shown["queued_runs"]) == (1, 0)
    assert (shown["last_run"]["status"], shown["last_run"]["stopping"]) == ("running", True)


@pytest.mark.parametrize(
    "path", ["", "/next-runs", "/trigger", "/start", "/stop", "/restart", "/pause", "/resume"]
)
def test_an_unknown_name_is_not_found_and_the_nearest_is_named(it: Running, path: str) -> None:
    method = it.get if path in ("", "/next-runs") else it.post
    response = method(f"/api/tasks/hnad{path}")
    assert problem(response) == (404, "not-found")
    assert "hand" in response.json()["detail"]


# Coming slots


def test_the_coming_slots_are_listed_with_the_time_changes_applied() -> None:
    it = Running('[tasks.t]\nrun = "true"\ncron = "30 2 28,29 3,10 *"\ntimezone = "Europe/Bratislava"\n')
    listed = it.get("/api/tasks/t/next-runs?limit=9").json()
    assert [text.removesuffix(":00.000Z") for text in listed["items"]] == [
        "2027-03-28T01:00",
        "2027-03-29T00:30",
        "2027-10-28T00:30",
        "2027-10-29T00:30",
        "2028-03-28T00:30",
        "2028-03-29T00:30",
        "2028-10-28T00:30",
        "2028-10-29T00:30",
        "2029-03-28T00:30",
    ]
    assert listed["next_cursor"] is None


def test_five_slots_are_listed_unless_more_are_asked_for(it: Running) -> None:
    def count(query: str) -> int:
        return len(it.get(f"/api/tasks/nightly/next-runs{query}").json()["items"])

    assert (count(""), count("?limit=1"), count("?limit=100")) == (5, 1, 100)


@pytest.mark.parametrize("limit", ["0", "101", "ten", ""])
def test_a_limit_out_of_range_is_refused(it: Running, limit: str) -> None:
    response = it.get(f"/api/tasks/nightly/next-runs?limit={limit}")
    assert problem(response) == (422, "invalid")
    assert response.json()["errors"][0]["location"] == "query.limit"


def test_no_slots_come_without_a_schedule_or_while_it_is_paused(it: Running) -> None:
    assert it.get("/api/tasks/hand/next-runs").json()["items"] == []
    assert it.get("/api/tasks/web/next-runs").json()["items"] == []
    it.post("/api/tasks/nightly/pause")
    assert it.get("/api/tasks/nightly/next-runs").json()["items"] == []


# Trigger


def test_a_trigger_creates_a_run_and_says_where_it_is(it: Running) -> None:
    response = it.post("/api/tasks/hand/trigger?via=ui", json={})
    (row,) = it.rows("hand")
    assert (response.status, response.headers["location"]) == (201, f"/api/runs/{row.id}")
    shown = response.json()
    assert (shown["id"], shown["status"], shown["start_at"]) == (
        row.id,
        "running",
        "2026-11-24T12:00:00.000Z",
    )
    assert (shown["triggered_by"], shown["trigger_source"]) == ("api", "ui")


def test_a_trigger_that_the_overlap_rule_refuses_is_an_ended_run(it: Running) -> None:
    it.post("/api/tasks/skipping/trigger")
    response = it.post("/api/tasks/skipping/trigger?wait=true")
    shown = response.json()
    assert (response.status, shown["status"], shown["end_reason"]) == (201, "ended", "skipped")
    assert shown["message"] == "a previous run was still in flight"


def test_a_trigger_of_a_full_queue_is_an_ended_run() -> None:
    it = Running('[tasks.t]\nrun = "true"\nmax_queued = 0\n')
    it.post("/api/tasks/t/trigger")
    response = it.post("/api/tasks/t/trigger")
    assert (response.status, response.json()["end_reason"]) == (201, "queue_full")


def test_a_trigger_starts_a_replica_in_the_lowest_free_slot(it: Running) -> None:
    response = it.post("/api/tasks/idle/trigger?via=cli")
    assert (response.status, response.json()["replica_index"]) == (201, 0)
    it.exit(it.child(0))
    response = it.post("/api/tasks/web/trigger")
    assert (response.json()["status"], response.json()["replica_index"]) == ("running", 0)
    response = it.post("/api/tasks/web/trigger")
    assert (response.status, response.json()["end_reason"]) == (201, "skipped")


def test_a_trigger_that_waits_is_answered_with_the_end_of_the_run(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/trigger?wait=true")
    it.wait(60)
    assert not waiting.has_head
    it.exit(it.child(), 3)
    shown = waiting.response
    assert (shown.status, shown.json()["status"], shown.json()["exit_code"]) == (201, "ended", 3)
    assert shown.headers["location"].endswith(it.rows("hand")[0].id)


def test_a_queued_trigger_that_waits_is_answered_when_its_turn_is_over(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    waiting = it.begin("/api/tasks/hand/trigger?wait=true")
    it.exit(it.child(), 3)
    assert not waiting.has_head
    it.exit(it.child(), 0)
    assert waiting.response.json()["end_reason"] == "success"


@pytest.mark.parametrize(
    ("query", "limit_s"), [("", 120), ("&wait_timeout=1", 1), ("&wait_timeout=240", 240)]
)
def test_a_wait_that_is_over_is_answered_with_the_run_as_it_stands(
    it: Running, query: str, limit_s: int
) -> None:
    it.post("/api/tasks/hand/trigger")
    waiting = it.begin(f"/api/tasks/hand/trigger?wait=true{query}")
    it.wait(limit_s - 0.5)
    assert not waiting.has_head
    it.exit(it.child())
    it.wait(0.5)
    assert (waiting.response.status, waiting.response.json()["status"]) == (201, "running")
    assert it.rows("hand")[1].status is Status.RUNNING


@pytest.mark.parametrize("timeout", ["0", "241", "1.5", "soon"])
def test_a_time_to_wait_out_of_range_is_refused(it: Running, timeout: str) -> None:
    response = it.post(f"/api/tasks/hand/trigger?wait=true&wait_timeout={timeout}")
    assert problem(response) == (422, "invalid")
    assert it.rows("hand") == []


@pytest.mark.parametrize("query", ["via=hook", "via=me", "wait=1", "wiat=true", "via=ui&via=cli"])
def test_a_query_that_is_not_known_is_refused(it: Running, query: str) -> None:
    assert problem(it.post(f"/api/tasks/hand/trigger?{query}")) == (422, "invalid")
    assert it.rows("hand") == []


def test_a_body_that_says_something_unknown_is_refused(it: Running) -> None:
    assert problem(it.post("/api/tasks/hand/trigger", json={"parms": {}})) == (422, "invalid")
    assert it.rows("hand") == []


def test_a_client_that_leaves_while_it_waits_leaves_the_run_alone(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/trigger?wait=true")
    waiting.leave()
    it.wait(1)
    assert it.child().is_alive
    it.exit(it.child())
    assert it.rows("hand")[0].end_reason is EndReason.SUCCESS


# Start


def test_a_start_fires_an_idle_task_once(it: Running) -> None:
    response = it.post("/api/tasks/hand/start?via=cli")
    (row,) = it.rows("hand")
    assert (response.status, response.json()["last_run"]["id"]) == (202, row.id)
    assert row.trigger_source == "cli"
    for query in ("", "?wait=true"):
        again = it.post(f"/api/tasks/hand/start{query}")
        assert (again.status, again.json()["active_runs"]) == (200, 1)
    assert it.rows("hand") == [row]


def test_a_start_that_waits_is_complete_when_the_run_has_ended(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/start?wait=true")
    assert not waiting.has_head
    it.exit(it.child(), 1)
    assert waiting.response.status == 200
    assert waiting.response.json()["last_run"]["end_reason"] == "failed"


def test_a_start_that_waits_too_long_is_still_going_on(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/start?wait=true&wait_timeout=2")
    it.wait(2)
    assert waiting.response.status == 202


def test_a_start_fills_the_empty_slots_of_a_service(it: Running) -> None:
    assert it.post("/api/tasks/web/start").status == 200
    response = it.post("/api/tasks/idle/start?via=ui")
    assert response.status == 202
    assert response.json()["service"]["state"] == "running"
    assert response.json()["last_run"]["trigger_source"] == "ui"


def test_a_start_that_waits_is_complete_when_all_replicas_run(it: Running) -> None:
    assert it.begin("/api/tasks/idle/start?wait=true").response.status == 200
    it.child(0).exit(1)
    it.child(1).exit(1)
    it.stage.spawner.refusal = "no"
    waiting = it.begin("/api/tasks/web/start?wait=true")
    assert not waiting.has_head
    it.stage.spawner.refusal = None
    it.wait(1)
    assert waiting.response.status == 200
    assert waiting.response.json()["service"]["running"] == 2


def test_a_start_waits_for_no_replica_that_nobody_starts_any_more() -> None:
    it = Running('[services.s]\nrun = "true"\nautostart = false\nrestart_attempts = 0\n')
    it.stage.spawner.refusal = "no"
    waiting = it.begin("/api/tasks/s/start?wait=true")
    assert (waiting.response.status, waiting.response.json()["service"]["state"]) == (200, "fatal")


# Stop


def test_a_stop_of_what_is_idle_has_nothing_to_do(it: Running) -> None:
    assert it.post("/api/tasks/hand/stop").status == 200
    assert it.post("/api/tasks/idle/stop").status == 200


def test_a_stop_ends_what_runs_and_drops_what_waits(it: Running) -> None:
    for _ in range(2):
        it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    response = it.post("/api/tasks/hand/stop")
    assert (response.status, response.json()["queued_runs"]) == (202, 0)
    it.wait(5)
    assert [run.end_reason for run in it.rows("hand")] == [EndReason.STOPPED] * 2
    assert len(it.stage.children) == 3


def test_a_stop_that_waits_is_complete_when_nothing_is_active(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/stop?wait=true")
    assert not waiting.has_head
    it.wait(5)
    assert waiting.response.status == 200
    assert waiting.response.json()["last_run"]["end_reason"] == "stopped"


def test_a_stop_drops_a_waiting_retry_and_that_is_all(it: Running) -> None:
    it.post("/api/tasks/retrying/trigger")
    it.exit(it.child(), 1)
    assert it.get("/api/tasks/retrying").json()["last_run"]["next_retry_at"] is not None
    response = it.post("/api/tasks/retrying/stop")
    assert (response.status, response.json()["last_run"]["next_retry_at"]) == (200, None)
    it.wait(120)
    assert len(it.rows("retrying")) == 1


def test_a_stop_leaves_the_schedule_and_is_allowed_where_starting_is_not(it: Running) -> None:
    assert it.post("/api/tasks/locked/stop").status == 200
    it.wait(3600)
    assert len(it.rows("locked")) == 1
    assert it.post("/api/tasks/locked/stop").status == 202


def test_a_service_that_is_stopped_stays_down(it: Running) -> None:
    for child in it.stage.children:
        child.ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/web/stop?wait=true")
    assert not waiting.has_head
    it.wait(5)
    shown = waiting.response.json()["service"]
    assert (waiting.response.status, shown["state"], shown["running"]) == (200, "stopped", 0)
    it.wait(600)
    assert it.stage.spawner.alive == []


# Restart


def test_a_restart_of_an_idle_task_fires_it(it: Running) -> None:
    response = it.post("/api/tasks/hand/restart?via=ui")
    (row,) = it.rows("hand")
    assert (response.status, response.json()["last_run"]["id"]) == (202, row.id)
    assert row.trigger_source == "ui"


def test_a_restart_stops_and_drops_first_and_then_fires_exactly_once(it: Running) -> None:
    for _ in range(3):
        it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    for _ in range(2):
        response = it.post("/api/tasks/hand/restart")
        assert (response.status, response.json()["active_runs"], response.json()["queued_runs"]) == (
            202,
            1,
            0,
        )
    assert len(it.rows("hand")) == 3
    it.wait(5)
    assert [run.end_reason for run in it.rows("hand")] == [*[EndReason.STOPPED] * 3, None]


def test_a_restart_that_waits_is_complete_when_the_new_run_has_ended(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/restart?wait=true&wait_timeout=20")
    it.wait(5)
    assert not waiting.has_head
    it.exit(it.child(), 0)
    assert (waiting.response.status, waiting.response.json()["last_run"]["end_reason"]) == (200, "success")


def test_the_time_to_wait_covers_the_stop_and_the_new_run(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/restart?wait=true&wait_timeout=8")
    it.wait(5)
    assert len(it.rows("hand")) == 2
    it.wait(3)
    assert (waiting.response.status, waiting.response.json()["last_run"]["status"]) == (202, "running")


def test_a_restart_goes_on_when_its_client_has_left_or_waits_no_more(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    it.begin("/api/tasks/hand/restart?wait=true").leave()
    it.wait(5)
    assert [run.status for run in it.rows("hand")] == ["ended", "running"]
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/restart?wait=true&wait_timeout=1")
    it.wait(1)
    assert waiting.response.status == 202
    it.wait(4)
    assert [run.status for run in it.rows("hand")] == ["ended", "ended", "running"]


def test_a_stop_calls_off_a_restart_and_its_client_learns_that(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/restart?wait=true")
    it.post("/api/tasks/hand/stop")
    assert waiting.has_head
    it.wait(5)
    assert len(it.rows("hand")) == 1


def test_a_restart_that_a_reload_makes_impossible_is_given_up(it: Running) -> None:
    it.post("/api/tasks/hand/trigger")
    it.child().ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/hand/restart?wait=true")
    it.reload("")
    it.wait(5)
    assert problem(waiting.response) == (404, "not-found")


def test_a_restart_gives_every_replica_a_new_process(it: Running) -> None:
    for child in it.stage.children:
        child.ignores.add(SIGTERM)
    waiting = it.begin("/api/tasks/web/restart?wait=true&via=cli")
    assert not waiting.has_head
    assert it.get("/api/tasks/web").json()["service"]["state"] == "degraded"
    it.wait(5)
    assert (waiting.response.status, waiting.response.json()["service"]["running"]) == (200, 2)
    assert len(it.rows("web")) == 4
    assert {run.trigger_source for run in it.rows("web")[2:]} == {"cli"}
    assert it.post("/api/tasks/idle/restart").status == 202
    assert len(it.rows("idle")) == 1


# Pause and resume


def test_a_paused_task_skips_its_slots_until_it_is_resumed(it: Running) -> None:
    response = it.post("/api/tasks/nightly/pause")
    assert response.status == 200
    assert (response.json()["paused_at"], response.json()["next_run_at"]) == (
        "2026-11-24T12:00:00.000Z",
        None,
    )
    it.wait(3600)
    assert it.post("/api/tasks/nightly/pause").json()["paused_at"] == "2026-11-24T12:00:00.000Z"
    it.wait(86400)
    assert it.rows("nightly") == []
    for _ in range(2):
        response = it.post("/api/tasks/nightly/resume")
        assert (response.status, response.json()["paused_at"]) == (200, None)
        assert response.json()["next_run_at"] == "2026-11-26T01:00:00.000Z"
    it.wait(86400)
    assert [run.created_at for run in it.rows("nightly")] == [1_795_654_800_000]


def test_a_pause_is_answered_once_it_is_written(it: Running) -> None:
    commit = it.stage.database.hold()
    waiting = it.begin("/api/tasks/nightly/pause")
    assert not waiting.has_head
    commit()
    assert waiting.response.status == 200


@pytest.mark.parametrize("name", ["web", "hand", "locked"])
def test_what_has_no_schedule_to_rest_cannot_be_paused(it: Running, name: str) -> None:
    assert problem(it.post(f"/api/tasks/{name}/pause")) == (409, "wrong-kind")


@pytest.mark.parametrize("name", ["web", "hand", "locked", "nightly"])
def test_resuming_what_is_not_paused_has_no_effect(it: Running, name: str) -> None:
    assert it.post(f"/api/tasks/{name}/resume").status == 200


def test_pause_and_resume_do_not_wait(it: Running) -> None:
    assert problem(it.post("/api/tasks/nightly/pause?wait=true")) == (422, "invalid")


# Faults


@pytest.mark.parametrize("verb", ["trigger", "start", "restart"])
def test_a_locked_unit_is_not_fired(it: Running, verb: str) -> None:
    assert problem(it.post(f"/api/tasks/locked/{verb}")) == (403, "locked")
    assert it.rows("locked") == []


@pytest.mark.parametrize("verb", ["trigger", "start", "stop", "restart", "pause", "resume"])
def test_a_daemon_that_shuts_down_takes_no_orders(it: Running, verb: str) -> None:
    it.shut_down()
    response = it.post(f"/api/tasks/nightly/{verb}")
    assert problem(response) == (503, "shutting-down")
    assert "retry-after" in response.headers


@pytest.mark.parametrize("name", ["no%20name", "a%2Fb", "x" * 101])
def test_a_name_that_no_unit_can_have_is_refused(it: Running, name: str) -> None:
    assert it.get(f"/api/tasks/{name}").status == 422


def test_a_shutdown_answers_whoever_waits_for_a_run(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/trigger?wait=true")
    it.shut_down()
    assert waiting.response.json()["end_reason"] == "stopped"


def test_a_run_that_is_gone_when_time_is_over_is_shown_as_it_was(it: Running) -> None:
    waiting = it.begin("/api/tasks/hand/trigger?wait=true&wait_timeout=1")
    it.stage.database.now(lambda cursor: cursor.execute("DELETE FROM runs"))
    it.wait(1)
    assert waiting.response.json()["status"] == "running"
