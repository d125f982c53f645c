"""Calls ``runwisp`` in this process and hands out what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen
from click.testing import CliRunner

from runwisp.cli.main import main

#: The installed program, for what cannot be seen from inside of this process.
PROGRAM = str(Path(sys.executable).parent / "runwisp")

#: A variable of the developer's must not reach into a test.
_UNSET = (
    "RUNWISP_CONFIG",
    "RUNWISP_DATA",
    "RUNWISP_HOST",
    "RUNWISP_LOG_FORMAT",
    "RUNWISP_LOG_LEVEL",
    "RUNWISP_PASSWORD",
    "RUNWISP_PORT",
    "RUNWISP_SOCKET",
    "RUNWISP_TLS",
    "RUNWISP_TRUSTED_PROXIES",
    "RUNWISP_URL",
    "NO_COLOR",
)


@frozen
class Outcome:
    """Exit code and both streams of one call."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """The one JSON document on stdout."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        assert document["schema_version"] == 1
        return document


def runwisp(*args: object, env: Mapping[str, str] | None = None, typed: str = "") -> Outcome:
    """The outcome of ``runwisp args...``; ``typed`` is its input."""
    variables: dict[str, str | None] = dict.fromkeys(_UNSET)
    result = CliRunner(env={**variables, **(env or {})}).invoke(
        main, list(map(str, args)), input=typed, prog_name="runwisp"
    )
    return Outcome(result.exit_code, result.stdout, result.stderr)
