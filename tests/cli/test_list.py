"""``runwisp list``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from tests.cli.calling import Outcome, runwisp

CONFIG = f"""
[tasks.report]
run = "true"
description = "{"x" * 51}"
api_trigger = false

[tasks.backup]
run = "true"
cron = "0 2 * * *"
group = "Nightly"
parallelism = 2
on_overlap = "terminate"
description = "{"y" * 50}"

[services.api]
run = "true"
instances = 3
"""


def test_units_are_listed_by_name_in_columns(here: Path) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    done = runwisp("list")
    assert (done.code, done.err) == (0, "")
    header, rule, *rows = done.out.splitlines()
    assert header == "NAME     SCHEDULE       CONCURRENCY   POLICY      API   DESCRIPTION"
    assert set(rule) == {"-"}
    assert rows == [
        "api      (service x3)   3             skip        yes",
        f"backup   0 2 * * *      2             terminate   yes   {'y' * 50}",
        f"report   (manual)       1             queue       no    {'x' * 47}...",
    ]


def test_a_description_of_several_lines_takes_one(here: Path) -> None:
    (here / "runwisp.toml").write_text('[tasks.a]\nrun = "true"\ndescription = """first\nsecond"""\n')
    assert runwisp("list").out.splitlines()[-1].endswith("   first second")


def test_nothing_configured_is_said_in_a_line(here: Path) -> None:
    (here / "runwisp.toml").write_text("")
    done = runwisp("list")
    assert (done.code, done.out.count("\n")) == (0, 1)
    assert "no tasks and no services" in done.out


def test_json_has_every_unit_with_null_for_what_its_kind_does_not_have(here: Path) -> None:
    (here / "runwisp.toml").write_text(CONFIG)
    done = runwisp("list", "--json")
    units = cast(list[dict[str, Any]], done.document["tasks"])
    assert done.document["error"] is None
    assert [unit["name"] for unit in units] == ["api", "backup", "report"]
    assert units[0] == {
        "name": "api",
        "kind": "service",
        "schedule": None,
        "parallelism": None,
        "instances": 3,
        "on_overlap": "skip",
        "api_trigger": True,
        "group": None,
        "description": "",
    }
    assert units[1] == {
        "name": "backup",
        "kind": "task",
        "schedule": "0 2 * * *",
        "parallelism": 2,
        "instances": None,
        "on_overlap": "terminate",
        "api_trigger": True,
        "group": "Nightly",
        "description": "y" * 50,
    }


def test_without_a_configuration_it_fails_and_says_where_it_looked(here: Path) -> None:
    done = runwisp("list", "--json")
    assert (done.code, done.document["tasks"]) == (1, [])
    assert done.document["error"]
    assert "runwisp.toml" in done.err


def test_a_configuration_that_is_not_valid_gives_every_problem(here: Path) -> None:
    (here / "runwisp.toml").write_text('[tasks.a]\nrun = "true"\nnonsense = 1\nfurther = 2\n')
    done = runwisp("list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ERROR runwisp.toml is not valid\n\n")
    assert "runwisp.toml:3:1: " in done.err
    assert "runwisp.toml:4:1: " in done.err
    failed = runwisp("list", "--json")
    assert failed.document == {"schema_version": 1, "tasks": [], "error": "runwisp.toml is not valid"}
    assert failed.err == done.err


def test_the_configuration_may_be_named(here: Path) -> None:
    (here / "other.toml").write_text('[tasks.other]\nrun = "true"\n')
    assert "other" in runwisp("-c", "other.toml", "list").out
    assert "other" in runwisp("list", env={"RUNWISP_CONFIG": "other.toml"}).out


def test_it_takes_no_arguments(here: Path) -> None:
    assert runwisp("list", "x").code == 2
    assert isinstance(runwisp("list", "x", "--json"), Outcome)
