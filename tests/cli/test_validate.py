"""``runwisp validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tests.cli.calling import runwisp

VALID = """
[scheduler]
timezone = "Europe/Bratislava"
[tasks.a]
run = "true"
[tasks.b]
run = "true"
[services.c]
run = "true"
"""
#: It takes longer to stop than a shutdown waits.
WARNED = '[daemon]\nshutdown_timeout = "5s"\n[tasks.a]\nrun = "true"\ngraceful_stop = "1m"\n'
INVALID = '[tasks.a]\nrun = "true"\nparallelism = 0\ntimeout = "soon"\n'


@pytest.fixture
def config(here: Path) -> Path:
    path = here / "runwisp.toml"
    path.write_text(VALID)
    return path


def errors(document: dict[str, object]) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], document["errors"])


@pytest.mark.usefixtures("config")
def test_a_valid_file_is_summed_up() -> None:
    done = runwisp("validate")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "✓ runwisp.toml is valid.\n"
        "  tasks:    2\n"
        "  services: 1\n"
        "  notifiers: 0\n"
        "  timezone: Europe/Bratislava (config)\n"
    )


@pytest.mark.usefixtures("config")
def test_a_valid_file_as_json() -> None:
    done = runwisp("validate", "--json")
    assert done.code == 0
    assert done.document == {
        "schema_version": 1,
        "valid": True,
        "config_path": "runwisp.toml",
        "timezone": "Europe/Bratislava",
        "timezone_source": "config",
        "tasks": 2,
        "services": 1,
        "notifiers": 0,
        "warnings": [],
        "errors": [],
    }


def test_a_warning_is_shown_and_does_not_change_the_exit_code(config: Path) -> None:
    config.write_text(WARNED)
    done = runwisp("validate")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("! ")
    assert "shutdown_timeout" in done.out.splitlines()[-1]
    (warning,) = cast(list[dict[str, Any]], runwisp("validate", "--json").document["warnings"])
    assert warning["class"] is None
    assert "shutdown_timeout" in warning["message"]


def test_every_error_is_shown_with_place_and_key(config: Path) -> None:
    config.write_text(INVALID)
    done = runwisp("validate")
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[:2] == ["ERROR runwisp.toml is not valid", ""]
    assert any(
        line.startswith("runwisp.toml:3:1: ") and line.endswith("[tasks.a.parallelism]") for line in lines[2:]
    )


def test_a_misspelt_key_comes_with_the_closest_valid_one(config: Path) -> None:
    config.write_text('[tasks.a]\nrun = "true"\ntiemout = "1s"\n')
    done = runwisp("validate")
    assert done.code == 1
    assert "timeout" in done.err.replace("tiemout", "")


def test_an_invalid_file_as_json_is_one_document_with_every_error(config: Path) -> None:
    config.write_text(INVALID)
    done = runwisp("validate", "--json")
    assert done.code == 1
    assert {**done.document, "errors": None} == {
        "schema_version": 1,
        "valid": False,
        "config_path": "runwisp.toml",
        "timezone": None,
        "timezone_source": None,
        "tasks": 0,
        "services": 0,
        "notifiers": 0,
        "warnings": [],
        "errors": None,
    }
    found = errors(done.document)
    assert all(set(error) == {"class", "message", "key", "file", "line", "column"} for error in found)
    assert {
        "class": "range",
        "key": "tasks.a.parallelism",
        "file": "runwisp.toml",
        "line": 3,
        "column": 1,
    }.items() <= next(error for error in found if error["class"] == "range").items()


def test_the_path_wins_over_the_flag_and_that_over_the_variable(here: Path) -> None:
    for name in ("a", "b", "c"):
        (here / f"{name}.toml").write_text(VALID)
    env = {"RUNWISP_CONFIG": "c.toml"}
    assert runwisp("validate", "a.toml", "-c", "b.toml", env=env).out.startswith("✓ a.toml")
    assert runwisp("validate", "-c", "b.toml", env=env).out.startswith("✓ b.toml")
    assert runwisp("validate", env=env).out.startswith("✓ c.toml")


def test_a_missing_file_is_an_error_of_class_io(here: Path) -> None:
    for args in ([], ["nowhere.toml"]):
        done = runwisp("validate", "--json", *args)
        assert done.code == 1
        assert [error["class"] for error in errors(done.document)] == ["io"]
        assert (args or ["runwisp.toml"])[0] in done.err


def test_wrong_usage_still_gives_one_document(here: Path) -> None:
    done = runwisp("validate", "a", "b", "--json")
    assert (done.code, done.document["valid"]) == (2, False)
    assert [error["class"] for error in errors(done.document)] == [None]


@pytest.mark.usefixtures("config")
def test_nothing_is_written(here: Path) -> None:
    runwisp("validate")
    assert [path.name for path in here.iterdir()] == ["runwisp.toml"]
