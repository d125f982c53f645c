"""Which unit of a service manager a daemon is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runwisp.cli.manager import MARK, SystemdUnit, chosen_unit, installed_units, unit_of
from runwisp.errors import RunWispError

SYSTEM = SystemdUnit("runwisp.service", False)
USER = SystemdUnit("runwisp-bright-falcon.service", True)
BELOW_USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/runwisp.service\n", SYSTEM),
        (f"0::{BELOW_USER}/app.slice/runwisp-bright-falcon.service\n", USER),
        ("12:cpu:/system.slice/x.service\n1:name=systemd:/system.slice/runwisp.service\n0::/\n", SYSTEM),
        ("0::/system.slice/runwisp.service/payload\n", SYSTEM),
        (f"0::{BELOW_USER}/app.slice/vte-spawn-1.scope\n", None),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_the_unit_of_a_process_is_found_by_its_control_group(cgroups: str, unit: SystemdUnit | None) -> None:
    assert unit_of(cgroups) == unit


def test_units_that_were_installed_for_the_data_directory_are_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ours = f"# {MARK}\n[Service]\nExecStart=runwisp daemon --data {data}\n"
    folder = tmp_path / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / USER.name).write_text(ours)
    (folder / "runwisp-other-data.service").write_text(ours.replace(str(data), "/elsewhere"))
    (folder / "runwisp-by-hand.service").write_text(ours.replace(MARK, "mine"))
    assert list(installed_units(data, tmp_path, tmp_path / "none")) == [USER]
    system = tmp_path / "runwisp.service"
    system.write_text(ours)
    assert list(installed_units(data, tmp_path, system)) == [SYSTEM, USER]


def test_of_two_scopes_one_has_to_be_chosen() -> None:
    assert chosen_unit([], is_local=False) is None
    assert chosen_unit([SYSTEM], is_local=False) == SYSTEM
    assert chosen_unit([SYSTEM], is_local=True) is None
    assert chosen_unit([SYSTEM, USER], is_local=True) == USER
    with pytest.raises(RunWispError, match="one of your own") as caught:
        chosen_unit([SYSTEM, USER], is_local=False)
    assert "--local" in caught.value.hints[0]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Puts a ``systemctl`` in the way that writes down what it is told, and ends with an exit code."""

    def install(code: int) -> Path:
        said = tmp_path / "said"
        program = tmp_path / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$@" >>{said}\nexit {code}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return said

    return install


def test_the_manager_of_the_system_or_of_the_user_is_told(systemctl: Callable[[int], Path]) -> None:
    said = systemctl(0)
    SYSTEM.tell("stop")
    USER.tell("restart")
    assert said.read_text().splitlines() == [f"stop {SYSTEM.name}", f"--user restart {USER.name}"]


def test_what_the_manager_refuses_is_an_error(systemctl: Callable[[int], Path]) -> None:
    systemctl(4)
    with pytest.raises(RunWispError, match=r"`systemctl stop runwisp\.service` failed with exit code 4"):
        SYSTEM.tell("stop")


def test_without_a_systemctl_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RunWispError, match="no systemctl"):
        SYSTEM.tell("stop")
