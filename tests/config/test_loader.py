from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runwisp.config.loader import FILE_NAME, ROOT_FILE, find, load
from runwisp.errors import ConfigErrors, ConfigNotFound
from runwisp.model import CatchUp, LogOnFull, Overlap, Seconds
from tests.config.loading import load_text, messages_of, problems_of, write


def test_the_flag_wins_over_the_variable_and_the_variable_over_the_directory(tmp_path: Path) -> None:
    write(tmp_path, {"a.toml": "", "b.toml": "", FILE_NAME: ""})
    environ = {"RUNWISP_CONFIG": "b.toml"}
    assert find("a.toml", environ, tmp_path, False) == tmp_path / "a.toml"
    assert find(None, environ, tmp_path, False) == tmp_path / "b.toml"
    assert find(None, {}, tmp_path, False) == tmp_path / FILE_NAME
    assert find(str(tmp_path / "a.toml"), {}, Path("/"), False) == tmp_path / "a.toml"


def test_a_path_that_is_named_is_final(tmp_path: Path) -> None:
    write(tmp_path, {FILE_NAME: ""})
    for explicit, environ in (("gone.toml", {}), (None, {"RUNWISP_CONFIG": "gone.toml"})):
        with pytest.raises(ConfigNotFound) as caught:
            find(explicit, environ, tmp_path, True)
        assert caught.value.tried == (str(tmp_path / "gone.toml"),)


def test_without_a_file_all_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigNotFound) as caught:
        find(None, {}, tmp_path, False)
    assert caught.value.tried == (str(tmp_path / FILE_NAME),)
    if not ROOT_FILE.exists():
        with pytest.raises(ConfigNotFound) as caught:
            find(None, {}, tmp_path, True)
        assert caught.value.tried == (str(tmp_path / FILE_NAME), str(ROOT_FILE))


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    config = load_text(tmp_path, "")
    assert (config.tasks, config.services, config.warnings) == ({}, {}, ())
    assert config.path == tmp_path / FILE_NAME
    assert list(config.files) == [tmp_path / FILE_NAME]
    assert config.unit("x") is None


def test_a_byte_order_mark_is_ignored_and_counts_for_no_column(tmp_path: Path) -> None:
    assert load_text(tmp_path, "\ufeff[tasks.a]\nrun = 'x'\n").unit("a") is not None
    (problem,) = problems_of(tmp_path, "\ufeffx = 1\n")
    assert (problem.line, problem.column) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        (b"a = ", 1, 5, "invalid value"),
        (b"[tasks.a]\nrun == 'x'\n", 2, 6, "invalid value"),
        (b"[tasks.a]\nrun = 'x'\n[tasks.a]\n", 3, 9, "cannot declare"),
        (b"a = 1\nb = '\xff'\n", 2, 6, "UTF-8"),
        (b"'\xc5\xbe' = '\xff'\n", 1, 8, "UTF-8"),
        (b"a = " + b"[" * 5000, None, None, "nested"),
        (b"a = " + b"9" * 5000, None, None, "digits"),
    ],
)
def test_what_is_not_toml_is_a_syntax_error_with_its_place(
    text: bytes, line: int | None, column: int | None, says: str, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path / FILE_NAME, {})
    (problem,) = caught.value.problems
    assert (problem.class_, problem.line, problem.column) == ("syntax", line, column)
    assert says in problem.message
    assert line is None or f"line {line}, column {column}" in problem.message


@pytest.mark.parametrize(("name", "says"), [("", "directory"), ("gone.toml", "No such file")])
def test_a_file_that_cannot_be_read_is_an_io_error(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path / name, {})
    (problem,) = caught.value.problems
    assert problem.class_ == "io"
    assert str(tmp_path / name) in problem.message
    assert says in problem.message


