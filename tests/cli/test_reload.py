"""``runwisp reload`` and ``runwisp password``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runwisp.store.datadir import DataDir
from tests.cli.calling import Outcome, runwisp
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, answer, problem

NOTHING: resources.Document = {"added": [], "removed": [], "changed": [], "settings": [], "warnings": []}


def test_a_reload_lists_what_has_changed(daemon: FakeDaemon) -> None:
    result = {
        "added": ["new"],
        "removed": ["old"],
        "changed": [{"name": "web", "reasons": ["run", "env"]}],
        "settings": ["storage.max_size"],
        "warnings": ["web: no such user"],
    }
    daemon.on("POST", "/api/daemon/reload", answer(result))
    assert runwisp("reload") == Outcome(
        0,
        "+ added   new\n~ changed web (run, env)\n- removed old\n"
        "~ setting storage.max_size\n! web: no such user\n",
        "",
    )


def test_a_reload_without_changes_says_so(daemon: FakeDaemon) -> None:
    daemon.on("POST", "/api/daemon/reload", answer(NOTHING))
    assert runwisp("reload") == Outcome(0, "no task changes\n", "")


def test_a_configuration_that_does_not_load_is_shown_with_its_places(daemon: FakeDaemon) -> None:
    flaw = {
        "message": "must not be negative",
        "location": "tasks.a.timeout",
        "value": -1,
        "file": "/etc/runwisp.toml",
        "line": 3,
        "column": 11,
    }
    daemon.on("POST", "/api/daemon/reload", problem(422, "config", "The configuration is not valid.", [flaw]))
    assert runwisp("reload") == Outcome(
        1,
        "",
        "ERROR the configuration is not valid\n\n"
        "/etc/runwisp.toml:3:11: must not be negative [tasks.a.timeout]\n",
    )


def test_without_a_daemon_there_is_nothing_to_reload(here: Path) -> None:
    done = runwisp("reload")
    assert (done.code, done.out) == (0, "")
    assert "no daemon runs" in done.err


def test_a_daemon_that_does_not_listen_yet_is_an_error(here: Path) -> None:
    data_dir = DataDir(here / "data")
    data_dir.prepare()
    data_dir.lock()
    for command in ("reload", "stop", "restart"):
        done = runwisp(command)
        assert done.code == 1
        assert f"process {os.getpid()} uses {here}/data" in done.err
    data_dir.unlock()


def test_the_generated_password_is_printed(daemon: FakeDaemon) -> None:
    daemon.on("GET", "/api/local/credentials", answer({"password": "tr0ub4dor"}))
    assert runwisp("password") == Outcome(0, "tr0ub4dor\n", "")


@pytest.mark.parametrize(("auth_required", "code"), [(True, 3), (False, 5)])
def test_no_password_to_print_has_exit_codes_of_its_own(
    daemon: FakeDaemon, auth_required: bool, code: int
) -> None:
    daemon.on("GET", "/api/local/credentials", problem(404, "not-found", "It is not ours."))
    daemon.on("GET", "/api/daemon", answer(resources.daemon(auth_required=auth_required)))
    assert runwisp("password") == Outcome(code, "", "ERROR it is not ours\n")


def test_who_is_not_local_gets_no_password(daemon: FakeDaemon) -> None:
    daemon.on("GET", "/api/local/credentials", problem(403, "local-only", "Over the socket only."))
    assert runwisp("password").code == 4


def test_without_a_daemon_there_is_no_password(here: Path) -> None:
    assert runwisp("password").code == 1
