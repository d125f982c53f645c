"""``runwisp openapi``."""

from __future__ import annotations

import json
from pathlib import Path

from runwisp.web.api.openapi import text
from tests.cli.calling import runwisp


def test_the_document_that_the_daemon_serves_is_printed(here: Path) -> None:
    done = runwisp("openapi")
    assert (done.code, done.err) == (0, "")
    assert done.out == text("http://127.0.0.1:9477")


def test_the_address_is_that_of_the_flags(here: Path) -> None:
    done = runwisp("openapi", "--host", "::1", "--port", "80")
    assert json.loads(done.out)["servers"] == [{"url": "http://[::1]:80"}]


def test_no_configuration_is_read(here: Path) -> None:
    (here / "runwisp.toml").write_text("not a configuration")
    assert runwisp("openapi").code == 0