def test_all_problems_are_reported_at_once_in_order(tmp_path: Path) -> None:
    text = """
        [[notification_route]]
        notify = ["gone"]
        [services.z]
        depends_on = ["y", "gone"]
        instances = 0
        [services.y]
        run = "x"
        depends_on = ["z"]
        [tasks.b]
        cron = "x"
        timezone = "x"
        keep_runs = -1
        env = { 1 = "" }
        on_overlap = "x"
        timeout = "-1s"
        retry_attempts = -1
        parallelism = 0
        user = ""
        stop_signal = "x"
        shell = "x"
        run = ""
        [tasks.a]
        run = "x"
        cron = "x"
        [scheduler]
        timezone = "x"
        [daemon]
        tls = "x"
        shutdown_timeout = "-1s"
        [defaults]
        keep_runs = -1
        timeout = "x"
        [notify]
        retry_budget = "-1s"
    """
    assert [problem.key for problem in problems_of(tmp_path, text)] == [
        "defaults.timeout",
        "defaults.keep_runs",
        "daemon.shutdown_timeout",
        "daemon.tls",
        "scheduler.timezone",
        "tasks.a.cron",
        "tasks.b.run",
        "tasks.b.shell",
        "tasks.b.stop_signal",
        "tasks.b.user",
        "tasks.b.parallelism",
        "tasks.b.retry_attempts",
        "tasks.b.timeout",
        "tasks.b.on_overlap",
        "tasks.b.env.1",
        "tasks.b.keep_runs",
        "tasks.b.timezone",
        "tasks.b.cron",
        "services.z.run",
        "services.z.instances",
        "services.z.depends_on",
        "services.y.depends_on",
        "notify.retry_budget",
        "notification_route[0].notify",
    ]


