from __future__ import annotations

from pathlib import Path

import pytest
from attrs import asdict, fields

from runwisp.config.fields import Table
from runwisp.config.settings import DaemonSettings, NotifySettings, RouteMatch, StorageSettings
from runwisp.config.tables import DEFAULTS, TABLES
from runwisp.config.unit_fields import CHECK_FIRST
from runwisp.model import Service, Task
from tests.config.loading import load_text

BUILT_IN_FAILURES = (
    "failed",
    "timeout",
    "crashed",
    "log_overflow",
    "start_failed",
    "unhealthy",
    "missed",
)

#: A value other than the built-in one for each key of [defaults], and what it becomes.
CHANGED: dict[str, tuple[str, object]] = {
    "timeout": ("'1h'", 3600),
    "catch_up": ("'skip'", "skip"),
    "shell": ("'/bin/bash'", "/bin/bash"),
    "stop_signal": ("'SIGINT'", "SIGINT"),
    "graceful_stop": ("'9s'", 9),
    "failures": ("['stopped']", ("stopped",)),
    "log_max_size": ("'1kb'", 1024),
    "log_on_full": ("'drop_new'", "drop_new"),
    "keep_runs": ("0", 0),
    "keep_for": ("'1d'", 86_400),
    "healthy_after": ("'0'", 0),
    "restart_delay": ("'0s'", 0),
    "restart_backoff": ("'linear'", "linear"),
    "restart_attempts": ("0", 0),
    "env": ("{ A = 'b' }", {"A": "b"}),
    "secrets": ("{ A = 'b' }", {"A": "b"}),
    "env_file": ("'/dev/null'", "/dev/null"),
    "secrets_file": ("'/dev/null'", "/dev/null"),
}
UNITS = "[tasks.t]\nrun = 'x'\n[services.s]\nrun = 'x'\n"


def test_built_in_values_of_a_task(tmp_path: Path) -> None:
    task = load_text(tmp_path, UNITS).tasks["t"]
    assert asdict(task) == {
        "name": "t",
        "run": "x",
        "description": "",
        "group": None,
        "api_trigger": True,
        "on_overlap": "queue",
        "graceful_stop": 5,
        "stop_signal": "SIGTERM",
        "failures": BUILT_IN_FAILURES,
        "working_dir": None,
        "shell": "/bin/sh",
        "umask": None,
        "env_base": "inherit",
        "user": None,
        "log_max_size": 100 * 1024**2,
        "log_on_full": "drop_old",
        "keep_runs": None,
        "keep_for": None,
        "env": {},
        "secrets": {},
        "env_file": None,
        "secrets_file": None,
        "notify_on_failure": (),
        "notify_on_success": (),
        "source_file": str(tmp_path / "runwisp.toml"),
        "cron": None,
        "timezone": None,
        "run_on_start": None,
        "catch_up": "latest",
        "catch_up_limit": None,
        "parallelism": 1,
        "max_queued": 100,
        "timeout": None,
        "retry_attempts": 0,
        "retry_delay": 5,
        "retry_backoff": "constant",
    }


def test_built_in_values_of_a_service(tmp_path: Path) -> None:
    service = asdict(load_text(tmp_path, UNITS).services["s"])
    expected = {
        "on_overlap": "skip",
        "instances": 1,
        "restart": "always",
        "restart_delay": 1,
        "restart_backoff": "exponential",
        "healthy_after": 60,
        "restart_attempts": None,
        "priority": 0,
        "autostart": True,
        "depends_on": (),
        "graceful_stop": 5,
        "log_max_size": 100 * 1024**2,
    }
    assert {key: service[key] for key in expected} == expected


@pytest.mark.parametrize("key", CHANGED)
def test_a_default_is_inherited_by_the_units_that_have_the_key(key: str, tmp_path: Path) -> None:
    written, expected = CHANGED[key]
    config = load_text(tmp_path, f"[defaults]\n{key} = {written}\n{UNITS}")
    for name, unit in (("tasks", config.tasks["t"]), ("services", config.services["s"])):
        if key in TABLES[name].by_name:
            assert getattr(unit, key) == expected
        else:
            assert not hasattr(unit, key)


