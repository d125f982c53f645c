"""The global flags: flag, then variable, then default; and the system's paths for root."""

from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.cli import options
from runwisp.cli.options import FLAGS, Globals, resolve
from runwisp.config import loader
from runwisp.errors import UsageError

HERE = Path("/here")


def test_the_defaults_start_at_the_current_directory() -> None:
    assert resolve({}, {}, HERE, False) == Globals(
        config=None,
        data=Path("/here/data"),
        host="127.0.0.1",
        port=9477,
        socket=Path("/here/data/runwisp.sock"),
        log_level="info",
        log_format="auto",
    )


def test_the_defaults_in_the_help_are_those_that_apply() -> None:
    defaults = resolve({}, {}, HERE, False)
    for flag in FLAGS:
        value = getattr(defaults, flag.key)
        if flag.key not in {"config", "data", "socket"}:
            assert str(value) == flag.default


@pytest.mark.parametrize(
    ("key", "variable", "given"),
    [
        ("config", "RUNWISP_CONFIG", "a.toml"),
        ("host", "RUNWISP_HOST", "0.0.0.0"),
        ("port", "RUNWISP_PORT", "80"),
        ("log_level", "RUNWISP_LOG_LEVEL", "debug"),
        ("log_format", "RUNWISP_LOG_FORMAT", "json"),
    ],
)
def test_a_flag_wins_over_its_variable_and_that_over_the_default(key: str, variable: str, given: str) -> None:
    others = {"config": "b.toml", "host": "::1", "port": "81", "log_level": "error", "log_format": "text"}
    from_variable = resolve({key: None}, {variable: given}, HERE, False)
    from_flag = resolve({key: given}, {variable: others[key]}, HERE, False)
    assert str(getattr(from_variable, key)) == str(getattr(from_flag, key)) == given


def test_the_socket_lies_in_the_data_directory_that_was_given() -> None:
    assert resolve({"data": "d"}, {}, HERE, False).socket == Path("/here/d/runwisp.sock")
    assert resolve({}, {"RUNWISP_DATA": "/d"}, HERE, False).socket == Path("/d/runwisp.sock")
    assert resolve({"socket": "s"}, {"RUNWISP_DATA": "/d"}, HERE, False).socket == Path("/here/s")


def test_a_blank_variable_counts_as_unset() -> None:
    assert resolve({}, {"RUNWISP_PORT": "", "RUNWISP_DATA": " "}, HERE, False) == resolve({}, {}, HERE, False)


@pytest.mark.parametrize("flag", [flag.key for flag in FLAGS])
def test_a_blank_flag_is_refused(flag: str) -> None:
    with pytest.raises(UsageError, match="must not be blank"):
        resolve({flag: ""}, {}, HERE, False)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "80.0", "٨٠", "1" * 5000, " 80"])
def test_a_port_outside_1_to_65535_is_refused(port: str) -> None:
    with pytest.raises(UsageError, match="use 1 to 65535"):
        resolve({"port": port}, {}, HERE, False)


def test_the_message_names_the_variable_if_that_is_what_is_wrong() -> None:
    with pytest.raises(UsageError, match="RUNWISP_LOG_LEVEL: 'loud' is not one of debug, info, warn, error"):
        resolve({}, {"RUNWISP_LOG_LEVEL": "loud"}, HERE, False)
    with pytest.raises(UsageError, match="--log-format: 'xml' is not one of auto, text, json"):
        resolve({"log_format": "xml"}, {"RUNWISP_LOG_FORMAT": "json"}, HERE, False)


@pytest.fixture
def system_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "etc" / "runwisp.toml"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(options, "SYSTEM_CONFIG", path)
    return path


def test_the_configuration_of_the_system_is_the_one_that_the_loader_finds() -> None:
    assert options.SYSTEM_CONFIG == loader.ROOT_FILE


def test_root_gets_the_data_directory_of_the_system_with_its_configuration(system_config: Path) -> None:
    assert resolve({}, {}, HERE, True).data == Path("/var/lib/runwisp")


def test_root_gets_the_local_data_directory_without_a_configuration_of_the_system(
    system_config: Path,
) -> None:
    system_config.unlink()
    assert resolve({}, {}, HERE, True).data == Path("/here/data")


def test_somebody_else_never_gets_the_data_directory_of_the_system(system_config: Path) -> None:
    assert resolve({}, {}, HERE, False).data == Path("/here/data")


def test_a_configuration_here_wins_over_that_of_the_system(system_config: Path, tmp_path: Path) -> None:
    (tmp_path / "runwisp.toml").touch()
    assert resolve({}, {}, tmp_path, True).data == tmp_path / "data"


def test_what_is_given_wins_over_the_paths_of_the_system(system_config: Path) -> None:
    assert resolve({"config": "a.toml"}, {}, HERE, True).data == Path("/here/data")
    assert resolve({}, {"RUNWISP_CONFIG": "a.toml"}, HERE, True).data == Path("/here/data")
    assert resolve({"data": "d"}, {}, HERE, True).data == Path("/here/d")
