"""``runwisp demo``, from outside."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.system.program import BIN, DEADLINE_S, reserve_port, wait_until

pytestmark = pytest.mark.system


def test_a_demo_runs_until_its_daemon_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    # The configuration of whoever tries the demo is not in the way.
    environ = {**os.environ, "TMPDIR": str(tmp_path), "RUNWISP_CONFIG": "/nowhere.toml", "RUNWISP_DATA": "/x"}

    def call(*args: str) -> str:
        done = subprocess.run(
            [BIN / "runwisp", *args], capture_output=True, text=True, env=environ, timeout=DEADLINE_S
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    port = reserve_port()
    assert call("demo", "--no-tui", "--port", str(port)) == f"the demo is at http://127.0.0.1:{port}\n"
    [home] = tmp_path.glob("runwisp-demo-*")
    data = ["--data", str(home / "data")]
    try:
        status = json.loads(call("status", "--json", *data))
        last_runs = [unit["last_run"] for unit in status["tasks"]]
        assert status["healthy"]
        assert len(last_runs) > 5
        assert None not in last_runs
        assert call("run-task", "tests", *data).count("PASS") == 3
    finally:
        call("stop", *data)
    wait_until(lambda: not home.exists(), "removed")