def test_every_key_of_defaults_is_tried() -> None:
    assert set(CHANGED) == set(DEFAULTS.by_name)


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        ("timeout = '1h'", "timeout = '2h'", 7200),
        ("timeout = '1h'", "timeout = '0s'", None),
        ("timeout = '1h'", "timeout = '0'", None),
        ("timeout = '1h'", "timeout = ' '", 3600),
        ("timeout = '0s'", "", None),
        ("log_max_size = '1kb'", "log_max_size = '0'", None),
        ("log_max_size = '1kb'", "log_max_size = ''", 1024),
        ("keep_runs = 5", "keep_runs = 0", 0),
        ("graceful_stop = '9s'", "graceful_stop = '0s'", 0),
        ("stop_signal = 'SIGINT'", "stop_signal = 'sighup'", "SIGHUP"),
        ("shell = '/bin/bash'", "shell = ''", "/bin/bash"),
        ("catch_up = 3", "catch_up = 'latest'", "latest"),
    ],
)
def test_a_written_value_of_the_unit_wins_also_when_it_is_zero(
    default: str, own: str, expected: object, tmp_path: Path
) -> None:
    key = default.split()[0]
    task = load_text(tmp_path, f"[defaults]\n{default}\n[tasks.t]\nrun = 'x'\n{own}\n").tasks["t"]
    assert getattr(task, key) == expected


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        ("", "", BUILT_IN_FAILURES),
        ("", "[]", ()),
        ("", "['failed', '42', '007', '1-023']", ("failed", "42", "7", "1-23")),
        ("", "['+stopped', '-missed']", (*BUILT_IN_FAILURES[:-1], "stopped")),
        ("['-missed']", "['+stopped']", (*BUILT_IN_FAILURES[:-1], "stopped")),
        ("['-missed']", "['failed']", ("failed",)),
        ("['timeout']", "['+1-23', '+5']", ("timeout", "1-23", "5")),
        ("['1-23', '5']", "['-1-23', '-6']", ("5",)),
        ("['timeout']", "['', ' ']", ()),
        ("['timeout', 'timeout']", "", ("timeout",)),
        ("[]", "", ()),
    ],
)
def test_a_signed_list_adjusts_the_inherited_set_and_a_bare_one_replaces_it(
    default: str, own: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    text = "[defaults]\n" + (f"failures = {default}\n" if default else "") + "[tasks.t]\nrun = 'x'\n"
    text += f"failures = {own}\n" if own else ""
    assert load_text(tmp_path, text).tasks["t"].failures == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("working_dir = 'a/../b'", "{}/a/../b"),
        ("working_dir = '.'", "{}"),
        ("working_dir = '/srv'", "/srv"),
        ("working_dir = '~'", "/home/joe"),
        ("working_dir = '~/x'", "/home/joe/x"),
        ("working_dir = '~ann/x'", "{}/~ann/x"),
        ("working_dir = '~/x'\nuser = 'ann'", "~/x"),
        ("working_dir = 'x'\nuser = 'ann'", "{}/x"),
    ],
)
def test_a_directory_is_absolute_or_below_the_home_of_the_user(
    written: str, expected: str, tmp_path: Path
) -> None:
    task = load_text(tmp_path, f"[tasks.t]\nrun = 'x'\n{written}\n", {"HOME": "/home/joe"}).tasks["t"]
    assert task.working_dir == expected.format(tmp_path)


@pytest.mark.parametrize(
    ("record", "table", "more"),
    [
        (Task, TABLES["tasks"], {"name", "source_file", "catch_up_limit"}),
        (Service, TABLES["services"], {"name", "source_file"}),
        (DaemonSettings, TABLES["daemon"], set()),
        (StorageSettings, TABLES["storage"], set()),
        (NotifySettings, TABLES["notify"], set()),
        (RouteMatch, TABLES["notification_route"].nested["match"], set()),
    ],
)
def test_settings_have_the_names_of_the_keys(record: type, table: Table, more: set[str]) -> None:
    names = set(table.by_name)
    assert {field.name for field in fields(record)} == names | more


def test_the_order_of_checks_names_every_key_of_units_and_no_other() -> None:
    assert len(CHECK_FIRST) == len(set(CHECK_FIRST))
    assert set(CHECK_FIRST) == set(TABLES["tasks"].by_name) | set(TABLES["services"].by_name)
