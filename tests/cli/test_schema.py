"""``runwisp schema``."""

from __future__ import annotations

import json
from pathlib import Path

import runwisp as package
from tests.cli.calling import runwisp


def test_the_schema_of_the_package_is_printed_byte_for_byte(here: Path) -> None:
    embedded = Path(package.__file__).parent / "config" / "runwisp.schema.json"
    done = runwisp("schema")
    assert (done.code, done.err) == (0, "")
    assert done.out.encode() == embedded.read_bytes()
    assert json.loads(done.out)["$id"] == "urn:runwisp:config"


def test_no_configuration_is_read(here: Path) -> None:
    (here / "runwisp.toml").write_text("not a configuration")
    assert runwisp("schema").code == 0
