"""``runwisp init`` and the file that it writes."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema

from runwisp.cli.starter import STARTER
from runwisp.config import schema
from runwisp.config.loader import load
from tests.cli.calling import PROGRAM, Outcome, runwisp


def test_the_starter_is_written_and_is_valid(here: Path) -> None:
    assert runwisp("init") == Outcome(0, "wrote runwisp.toml; `runwisp daemon` runs what it says\n", "")
    assert [path.name for path in here.iterdir()] == ["runwisp.toml"]
    checked = runwisp("validate", "--json").document
    assert (checked["valid"], checked["tasks"], checked["warnings"]) == (True, 1, [])


def test_its_first_line_tells_editors_of_the_schema() -> None:
    assert STARTER.partition("\n")[0] == "#:schema ./runwisp.schema.json"


def test_its_task_says_hello(here: Path) -> None:
    runwisp("init")
    done = subprocess.run([PROGRAM, "exec", "hello"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "Hello from hello\n")


def test_what_it_has_in_comments_is_valid_too(here: Path) -> None:
    text = re.sub(r"^# ?(?=\[|\w+ = )", "", STARTER, flags=re.MULTILINE)
    (here / "runwisp.toml").write_text(text)
    config = load(here / "runwisp.toml", {})
    assert (set(config.tasks), set(config.services)) == ({"hello", "backup"}, {"worker"})
    assert config.tasks["backup"].cron is not None
    assert config.services["worker"].instances > 1
    assert config.warnings == ()
    jsonschema.validate(tomllib.loads(text), json.loads(schema.text()))


def test_a_file_that_exists_is_not_touched(here: Path) -> None:
    (here / "runwisp.toml").write_text("mine")
    assert runwisp("init") == Outcome(1, "", "ERROR runwisp.toml exists already\n\n--force replaces it\n")
    assert [path.read_text() for path in here.iterdir()] == ["mine"]


def test_a_link_that_leads_nowhere_counts_as_a_file(here: Path) -> None:
    (here / "runwisp.toml").symlink_to("elsewhere.toml")
    assert runwisp("init").code == 1
    assert not (here / "elsewhere.toml").exists()


def test_force_replaces_the_file(here: Path) -> None:
    (here / "runwisp.toml").write_text("mine")
    assert runwisp("init", "--force").code == 0
    assert [path.read_text() for path in here.iterdir()] == [STARTER]


def test_it_is_written_where_the_configuration_is_looked_for(here: Path) -> None:
    (here / "etc").mkdir()
    assert runwisp("init", "-c", "etc/jobs.toml").out.startswith("wrote etc/jobs.toml;")
    assert runwisp("init", env={"RUNWISP_CONFIG": "other.toml"}).code == 0
    assert (here / "etc/jobs.toml").read_text() == (here / "other.toml").read_text() == STARTER


def test_a_directory_that_is_missing_is_named(here: Path) -> None:
    done = runwisp("init", "-c", "etc/jobs.toml")
    assert (done.code, done.out) == (1, "")
    assert "etc" in done.err
    assert "No such file or directory" in done.err
