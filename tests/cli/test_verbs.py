"""``runwisp start``, ``stop``, ``restart``, ``pause`` and ``resume`` with targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Outcome, runwisp
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, Reply, Request, answer, listed, problem

ID = resources.run_id(1)
UNITS = [
    resources.task("db-dump"),
    resources.task("db-locked", api_trigger=False),
    resources.task("manual", cron=None),
    resources.service("web", running=1, instances=2),
]


@pytest.fixture
def serves(daemon: FakeDaemon) -> FakeDaemon:
    """It has some units, and does what it is asked to."""
    daemon.on("GET", "/api/tasks", listed(UNITS))
    for unit in UNITS:
        daemon.on("POST", f"/api/tasks/{unit['name']}/[a-z]+", answer(unit))
    return daemon


def posts(daemon: FakeDaemon) -> list[str]:
    return [request.path.removeprefix("/api/") for request in daemon.requests if request.method == "POST"]


def test_a_service_is_started_and_a_task_gets_a_run(serves: FakeDaemon) -> None:
    started = resources.task("db-dump", last_run=resources.live_run())
    serves.on("POST", "/api/tasks/db-dump/start", answer(started, 202))
    assert runwisp("start", "web", "db-dump", "manual") == Outcome(
        0, f"web: starting\ndb-dump: started run {ID}\nmanual: already active\n", ""
    )
    assert serves.asked("POST", "/api/tasks/db-dump/start")[0].query == {"via": "cli"}


def test_a_service_that_is_up_is_said_to_be(serves: FakeDaemon) -> None:
    serves.on("GET", "/api/tasks", listed([resources.service("web")]))
    assert runwisp("start", "web").out == "web: already running\n"


def test_stopping_says_whether_it_takes_a_while(serves: FakeDaemon) -> None:
    serves.on("POST", "/api/tasks/web/stop", answer(resources.service("web"), 202))
    serves.on("POST", f"/api/runs/{ID}/stop", answer(resources.live_run(stopping=True), 202))
    assert runwisp("stop", "web", "manual", ID) == Outcome(
        0, f"web: stopping\nmanual: stopped\n{ID}: stopping\n", ""
    )


def test_a_restart_is_a_new_run_or_will_be(serves: FakeDaemon) -> None:
    started = resources.task("db-dump", last_run=resources.live_run())
    serves.on("POST", "/api/tasks/db-dump/restart", answer(started, 202))
    assert runwisp("restart", "db-dump", "manual", "web").out == (
        f"db-dump: started run {ID}\nmanual: restarting\nweb: restarting\n"
    )


def test_schedules_rest_and_go_on(serves: FakeDaemon) -> None:
    assert runwisp("pause", "db-dump").out == "db-dump: paused\n"
    assert runwisp("resume", "db-dump").out == "db-dump: was not paused\n"
    paused = resources.task("db-dump", paused_at="2026-03-02T02:00:00.000Z")
    serves.on("GET", "/api/tasks", listed([paused]))
    assert runwisp("pause", "db-dump").out == "db-dump: already paused\n"
    assert runwisp("resume", "db-dump").out == "db-dump: resumed\n"


@pytest.mark.parametrize(
    ("verb", "meant"),
    [
        ("start", ["db-dump", "manual", "web"]),
        ("restart", ["db-dump", "manual", "web"]),
        ("stop", ["db-dump", "db-locked", "manual", "web"]),
        ("pause", ["db-dump"]),
        ("resume", ["db-dump", "db-locked"]),
    ],
)
def test_a_pattern_passes_over_what_the_verb_does_not_go_with(
    serves: FakeDaemon, verb: str, meant: list[str]
) -> None:
    assert runwisp(verb, "*").code == 0
    assert posts(serves) == [f"tasks/{name}/{verb}" for name in meant]


def test_what_is_meant_twice_is_done_once(serves: FakeDaemon) -> None:
    runwisp("stop", "web", "w*", "web")
    assert posts(serves) == ["tasks/web/stop"]


def test_what_fails_has_a_line_each_and_the_rest_is_done(serves: FakeDaemon) -> None:
    refusal = problem(403, "locked", "db-locked has api_trigger = false.")
    serves.on("POST", "/api/tasks/db-locked/start", refusal)
    serves.on("POST", "/api/tasks/manual/start", problem(409, "wrong-state", "Not now."))
    done = runwisp("start", "db-locked", "manual", "wbe", "nothing", "z*", "db-dmp*", "web")
    assert done == Outcome(
        1,
        "web: starting\n",
        "ERROR db-locked has api_trigger = false\n"
        "ERROR manual: not now\n"
        "ERROR unknown task 'wbe'; did you mean 'web'?\n"
        "ERROR unknown task 'nothing'; known: db-dump, db-locked, manual, web\n"
        "ERROR nothing to start matches 'z*'\n"
        "ERROR nothing to start matches 'db-dmp*'; did you mean 'db-dump'?\n",
    )


def test_a_run_that_is_not_there_or_over_is_an_error(serves: FakeDaemon) -> None:
    serves.on("POST", f"/api/runs/{ID}/stop", problem(409, "wrong-state", f"{ID} has ended."))
    serves.on(
        "POST", f"/api/runs/{resources.run_id(2)}/stop", problem(404, "not-found", "There is no such run.")
    )
    assert runwisp("stop", ID, resources.run_id(2)) == Outcome(
        1, "", f"ERROR {ID} has ended\nERROR {resources.run_id(2)}: there is no such run\n"
    )


@pytest.mark.parametrize("verb", ["start", "restart", "pause", "resume"])
def test_runs_can_only_be_stopped(serves: FakeDaemon, verb: str) -> None:
    done = runwisp(verb, "web", ID)
    assert (done.code, done.out) == (2, "")
    assert serves.requests == []


@pytest.mark.parametrize("verb", ["start", "pause", "resume"])
def test_without_targets_it_is_a_usage_error(here: Path, verb: str) -> None:
    assert runwisp(verb).code == 2


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "pause", "resume"])
def test_without_a_daemon_targets_are_an_error(here: Path, verb: str) -> None:
    done = runwisp(verb, "web")
    assert (done.code, done.out) == (1, "")
    assert "no daemon answers" in done.err


def test_losing_the_daemon_ends_it(serves: FakeDaemon) -> None:
    def leave(request: Request) -> Reply:
        serves.hang_up()
        return Reply()

    serves.on("POST", "/api/tasks/web/stop", leave)
    done = runwisp("stop", "web", "manual")
    assert (done.code, done.out) == (1, "")
