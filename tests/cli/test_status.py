"""``runwisp status``."""

from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.cli.status import span
from tests.cli.calling import Outcome, runwisp
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, Reply, answer, listed, problem


@pytest.fixture
def healthy(daemon: FakeDaemon) -> FakeDaemon:
    daemon.on("GET", "/api/daemon", answer(resources.daemon()))
    daemon.on("GET", "/api/system", answer(resources.system()))
    return daemon


def test_a_daemon_that_is_well_is_described(healthy: FakeDaemon) -> None:
    assert runwisp("status") == Outcome(
        0,
        "RunWisp is healthy at :9477\n"
        "  Version:  1.2.3\n"
        "  Uptime:   3h 12m\n"
        "  CPU:      4 cores\n"
        "  Host:     builder-01\n",
        "",
    )


def test_what_should_be_known_about_the_configuration_is_said(healthy: FakeDaemon) -> None:
    shown = resources.daemon(config_stale=True, config_warnings=["backup: no such user"])
    healthy.on("GET", "/api/daemon", answer(shown))
    assert runwisp("status").out.splitlines()[-2:] == [
        "! the configuration has changed on disk; `runwisp reload` applies it",
        "! backup: no such user",
    ]


def test_what_the_daemon_does_not_tell_is_left_out(healthy: FakeDaemon) -> None:
    healthy.on("GET", "/api/daemon", problem(500, "internal", "Something went wrong."))
    assert runwisp("status").out == "RunWisp is healthy\n  CPU:      4 cores\n  Host:     builder-01\n"


def test_json_has_the_daemon_the_system_and_every_unit(healthy: FakeDaemon) -> None:
    run = resources.failed_run(next_retry_at="2026-03-02T02:01:00.000Z")
    healthy.on("GET", "/api/tasks", listed([resources.task(last_run=run), resources.service("web")]))
    document = runwisp("status", "--json").document
    system = {
        key: resources.system()[key] for key in ("uptime", "cpu_cores", "host", "os", "arch", "work_dir")
    }
    last_run = {
        key: run[key]
        for key in (
            "id",
            "status",
            "end_reason",
            "exit_code",
            "triggered_by",
            "start_at",
            "end_at",
            "duration",
            "is_failure",
            "next_retry_at",
        )
    }
    assert document == {
        "schema_version": 1,
        "healthy": True,
        "version": "1.2.3",
        "port": 9477,
        "external_url": None,
        "fingerprint": "bright-falcon",
        "config_stale": False,
        "config_warnings": [],
        "resolved_timezone": "Europe/Berlin",
        "timezone_source": "config",
        "system": system,
        "tasks": [
            {
                "name": "backup",
                "kind": "task",
                "cron": "0 2 * * *",
                "api_trigger": True,
                "next_run_at": "2026-03-03T02:00:00.000Z",
                "last_run": last_run,
            },
            {
                "name": "web",
                "kind": "service",
                "cron": None,
                "api_trigger": True,
                "next_run_at": None,
                "last_run": None,
            },
        ],
        "error": None,
    }


def test_no_daemon_is_exit_code_1_in_words_and_in_json(here: Path) -> None:
    done = runwisp("status")
    assert (done.code, done.out) == (1, "")
    assert f"{here}/data/runwisp.sock" in done.err
    document = runwisp("status", "--json").document
    assert (document["healthy"], document["tasks"], document["system"]) == (False, [], None)
    assert "no daemon answers" in str(document["error"])


def test_what_says_that_it_is_not_healthy_is_not(daemon: FakeDaemon) -> None:
    daemon.on("GET", "/health", Reply(503, b"no"))
    done = runwisp("status")
    assert (done.code, done.err) == (1, done.err)
    assert "is not healthy" in done.err


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0s"), (59.9, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (86_399, "23h 59m"), (180_000, "2d 2h")],
)
def test_uptimes_have_two_units(seconds: float, shown: str) -> None:
    assert span(seconds) == shown
