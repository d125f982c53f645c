"""The bell of the real daemon, as its clients see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runwisp.client.sse import EventReader
from tests.notify.servers import http_server
from tests.system.program import Daemon, is_alive, running, wait_until
from tests.system.talk import SocketConnection, ask

pytestmark = pytest.mark.system

FAILS = """
    [tasks.fails]
    run = "exit 3"
    [tasks.sleeps]
    run = "exec sleep 600"
"""


# Any: JSON of any shape.
def api(daemon: Daemon, method: str, path: str) -> Any:
    """The answer of the daemon over its socket."""
    headers = {"Content-Type": "application/json"} if method == "POST" else {}
    body = b"{}" if method == "POST" else None
    answer = ask(SocketConnection(daemon.data / "runwisp.sock"), f"/api/{path}", method, body, headers)
    assert answer.status in (200, 201, 202), (answer.status, answer.body)
    return answer.json()


def told(daemon: Daemon) -> Iterator[tuple[str, Any]]:
    """What the daemon tells of the bell, from now on; each is waited for."""
    connection = SocketConnection(daemon.data / "runwisp.sock")
    connection.request("GET", "/api/events")
    response = connection.getresponse()
    reader = EventReader()
    try:
        while piece := response.read1():
            for event in reader.feed(piece):
                if event.name.startswith("notification.") or event.name == "ping":
                    yield event.name, json.loads(event.data)
    finally:
        connection.close()


def next_told(stream: Iterator[tuple[str, Any]]) -> tuple[str, Any]:
    """The next event that is more than a sign of life."""
    return next((name, data) for name, data in stream if name != "ping")


def test_a_failing_task_lights_the_bell_and_its_repeat_does_so_again(tmp_path: Path) -> None:
    with running(tmp_path, FAILS) as daemon:
        stream = told(daemon)
        assert next(stream)[0] == "ping"
        run = api(daemon, "POST", "tasks/fails/trigger")
        name, data = next_told(stream)
        row = data["notification"]
        assert (name, data["unread_count"]) == ("notification.created", 1)
        assert (row["kind"], row["title"], row["count"]) == ("run.failed", "fails failed", 1)
        assert row["run_id"] == run["id"]
        assert api(daemon, "GET", "notifications")["items"] == [row]
        read = api(daemon, "POST", f"notifications/{row['id']}/read")
        assert next_told(stream) == ("notification.updated", {"notification": read, "unread_count": 0})
        second = api(daemon, "POST", "tasks/fails/trigger")
        name, data = next_told(stream)
        again = data["notification"]
        assert (name, data["unread_count"]) == ("notification.updated", 1)
        assert (again["id"], again["count"], again["read_at"]) == (row["id"], 2, None)
        assert again["run_id"] == second["id"]
        listed = api(daemon, "GET", "notifications")
        assert (listed["items"], listed["unread_count"], listed["total"]) == ([again], 1, 1)


def test_what_a_killed_daemon_ran_is_in_the_bell_of_the_next_and_rows_survive(tmp_path: Path) -> None:
    with running(tmp_path, FAILS) as daemon:
        run = api(daemon, "POST", "tasks/sleeps/trigger")
        api(daemon, "POST", "tasks/fails/trigger")
        wait_until(lambda: api(daemon, "GET", "notifications")["total"] == 1, "the failure")
        daemon.kill()
        daemon.start()
        wait_until(lambda: api(daemon, "GET", "notifications")["total"] == 2, "the crash")
        crash, failure = api(daemon, "GET", "notifications")["items"]
        assert (crash["kind"], crash["run_id"]) == ("run.crashed", run["id"])
        assert failure["kind"] == "run.failed"
        assert daemon.stop() == 0


def test_a_shutdown_tells_of_what_it_stopped_before_it_is_over(tmp_path: Path) -> None:
    route = '[[notification_route]]\nmatch = { kind = "run.stopped" }\nnotify = ["inapp"]\n'
    with running(tmp_path, FAILS + route) as daemon:
        api(daemon, "POST", "tasks/sleeps/trigger")
        runs = daemon.wait_for_rows(
            "sleeps", lambda rows: bool(rows[-1:] and rows[-1].process_group), "a process"
        )
        assert daemon.stop() == 0
        assert runs[0].process_group is not None
        assert not is_alive(runs[0].process_group)
        daemon.start()
        (row,) = api(daemon, "GET", "notifications")["items"]
        assert (row["kind"], row["run_id"]) == ("run.stopped", runs[0].id)
        assert daemon.stop() == 0


def test_a_reload_silences_the_bell_and_lights_it_again(tmp_path: Path) -> None:
    with running(tmp_path, FAILS) as daemon:
        daemon.config.write_text(f"[notify]\ndefault_notifiers = []\n{FAILS}")
        assert daemon.run("reload").returncode == 0
        api(daemon, "POST", "tasks/fails/trigger")
        daemon.wait_for_rows(
            "fails", lambda rows: bool(rows) and rows[-1].status == "ended", "the silent one"
        )
        daemon.config.write_text(FAILS)
        assert daemon.run("reload").returncode == 0
        loud = api(daemon, "POST", "tasks/fails/trigger")
        wait_until(lambda: api(daemon, "GET", "notifications")["total"] > 0, "the loud one")
        (row,) = api(daemon, "GET", "notifications")["items"]
        assert (row["count"], row["run_id"]) == (1, loud["id"])


def test_two_routes_a_list_and_the_default_that_name_one_notifier_make_one_request(tmp_path: Path) -> None:
    with http_server() as server:
        config = f"""
            [notify]
            default_notifiers = ["ops"]
            [[notifier]]
            id = "ops"
            type = "webhook"
            url = "{server.url("/")}"
            [[notification_route]]
            notify = ["ops"]
            [[notification_route]]
            match = {{ failure = true }}
            notify = ["ops", "inapp"]
            [tasks.fails]
            run = "exit 3"
            notify_on_failure = ["ops"]
        """
        with running(tmp_path, config) as daemon:
            api(daemon, "POST", "tasks/fails/trigger")
            server.wait_for(1)
            assert daemon.stop() == 0
        # A second one would have been sent before the end.
        assert [received.json()["kind"] for received in server.received] == ["run.failed"]
