"""The unit file that is shipped in ``contrib``."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "contrib" / "systemd" / "runwisp.service"

REQUIRED = """
    Type=notify NotifyAccess=main WatchdogSec=30s LoadCredential=runwisp-password:/etc/runwisp/password
    KillMode=mixed Restart=on-failure StateDirectoryMode=0700
    User=runwisp Group=runwisp NoNewPrivileges=true ProtectSystem=strict ProtectHome=true PrivateTmp=true
    PrivateDevices=true ProtectKernelTunables=true ProtectKernelModules=true ProtectControlGroups=true
    RestrictSUIDSGID=true LockPersonality=true RestrictRealtime=true ReadWritePaths=/var/lib/runwisp
    ReadOnlyPaths=/etc/runwisp ProtectClock=true ProtectHostname=true ProtectKernelLogs=true
    RestrictNamespaces=true SystemCallArchitectures=native UMask=0077 CapabilityBoundingSet=
"""


def directives() -> list[tuple[str, str]]:
    lines = UNIT.read_text().splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in pairs]


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    twistd = Path(sys.executable).with_name("twistd")
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/opt/runwisp/bin/twistd", str(twistd)))
    verdict = subprocess.run(["systemd-analyze", "verify", installed], capture_output=True, text=True)
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_the_unit_starts_twistd_in_the_foreground_without_a_pid_file() -> None:
    [command] = [value for name, value in directives() if name == "ExecStart"]
    assert shlex.split(command)[1:4] == ["-n", "--pidfile=", "runwisp"]


@pytest.mark.parametrize("line", REQUIRED.split())
def test_the_unit_is_supervised_and_sandboxed(line: str) -> None:
    name, _, value = line.partition("=")
    assert (name, value) in directives()


@pytest.mark.parametrize("name", ["MemoryDenyWriteExecute", "SystemCallFilter"])
def test_the_unit_does_not_break_tasks(name: str) -> None:
    assert name not in dict(directives())
