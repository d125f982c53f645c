"""The frame of all commands: overview, global flags, suggestions, errors and exit codes."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest

from runwisp import __version__
from runwisp.cli.main import COMMANDS, main
from runwisp.cli.options import FLAGS, Globals
from runwisp.errors import ConfigErrors, Problem, ProblemClass, Refused, UnknownUnit
from tests.cli.calling import Outcome, runwisp

Body = Callable[[Globals], object]
Probe = Callable[..., Outcome]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Body], Probe]:
    """A way to run any function as the command ``probe``."""

    def install(body: Body) -> Probe:
        @click.command("probe")
        @click.option("--colour")
        @click.pass_obj
        def command(settings: Globals, colour: str | None) -> None:
            body(settings)

        module = type("module", (), {"command": command})
        monkeypatch.setitem(COMMANDS, "probe", ("probe", "tries something"))
        monkeypatch.setattr("runwisp.cli.main.import_module", {"probe": module}.get)
        monkeypatch.delitem(main.commands, "probe", raising=False)
        return runwisp

    return install


@pytest.fixture
def seen(probe: Callable[[Body], Probe]) -> list[Globals]:
    """The values of the global flags that the command ``probe`` gets."""
    values: list[Globals] = []
    probe(values.append)
    return values


def test_the_help_lists_every_command_with_what_it_does() -> None:
    done = runwisp("--help")
    assert done.code == 0
    for name, (_, summary) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done.out, re.MULTILINE)


def test_the_help_lists_every_global_flag_with_its_variable() -> None:
    shown = " ".join(runwisp("-h").out.split())
    for flag in FLAGS:
        assert f"--{flag.name} {flag.metavar} {flag.help}" in shown
        assert flag.variable in shown


def test_the_help_off_a_terminal_names_what_programs_can_read() -> None:
    assert "runwisp schema" in runwisp("--help").out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_of_a_command_what_the_command_says(name: str) -> None:
    module, summary = COMMANDS[name]
    command = import_module(module).command
    assert command.name == name
    assert command.short_help == summary


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_examples_and_points_to_the_global_flags(name: str) -> None:
    done = runwisp(name, "--help")
    assert done.code == 0
    _, _, examples = done.out.partition("\n  Examples:\n")
    assert f"runwisp {name}" in examples.partition("\n\n")[0]
    assert "global flags work here too" in done.out
    assert "--log-level" not in done.out


@pytest.mark.parametrize("args", [["--version"], ["-v"], ["schema", "--version"]])
def test_the_version_is_one_line(args: list[str]) -> None:
    assert runwisp(*args) == Outcome(0, f"runwisp {__version__}\n", "")


def test_global_flags_may_stand_before_and_after_the_command(seen: list[Globals]) -> None:
    done = runwisp("--port", 80, "-c", "a.toml", "probe", "--host", "0.0.0.0", "-c", "b.toml")
    assert done == Outcome(0, "", "")
    assert (seen[0].port, seen[0].host, seen[0].config) == (80, "0.0.0.0", "b.toml")


def test_a_variable_counts_where_there_is_no_flag(seen: list[Globals]) -> None:
    runwisp("probe", "--port", 80, env={"RUNWISP_PORT": "81", "RUNWISP_HOST": "::1"})
    assert (seen[0].port, seen[0].host) == (80, "::1")


def test_paths_start_at_the_current_directory(
    seen: list[Globals], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runwisp("probe", "--data", "d")
    assert seen[0].data == tmp_path / "d"


@pytest.mark.parametrize(
    "call",
    [
        (("--port", "0", "probe"), {}),
        (("probe", "--port", "0"), {}),
        (("probe",), {"RUNWISP_PORT": "0"}),
        (("probe", "--log-level", "loud"), {}),
        (("probe",), {"RUNWISP_LOG_FORMAT": "xml"}),
    ],
)
def test_a_bad_global_value_is_a_usage_error_before_anything_happens(
    seen: list[Globals], call: tuple[tuple[str, ...], dict[str, str]]
) -> None:
    args, env = call
    done = runwisp(*args, env=env)
    assert (done.code, done.out, seen) == (2, "", [])
    assert done.err.startswith("ERROR ")
    assert "see `runwisp probe --help`" in done.err


def test_the_closest_command_is_suggested_for_an_unknown_one() -> None:
    assert runwisp("lst") == Outcome(
        2, "", "ERROR unknown command 'lst'\n\ndid you mean 'list'?\nsee `runwisp --help`\n"
    )


def test_nothing_is_suggested_for_what_is_far_from_all_commands() -> None:
    assert runwisp("frobnicate") == Outcome(
        2, "", "ERROR unknown command 'frobnicate'\n\nsee `runwisp --help`\n"
    )


@pytest.mark.parametrize(
    ("args", "suggestion", "path"),
    [
        (["--confg", "x", "list"], "--config", "runwisp"),
        (["probe", "--hots", "x"], "--host", "runwisp probe"),
        (["probe", "--color", "x"], "--colour", "runwisp probe"),
    ],
)
def test_the_closest_flag_is_suggested_for_an_unknown_one(
    seen: list[Globals], args: list[str], suggestion: str, path: str
) -> None:
    done = runwisp(*args)
    assert done.code == 2
    assert f"\n\ndid you mean '{suggestion}'?\nsee `{path} --help`\n" in done.err


def test_an_extra_argument_is_a_usage_error() -> None:
    done = runwisp("schema", "x")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("ERROR got unexpected extra argument (x)\n\nsee `runwisp schema --help`")


def test_an_error_is_one_line_a_blank_one_and_its_hints(probe: Callable[[Body], Probe]) -> None:
    call = probe(_raising(UnknownUnit("bakup", ["backup"], "backup")))
    assert call("probe") == Outcome(
        1, "", "ERROR unknown task 'bakup'\n\ndid you mean 'backup'?\nknown: backup\n"
    )


def test_an_error_without_hints_is_one_line(probe: Callable[[Body], Probe]) -> None:
    call = probe(_raising(Refused("not now")))
    assert call("probe") == Outcome(1, "", "ERROR not now\n")


def test_every_problem_of_the_configuration_is_shown_with_its_place_and_key(
    probe: Callable[[Body], Probe],
) -> None:
    problems = [
        Problem(ProblemClass.RANGE, "too many", "tasks.a.parallelism", "a.toml", 3, 1),
        Problem(ProblemClass.IO, "cannot be read: no such file", file="b.toml"),
    ]
    call = probe(_raising(ConfigErrors("a.toml", problems)))
    assert call("probe") == Outcome(
        1,
        "",
        "ERROR a.toml is not valid\n\n"
        "a.toml:3:1: too many [tasks.a.parallelism]\n"
        "b.toml: cannot be read: no such file\n",
    )


def test_an_unexpected_error_shows_no_traceback(probe: Callable[[Body], Probe]) -> None:
    done = probe(_raising(ZeroDivisionError("by nothing")))("probe")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ERROR unexpected error: ZeroDivisionError: by nothing\n\n")
    assert "Traceback" not in done.err


def test_an_error_of_the_system_names_the_file(probe: Callable[[Body], Probe]) -> None:
    done = probe(_raising(PermissionError(errno.EACCES, "Permission denied", "/root/x")))("probe")
    assert done == Outcome(1, "", "ERROR /root/x: Permission denied\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), Refused("x")])
def test_with_the_log_level_debug_an_error_shows_its_traceback(
    probe: Callable[[Body], Probe], error: Exception
) -> None:
    call = probe(_raising(error))
    for done in (call("probe", "--log-level", "debug"), call("probe", env={"RUNWISP_LOG_LEVEL": "debug"})):
        assert done.code == 1
        assert "Traceback" in done.err
        assert f"{type(error).__name__}: x" in done.err


def test_ctrl_c_ends_a_command_with_130(probe: Callable[[Body], Probe]) -> None:
    assert probe(_raising(KeyboardInterrupt()))("probe").code == 130


def test_a_command_may_choose_its_exit_code(probe: Callable[[Body], Probe]) -> None:
    assert probe(_raising(SystemExit(7)))("probe") == Outcome(7, "", "")


def _raising(error: BaseException) -> Body:
    def body(settings: Globals) -> object:
        raise error

    return body
