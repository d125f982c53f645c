"""``runwisp runs`` and ``runwisp logs``, answered by a daemon."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.cli.calling import Outcome, runwisp
from tests.cli.history import OUT, RUN, History
from tests.client import resources
from tests.client.fake_daemon import (
    FakeDaemon,
    Hold,
    Reply,
    Request,
    Torn,
    answer,
    event,
    line,
    listed,
    problem,
    streamed,
)

ID = resources.run_id(1)


def pages(count: int, first: int = 1) -> Any:
    """A log of so many lines, in pages of at most three."""

    def serve(request: Request) -> Reply:
        limit = min(3, int(request.query["limit"]))
        start = int(request.query.get("from", count - limit + 1))
        lines = [line(n, str(n)) for n in range(max(first, start), count + 1)][:limit]
        return answer({"items": lines, "partials": [], "first_available": first, "total_lines": count})

    return serve


def runs_of(runs: list[resources.Document]) -> Any:
    """The list of runs, as far as the filters of the commands go."""

    def serve(request: Request) -> Reply:
        names = request.query.get("task_name", "").split(",")
        status = request.query.get("status")
        return listed([run for run in runs if run["task_name"] in names and status in (None, run["status"])])

    return serve


@pytest.fixture
def serves(daemon: FakeDaemon) -> FakeDaemon:
    """It has the units ``backup`` and ``web``, and a run of the first."""
    run = resources.run()
    daemon.on("GET", "/api/tasks", listed([resources.task("backup"), resources.service("web")]))
    daemon.on("GET", "/api/runs", runs_of([run]))
    daemon.on("GET", f"/api/runs/{ID}", answer(run))
    daemon.on("GET", f"/api/runs/{ID}/log", pages(8))
    return daemon


def test_runs_come_from_the_daemon_with_all_that_it_tells(serves: FakeDaemon) -> None:
    live = resources.live_run(2, stopping=True, of_a_newer_version=1)
    serves.on("GET", "/api/runs", listed([live]))
    document = runwisp("runs", "backup", "-n", "7", "--status", "running,failed,failure", "--json").document
    assert document == {"schema_version": 1, "runs": [live], "error": None}
    assert serves.asked("GET", "/api/runs")[-1].query == {
        "status": "running,failed,failure",
        "task_name": "backup",
        "limit": "7",
    }


def test_a_group_is_looked_up_by_the_daemon(serves: FakeDaemon) -> None:
    runwisp("runs", "--group", "")
    assert serves.asked("GET", "/api/runs")[-1].query == {"group": "", "limit": "20"}


def test_words_of_a_newer_daemon_are_shown(serves: FakeDaemon) -> None:
    serves.on("GET", "/api/runs", listed([resources.run(end_reason="gone_fishing", triggered_by="moon")]))
    done = runwisp("runs")
    assert done.code == 0
    assert "gone fishing" in done.out


def test_an_unknown_name_is_compared_with_those_of_the_daemon(serves: FakeDaemon) -> None:
    done = runwisp("runs", "bakcup")
    assert (done.code, done.err) == (
        1,
        "ERROR unknown task 'bakcup'\n\ndid you mean 'backup'?\nknown: backup, web\n",
    )


@pytest.mark.parametrize(
    ("number", "shown"),
    [([], range(1, 9)), (["-n", "4"], range(5, 9)), (["-n", "+2"], range(1, 3)), (["-n", "0"], [])],
)
def test_logs_come_from_the_daemon_page_by_page(
    serves: FakeDaemon, number: list[str], shown: list[int]
) -> None:
    done = runwisp("logs", "backup", *number)
    assert done == Outcome(0, "".join(f"{n}\n" for n in shown), f"backup {ID}: success, took 41.6s\n")


def test_lines_that_the_daemon_no_longer_has_are_told(serves: FakeDaemon) -> None:
    serves.on("GET", f"/api/runs/{ID}/log", pages(8, first=6))
    done = runwisp("logs", ID)
    assert done.out.splitlines() == ["6", "7", "8"]
    assert "older lines are gone, the first one available is 6" in done.err


def test_running_runs_are_shown_oldest_first(serves: FakeDaemon) -> None:
    newer = resources.live_run(3, task_name="web", replica_index=1)
    older = resources.live_run(2, task_name="web")
    serves.on("GET", "/api/runs", runs_of([newer, older]))
    for run in (newer, older):
        serves.on("GET", f"/api/runs/{run['id']}/log", pages(1))
    assert runwisp("logs", "w*").out == "web   | 1\nweb#1 | 1\n"


def test_a_socket_that_nobody_answers_at_leaves_the_data_directory(history: History, here: Path) -> None:
    history.add("backup", RUN, [(OUT, b"local\n")])
    with FakeDaemon(here / "data/runwisp.sock"):
        pass
    assert (here / "data/runwisp.sock").exists()
    assert runwisp("logs", "backup").out == "local\n"


@contextmanager
def following(*args: str) -> Iterator[subprocess.Popen[str]]:
    """``runwisp logs -f``, ended by Ctrl-C."""
    command = [sys.executable, "-m", "runwisp", "logs", "-f", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        deadline = Timer(30, child.kill)
        deadline.start()
        try:
            yield child
            child.send_signal(signal.SIGINT)
            assert child.wait(30) == 0
        finally:
            deadline.cancel()
            child.kill()


def read(child: subprocess.Popen[str], count: int) -> list[str]:
    assert child.stdout is not None
    return [child.stdout.readline().rstrip("\n") for _ in range(count)]


def stream(daemon: FakeDaemon, run: resources.Document, *texts: str, start: int = 1) -> None:
    """The log of a run, which is at its end if the run has ended."""
    lines = [line(n, text) for n, text in enumerate(texts, start)]
    end = event("done", {"run": run}) if run["status"] == "ended" else Hold()
    daemon.on("GET", f"/api/runs/{run['id']}/log/stream", streamed(event("lines", {"items": lines}), end))


def test_following_begins_with_ten_lines_and_goes_on_with_new_runs_until_ctrl_c(serves: FakeDaemon) -> None:
    second = resources.live_run(2)
    go = Hold()
    serves.on("GET", f"/api/runs/{ID}/log", pages(40))
    stream(serves, resources.run(), *map(str, range(31, 41)), start=31)
    stream(serves, second, "new")
    serves.on(
        "GET",
        "/api/events",
        streamed(
            go,
            event("run.created", {"run": resources.live_run(3, task_name="web")}, "aa-1"),
            event("run.created", {"run": {**second, "status": "pending"}}, "aa-2"),
            event("run.started", {"run": second}, "aa-3"),
            Hold(),
        ),
    )
    with following("backup") as child:
        assert read(child, 10) == [str(n) for n in range(31, 41)]
        go.set()
        assert read(child, 1) == ["new"]
    asked = serves.asked("GET", f"/api/runs/{ID}/log/stream")
    assert [request.query["from"] for request in asked] == ["31"]
    assert len(serves.asked("GET", f"/api/runs/{second['id']}/log/stream")) == 1


def test_new_runs_are_found_also_behind_a_gap_in_the_events(serves: FakeDaemon) -> None:
    second = resources.live_run(2)
    stream(serves, second, "new")
    serves.on("GET", "/api/runs", listed([]), listed([]), listed([second]))
    serves.on("GET", "/api/events", streamed(Torn), streamed(Hold()))
    with following("backup") as child:
        assert read(child, 1) == ["new"]


def test_following_a_pattern_says_whose_each_line_is(serves: FakeDaemon) -> None:
    serves.on("GET", f"/api/runs/{ID}/log", pages(1))
    stream(serves, resources.run(), "x")
    serves.on("GET", "/api/events", streamed(Hold()))
    with following("back*") as child:
        assert read(child, 1) == ["backup | x"]


def test_a_second_replica_that_appears_makes_it_say_whose_each_line_is(serves: FakeDaemon) -> None:
    serves.on("GET", "/api/runs", listed([]))
    replicas = [resources.live_run(n, task_name="web", replica_index=n) for n in (0, 1)]
    created = [event("run.created", {"run": run}, f"aa-{n}") for n, run in enumerate(replicas)]
    stream(serves, replicas[0], "first")
    stream(serves, replicas[1], "second")
    go = Hold()
    serves.on("GET", "/api/events", streamed(created[0], go, created[1], Hold()))
    with following("web") as child:
        assert read(child, 1) == ["first"]
        go.set()
        assert read(child, 1) == ["web#1 | second"]


def test_following_runs_ends_with_them(serves: FakeDaemon) -> None:
    stream(serves, resources.run(), "x")
    assert runwisp("logs", "-f", ID) == Outcome(0, "x\n", f"backup {ID}: success, took 41.6s\n")


def test_following_a_run_that_is_deleted_meanwhile_ends(serves: FakeDaemon) -> None:
    serves.on("GET", f"/api/runs/{ID}/log/stream", problem(404, "not-found", "There is no such run."))
    done = runwisp("logs", "-f", ID)
    assert (done.code, done.err) == (0, f"backup {ID}: the run has been deleted\n")


def test_json_goes_on_line_by_line(serves: FakeDaemon) -> None:
    stream(serves, resources.run(), "x")
    done = runwisp("logs", "-f", ID, "--json")
    shown, end = map(json.loads, done.out.splitlines())
    assert (shown["type"], shown["text"]) == ("line", "x")
    assert end == {"type": "end", **resources.run()}


def test_following_ends_with_an_error_when_the_daemon_is_lost(
    serves: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runwisp.cli.follow.time.sleep", lambda seconds: None)
    serves.on("GET", f"/api/runs/{ID}/log/stream", streamed())
    done = runwisp("logs", "-f", ID)
    assert done.code == 1
    assert "the connection was lost" in done.err


def test_following_what_is_not_known_is_an_error(serves: FakeDaemon) -> None:
    serves.on("GET", "/api/events", streamed(Hold()))
    assert runwisp("logs", "-f", "bakcup") == Outcome(
        1, "", "ERROR unknown task 'bakcup'\n\ndid you mean 'backup'?\nknown: backup, web\n"
    )