def test_a_circle_of_services_is_shown(tmp_path: Path) -> None:
    text = "".join(
        f"[services.{name}]\nrun = 'x'\ndepends_on = ['{other}']\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    )
    (message,) = messages_of(tmp_path, text)
    assert "a -> b -> c -> a" in message


@pytest.mark.parametrize(
    ("written", "catch_up", "limit"),
    [
        ("'all'", CatchUp.ALL, None),
        ("'latest'", CatchUp.LATEST, None),
        ("'skip'", CatchUp.SKIP, None),
        ("0", CatchUp.SKIP, None),
        ("1", CatchUp.LATEST, None),
        ("2", CatchUp.ALL, 2),
        ("10000", CatchUp.ALL, 10_000),
    ],
)
def test_a_number_for_catch_up_limits_how_many(
    written: str, catch_up: CatchUp, limit: int | None, tmp_path: Path
) -> None:
    for text in (
        f"[tasks.a]\nrun = 'x'\ncatch_up = {written}\n",
        f"[defaults]\ncatch_up = {written}\n[tasks.a]\nrun = 'x'\n",
    ):
        task = load_text(tmp_path, text).tasks["a"]
        assert (task.catch_up, task.catch_up_limit) == (catch_up, limit)


def test_other_words_mean_the_canonical_ones(tmp_path: Path) -> None:
    task = load_text(tmp_path, "[tasks.a]\nrun = 'x'\non_overlap = 'kill'\nlog_on_full = 'kill'\n").tasks["a"]
    assert (task.on_overlap, task.log_on_full) == (Overlap.TERMINATE, LogOnFull.KILL_TASK)


def test_the_zone_of_a_task_is_that_of_its_schedule(tmp_path: Path) -> None:
    text = """
        [scheduler]
        timezone = "Europe/Vienna"
        [tasks]
        without = { run = "x", timezone = "Asia/Tokyo" }
        inherits = { run = "x", cron = "@daily" }
        own = { run = "x", cron = "@daily", timezone = "Asia/Tokyo" }
        prefix = { run = "x", cron = "CRON_TZ=Asia/Tokyo 0 0 * * *" }
        blank = { run = "x", cron = "" }
    """
    config = load_text(tmp_path, text)
    assert (config.timezone, config.timezone_source) == ("Europe/Vienna", "config")
    assert {name: task.timezone for name, task in config.tasks.items()} == {
        "blank": None,
        "inherits": "Europe/Vienna",
        "own": "Asia/Tokyo",
        "prefix": "Asia/Tokyo",
        "without": None,
    }


def test_without_a_zone_that_of_the_machine_counts(tmp_path: Path) -> None:
    text = "[tasks.a]\nrun = 'x'\ncron = '@daily'\n"
    write(tmp_path, {FILE_NAME: text})
    config = load(tmp_path / FILE_NAME, {"TZ": ":/usr/share/zoneinfo/Asia/Tokyo"})
    assert (config.timezone, config.timezone_source) == ("Asia/Tokyo", "system")
    assert config.tasks["a"].timezone == "Asia/Tokyo"


def test_a_zone_in_the_schedule_and_one_beside_it_contradict_each_other(tmp_path: Path) -> None:
    text = "[tasks.a]\nrun = 'x'\ntimezone = 'UTC'\ncron = 'TZ=UTC @daily'\n"
    (problem,) = problems_of(tmp_path, text)
    assert (problem.class_, problem.key, problem.line) == ("conflict", "tasks.a.timezone", 3)
    assert "cron" in problem.message
    assert "drop" in problem.message


def test_names_are_trimmed_and_sorted(tmp_path: Path) -> None:
    text = "[services.z]\nrun = 'x'\n[tasks]\nb = { run = 'x' }\n' a ' = { run = 'x' }\n"
    config = load_text(tmp_path, text)
    assert list(config.tasks) == ["a", "b"]
    assert config.tasks["a"].name == "a"
    assert config.unit("z") is config.services["z"]


def test_daemon_variables_win_over_the_file(tmp_path: Path) -> None:
    text = "[daemon]\ntls = 'off'\ntrusted_proxies = ['10.0.0.1']\n"
    environ = {"RUNWISP_TLS": "auto", "RUNWISP_TRUSTED_PROXIES": "192.0.2.7, fd00::/8,"}
    daemon = load_text(tmp_path, text, environ).daemon
    assert (daemon.tls, daemon.trusted_proxies) == ("auto", ("192.0.2.7/32", "fd00::/8"))
    assert load_text(tmp_path, text, {"RUNWISP_TLS": "", "RUNWISP_TRUSTED_PROXIES": ""}).daemon.tls == "off"
    for variable, value in (("RUNWISP_TLS", "${X}"), ("RUNWISP_TRUSTED_PROXIES", "zz")):
        (problem,) = problems_of(tmp_path, text, {variable: value})
        assert problem.file is None
        assert variable in problem.message


def test_a_zero_shutdown_timeout_counts_as_unset_and_metrics_follow_their_listener(tmp_path: Path) -> None:
    text = (
        "[daemon]\nshutdown_timeout = '0s'\nmetrics_listen = 'localhost:9478'\nexternal_url = 'http://x//'\n"
    )
    daemon = load_text(tmp_path, text).daemon
    assert daemon.shutdown_timeout == Seconds(10)
    assert (daemon.metrics_enabled, daemon.external_url) == (True, "http://x")
    assert load_text(tmp_path, "").daemon.metrics_enabled is False


def test_a_certificate_has_to_fit_its_key(tmp_path: Path) -> None:
    text = "[daemon]\ntls_cert = 'c.pem'\ntls_key = 'k.pem'\n"
    assert [problem.class_ for problem in problems_of(tmp_path, text)] == ["io", "io"]
    (problem,) = problems_of(tmp_path, text, files={"c.pem": "x", "k.pem": "y"})
    assert (problem.class_, problem.key) == ("format", "daemon.tls_cert")


def test_loading_imports_neither_twisted_nor_what_only_some_files_need(tmp_path: Path) -> None:
    write(tmp_path, {FILE_NAME: "[tasks.a]\nrun = 'x'\ntimeout = '5m'\ncron = '@every 5m'\n"})
    code = (
        "import sys; from pathlib import Path; from runwisp.config.loader import load;"
        "load(Path(sys.argv[1]), {});"
        "print({'twisted', 'croniter', 'ssl', 'zoneinfo', 'socket', 'jsonschema'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / FILE_NAME)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
