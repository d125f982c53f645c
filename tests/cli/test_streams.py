"""Output that goes to files, to nobody, or nowhere, as shells and service managers arrange it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.calling import PROGRAM
from tests.cli.history import ERR, OUT, RUN, History

CONFIG = '[tasks.backup]\nrun = "echo copied"\n'
COMMANDS = [
    "--help",
    "--version",
    "completion fish",
    "exec backup",
    "list",
    "list --json",
    "logs backup",
    "logs --json backup",
    "openapi",
    "runs",
    "runs --json",
    "schema",
    "validate",
    "validate --json",
]


@pytest.fixture(autouse=True)
def place(here: Path, history: History) -> Path:
    """A directory with a configuration and a history."""
    (here / "runwisp.toml").write_text(CONFIG)
    history.add("backup", RUN, [(OUT, b"copied\n"), (ERR, b"two failed\n")])
    return here


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line for a shell in which ``runwisp`` is ours."""
    script = f'runwisp() {{ "{PROGRAM}" "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_gets_what_a_pipe_gets_and_no_escape_sequences(place: Path, command: str) -> None:
    piped, filed = shell(f"runwisp {command}"), shell(f"runwisp {command} > out 2> err")
    assert filed.returncode == piped.returncode == 0
    out = (place / "out").read_text()
    assert out
    assert "\x1b" not in out + (place / "err").read_text()
    if not command.startswith("exec"):
        assert (out, (place / "err").read_text()) == (piped.stdout, piped.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_streams_are_no_error(command: str) -> None:
    assert shell(f"runwisp {command} >&-").returncode == 0
    assert shell(f"runwisp {command} <&- >&- 2>&-").returncode == 0


def test_nothing_of_ours_gets_the_number_of_a_closed_stream(place: Path) -> None:
    done = shell("runwisp exec backup <&- >&- 2>&-; runwisp logs backup")
    assert (done.stdout, place.joinpath("data/runwisp.db").read_bytes()[:6]) == ("copied\n", b"SQLite")


@pytest.mark.parametrize(
    "command", [*(command for command in COMMANDS if not command.startswith("exec")), "exec --json backup"]
)
def test_a_full_disk_is_told(command: str) -> None:
    done = shell(f"runwisp {command} > /dev/full")
    assert done.returncode == 1
    assert "ERROR the output cannot be written: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("where", ["> /dev/full", "| true"])
def test_a_task_does_not_mind_whether_its_output_is_shown(where: str) -> None:
    done = shell(f"runwisp exec backup {where}; echo ${{PIPESTATUS[0]}}; runwisp logs backup")
    assert done.stdout == "0\ncopied\n"
    assert "no space" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_leaves_at_once_is_no_error(command: str) -> None:
    done = shell(f"runwisp {command} 2>&1 | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
