"""The real daemon asked for whatever its own description of the API allows, and for what it forbids.

``schemathesis`` makes the requests and holds the answers against the description; ``schemathesis.toml`` says
what it may not expect, and why. ``RUNWISP_EXAMPLES=400 pytest tests/system/test_fuzzing.py`` asks for longer.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system.independent.session import Client
from tests.system.program import BIN, running

pytestmark = pytest.mark.system

#: Requests made up for each operation, beside those that its description alone leads to.
EXAMPLES = int(os.environ.get("RUNWISP_EXAMPLES", "20"))
CASES = 2_000
PATIENCE_S = 300 + 10 * EXAMPLES
#: Those without an end.
STREAMS = 3
#: Whatever is fired of these as often as may be, nothing comes of it.
CONFIG = """
[daemon]
metrics_enabled = true
[tasks.hello]
run = "echo hello"
[tasks.fails]
run = "echo no; exit 3"
[tasks.nightly]
cron = "0 2 29 2 *"
run = "true"
[tasks.locked]
api_trigger = false
run = "true"
# Whoever waits for the end of one of its runs has it soon.
[services.web]
run = "exec sleep 0.5"
restart_delay = "100ms"
restart_backoff = "constant"
"""


# Any: JSON of any shape.
def fuzz(home: Path, port: int, token: str) -> Any:
    """The report of schemathesis, after it has said what it found."""
    command: list[str | Path] = [
        *(BIN / "schemathesis", "--config-file", Path(__file__).with_name("schemathesis.toml")),
        *("run", f"http://127.0.0.1:{port}/api/openapi.json", "--max-examples", str(EXAMPLES), "--no-color"),
        *("--report", "json", "--report-json-path", home / "report.json"),
        *(["--generation-deterministic"] if os.environ.get("CI") else []),
    ]
    environ = {**os.environ, "RUNWISP_TOKEN": token}
    with open(home / "said.txt", "w") as said:
        subprocess.run(command, cwd=home, env=environ, stdout=said, stderr=said, timeout=PATIENCE_S)
    print((home / "said.txt").read_text())
    return json.loads((home / "report.json").read_text())


def test_every_answer_is_one_that_the_description_has(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG, {"RUNWISP_PASSWORD": "open sesame"}) as daemon:
        client = Client(daemon.port)
        token = client.login("open sesame").token
        for name in ("hello", "fails"):
            assert client.call("POST", f"/api/tasks/{name}/trigger?wait=true").status == 201
        report = fuzz(tmp_path, daemon.port, token)
        assert (report["failures"], report["errors"], report["exit_code"]) == ([], [], 0)
        assert (report["complete"], report["stop_reason"]) == (True, "completed")
        assert report["operations"]["tested"] == report["operations"]["total"] - STREAMS
        assert report["test_cases"]["generated"] >= CASES
        assert client.call("GET", "/ready").status == 200
        assert daemon.stop() == 0
        assert not [line for line in daemon.lines if "[ERROR]" in line or "Traceback" in line]
