from __future__ import annotations

from pathlib import Path

import pytest

from runwisp import __version__
from runwisp.config.loader import FILE_NAME, load
from runwisp.errors import ConfigErrors, NeedsRestart, Problem, ProblemClass, ShuttingDown
from runwisp.events import TasksChanged
from tests.web.api.running import Running

CONFIG = """
[daemon]
external_url = "https://ops.example/runwisp/"
[tasks.t]
run = "true"
[services.s]
run = "true"
graceful_stop = "1h"
"""


@pytest.fixture
def it() -> Running:
    return Running(CONFIG)


def refuse(error: Exception) -> TasksChanged:
    raise error


def test_the_daemon_is_shown(it: Running) -> None:
    for _ in range(2):
        it.engine.trigger("t", None)
    it.wait(15)
    shown = it.get("/api/daemon").json()
    (warning,) = shown.pop("config_warnings")
    assert "graceful_stop" in warning
    assert shown == {
        "name": "runwisp",
        "version": __version__,
        "fingerprint": "bright-falcon",
        "pid": 4711,
        "started_at": "2026-11-24T12:00:00.000Z",
        "uptime": 15,
        "host": "127.0.0.1",
        "port": 9477,
        "external_url": "https://ops.example/runwisp",
        "data_dir": "/var/lib/runwisp",
        "config_path": str(it.engine.config.path),
        "socket_path": "/var/lib/runwisp/runwisp.sock",
        "config_loaded_at": "2026-11-24T12:00:00.000Z",
        "config_stale": True,
        "resolved_timezone": "UTC",
        "timezone_source": "system",
        "auth_required": True,
        "service_managed": False,
        "shutting_down": False,
        "tasks": 1,
        "services": 1,
        "active_runs": 2,
        "queued_runs": 1,
        "capabilities": [
            {"name": "user_switch", "available": True},
            {"name": "compose", "available": False},
        ],
    }


def test_a_daemon_that_shuts_down_says_so(it: Running) -> None:
    it.shut_down()
    assert it.get("/api/daemon").json()["shutting_down"] is True


def test_each_look_at_the_daemon_compares_the_files(it: Running, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(CONFIG)
    it.engine.config = load(path, {}, "UTC")

    def is_stale() -> bool:
        stale: bool = it.get("/api/daemon").json()["config_stale"]
        return stale

    assert not is_stale()
    path.write_text(CONFIG + "# edited")
    assert is_stale()
    path.write_text(CONFIG)
    assert not is_stale()


def test_whoever_finds_the_address_taken_learns_by_whom(it: Running) -> None:
    identity = it.get("/api/daemon/identity").json()
    assert identity.pop("version") == it.get("/api/daemon").json()["version"]
    assert identity == {
        "name": "runwisp",
        "fingerprint": "bright-falcon",
        "pid": 4711,
        "data_dir": "/var/lib/runwisp",
        "config_path": str(it.engine.config.path),
        "socket_path": "/var/lib/runwisp/runwisp.sock",
    }


# Reload


def test_a_reload_answers_what_has_changed(it: Running) -> None:
    it.next_reload = lambda: it.reload(
        '[tasks.new]\nrun = "true"\n[services.s]\nrun = "false"\ngraceful_stop = "1h"\n'
    )
    it.wait(60)
    response = it.post("/api/daemon/reload")
    assert response.status == 200
    (warning,) = response.json().pop("warnings")
    assert "graceful_stop" in warning
    assert {key: value for key, value in response.json().items() if key != "warnings"} == {
        "added": ["new"],
        "removed": ["t"],
        "changed": [{"name": "s", "reasons": ["run"]}],
        "settings": ["daemon.external_url"],
    }
    assert it.get("/api/daemon").json()["config_loaded_at"] == "2026-11-24T12:01:00.000Z"


def test_a_reload_of_the_same_file_changes_nothing(it: Running) -> None:
    answered = it.post("/api/daemon/reload").json()
    assert (answered["added"], answered["removed"], answered["changed"], answered["settings"]) == (
        [],
        [],
        [],
        [],
    )


def test_a_broken_file_is_refused_with_every_place(it: Running) -> None:
    problems = [
        Problem(ProblemClass.RANGE, "must be at least 1", "tasks.t.parallelism", "/etc/r.toml", 7, 3),
        Problem(ProblemClass.SYNTAX, "not TOML", None, "/etc/x.toml", 1, 2),
    ]
    it.next_reload = lambda: refuse(ConfigErrors("/etc/r.toml", problems))
    response = it.post("/api/daemon/reload")
    assert (response.status, response.json()["type"]) == (422, "urn:runwisp:problem:config")
    assert response.json()["errors"] == [
        {
            "message": "must be at least 1",
            "location": "tasks.t.parallelism",
            "value": None,
            "file": "/etc/r.toml",
            "line": 7,
            "column": 3,
        },
        {
            "message": "not TOML",
            "location": None,
            "value": None,
            "file": "/etc/x.toml",
            "line": 1,
            "column": 2,
        },
    ]
    assert it.get("/api/tasks/t").status == 200


def test_a_setting_that_needs_a_restart_is_refused_with_its_key(it: Running) -> None:
    problem = Problem(ProblemClass.CONFLICT, "daemon.tls: needs restart", "daemon.tls", "/etc/r.toml", 2, 1)
    it.next_reload = lambda: refuse(NeedsRestart("/etc/r.toml", [problem]))
    response = it.post("/api/daemon/reload")
    assert (response.status, response.json()["type"]) == (422, "urn:runwisp:problem:config")
    assert "needs restart: daemon.tls" in response.json()["detail"].lower()
    assert response.json()["errors"][0]["location"] == "daemon.tls"


def test_a_reload_during_the_shutdown_is_refused(it: Running) -> None:
    it.next_reload = lambda: refuse(ShuttingDown("the daemon is shutting down"))
    assert it.post("/api/daemon/reload").status == 503


# The machine


def test_the_machine_is_shown(it: Running) -> None:
    it.wait(1.25)
    shown = it.get("/api/system").json()
    assert shown.pop("host")
    assert shown.pop("arch")
    assert shown.pop("cpu_cores") >= 1
    assert shown.pop("os") in ("linux", "darwin")
    assert shown == {
        "cpu_usage": 12.5,
        "mem_usage": 41.2,
        "mem_total": 8_339_816_448,
        "mem_used": 3_435_973_836,
        "uptime": 1.25,
        "work_dir": "/srv",
    }


def test_the_kept_samples_are_listed_oldest_first(it: Running) -> None:
    assert it.get("/api/system/metrics").json() == {"items": [], "next_cursor": None}
    for _ in range(2):
        it.wait(30)
        it.samples.on_wake()
    listed = it.get("/api/system/metrics").json()
    assert [sample["at"] for sample in listed["items"]] == [
        "2026-11-24T12:00:30.000Z",
        "2026-11-24T12:01:00.000Z",
    ]
    assert listed["items"][0] == {
        "at": "2026-11-24T12:00:30.000Z",
        "cpu_usage": 12.5,
        "mem_usage": 41.2,
        "mem_used": 3_435_973_836,
        "mem_total": 8_339_816_448,
    }
