"""Completion: what is offered where, and that shells get it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from runwisp.cli.shells import SHELLS
from tests.cli.calling import PROGRAM, runwisp
from tests.cli.terminal import Terminal
from tests.client import resources
from tests.client.fake_daemon import FakeDaemon, Hold, listed, streamed

CONFIG = """
[tasks.backup]
description = "Nightly"
run = "true"
[tasks."db:dump"]
description = "Colons: everywhere"
run = "true"
[tasks."db:vacuum"]
run = "true"
[tasks.hidden]
run = "true"
cron = "@daily"
api_trigger = false
[services.web]
run = "true"
[[notifier]]
id = "ops"
type = "slack"
webhook_url = "https://hooks.slack.com/services/x"
"""
UNITS = [
    resources.task("db:dump", description="Writes\na dump", group="Databases"),
    resources.task("db:vacuum", description="", group="Databases", paused_at="2026-03-02T02:00:00.000Z"),
    resources.task("hidden", description="", api_trigger=False),
    resources.task("manual", description="", cron=None),
    resources.service("web", description="", group="Sites"),
]


def offered(line: str, shell: str = "fish") -> list[str]:
    """What is offered behind ``line``, without descriptions and the mark of plain words."""
    return [item.partition("\t")[0].removeprefix("plain,") for item in answers(line, shell)]


def answers(line: str, shell: str) -> list[str]:
    """The lines that the script of a shell gets."""
    *_, word = line.split(" ")
    env = {"_RUNWISP_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": word}
    done = runwisp(env=env)
    assert (done.code, done.err) == (0, "")
    return done.out.split("\n")[:-1] if done.out.strip() else []


@pytest.fixture
def place(here: Path) -> Path:
    """A directory with a configuration."""
    (here / "runwisp.toml").write_text(CONFIG)
    return here


@pytest.fixture
def serves(daemon: FakeDaemon) -> FakeDaemon:
    daemon.on("GET", "/api/tasks", listed(UNITS))
    return daemon


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    done = runwisp("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_RUNWISP_COMPLETE={shell}_complete" in done.out


def test_an_unknown_shell_is_a_usage_error() -> None:
    done = runwisp("completion", "tcsh")
    assert (done.code, done.out) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.err


def test_commands_are_completed_with_what_they_do() -> None:
    assert offered("runwisp re") == ["restart", "resume", "reload"]
    assert "plain,list\tlist the configured tasks and services" in answers("runwisp ", "fish")
    assert offered("runwisp completion ") == ["bash", "zsh", "fish"]


def test_flags_are_completed_before_and_behind_the_command() -> None:
    assert offered("runwisp --log") == ["--log-level", "--log-format"]
    assert offered("runwisp logs --l") == ["--lines", "--log-level", "--log-format"]
    assert offered("runwisp --log-level de") == ["debug"]
    assert offered("runwisp logs --log-format=") == ["auto", "text", "json"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("runwisp --config x", "file,x"),
        ("runwisp status --data x", "dir,x"),
        ("runwisp --socket=x", "file,x"),
        ("runwisp validate x", "file,x"),
    ],
)
def test_paths_are_left_to_the_shell(line: str, kind: str) -> None:
    assert answers(line, "bash") == [kind]


def test_exec_completes_what_it_can_run_of_the_configuration(place: Path) -> None:
    assert offered("runwisp exec ") == ["backup", "db:dump", "db:vacuum"]
    assert answers("runwisp exec b", "fish") == ["plain,backup\tNightly"]


def test_notifiers_come_from_the_configuration(place: Path) -> None:
    assert offered("runwisp notify ") == ["test"]
    assert offered("runwisp notify test ") == ["ops"]


def test_the_configuration_is_the_one_that_the_line_means(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[tasks.other]\nrun = "true"\n')
    assert offered(f"runwisp -c {tmp_path}/other.toml exec ") == ["other"]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("run-task", ["db:dump", "db:vacuum", "manual", "web"]),
        ("start", ["db:dump", "db:vacuum", "manual", "web"]),
        ("restart", ["db:dump", "db:vacuum", "manual", "web"]),
        ("stop", ["db:dump", "db:vacuum", "hidden", "manual", "web"]),
        ("pause", ["db:dump", "db:vacuum"]),
        ("resume", ["db:vacuum"]),
        ("runs", ["db:dump", "db:vacuum", "hidden", "manual", "web"]),
        ("logs", ["db:dump", "db:vacuum", "hidden", "manual", "web"]),
    ],
)
def test_other_names_come_from_the_daemon_as_far_as_they_fit(
    serves: FakeDaemon, command: str, names: list[str]
) -> None:
    assert offered(f"runwisp {command} ") == names


def test_what_is_in_the_line_is_not_offered_again(serves: FakeDaemon) -> None:
    assert offered("runwisp stop db:dump web ") == ["db:vacuum", "hidden", "manual"]


def test_the_daemon_is_the_one_that_the_line_means(serves: FakeDaemon, tmp_path: Path) -> None:
    assert offered(f"runwisp --data {tmp_path}/nowhere logs ") == []
    assert offered(f"runwisp logs --socket {tmp_path}/here/data/runwisp.sock w") == ["web"]


def test_a_description_is_one_line(serves: FakeDaemon) -> None:
    assert answers("runwisp logs db:d", "fish") == ["plain,db:dump\tWrites a dump"]


def test_statuses_and_groups_are_completed(serves: FakeDaemon) -> None:
    assert offered("runwisp runs --status fail") == ["failed", "failure"]
    assert offered("runwisp runs --status failed,tim") == ["failed,timeout"]
    assert "failed,failed" not in offered("runwisp runs --status failed,")
    assert offered("runwisp runs --group ") == ["Databases", "Sites"]


@pytest.mark.parametrize("line", ["runwisp exec ", "runwisp logs ", "runwisp -p x logs "])
def test_where_nothing_is_to_be_had_nothing_is_said(here: Path, line: str) -> None:
    assert offered(line) == []


def test_a_configuration_that_is_not_valid_offers_nothing(place: Path) -> None:
    (place / "runwisp.toml").write_text("[tasks.a]")
    assert offered("runwisp exec ") == []


def test_a_daemon_that_does_not_answer_is_given_up(daemon: FakeDaemon) -> None:
    daemon.on("GET", "/api/tasks", streamed(Hold()))
    assert offered("runwisp logs ") == []


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("runwisp exec db", ["db:dump", "db:vacuum"]),
        ("runwisp exec db:", ["dump", "vacuum"]),
        ("runwisp exec db:v", ["vacuum"]),
        ("runwisp runs --status=failed,tim", ["failed,timeout"]),
        ("runwisp exec ", ["backup", "db:dump", "db:vacuum"]),
    ],
)
def test_bash_gets_what_is_behind_the_last_colon(
    place: Path, monkeypatch: pytest.MonkeyPatch, line: str, items: list[str]
) -> None:
    monkeypatch.setenv("COMP_WORDBREAKS", " \t\n\"'><=;|&(:")
    assert offered(line, "bash") == items


# The shells themselves


@pytest.fixture
def environ(place: Path) -> dict[str, str]:
    """A person who has nothing configured, and our program in the path."""
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(place), "TERM": "xterm", "PS1": "$ ", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize(
    ("shell", "preparation"),
    [
        (["bash", "--norc", "--noprofile", "-i"], 'eval "$(runwisp completion bash)"'),
        (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(runwisp completion zsh)"'),
    ],
)
def test_a_key_completes_the_line(
    place: Path, environ: dict[str, str], shell: list[str], preparation: str
) -> None:
    with Terminal(shell, place, environ) as terminal:
        terminal.press(f"{preparation}; echo rea''dy\r", "ready")
        for line, completed in [
            ("vali", "validate"),
            ("exec back", "exec backup"),
            ("exec db:v", "exec db:vacuum"),
            ("exec db:d", "exec db:dump"),
            ("exec --log-level=d", "exec --log-level=debug"),
            ("exec --config=runw", "exec --config=runwisp.toml"),
            ("validate runw", "validate runwisp.toml"),
        ]:
            # With the line's beginning changed, the shell says what it has got instead of running it.
            terminal.press(f"runwisp {line}\t\x01echo \r", f"\nrunwisp {completed}\n")


def test_fish_offers_the_same_with_descriptions(place: Path, environ: dict[str, str]) -> None:
    def complete(line: str) -> list[str]:
        script = f"runwisp completion fish | source; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script],
            capture_output=True,
            text=True,
            env=environ,
            cwd=place,
            timeout=30,
        )
        return done.stdout.splitlines()

    assert complete("runwisp vali") == ["validate\tcheck the configuration"]
    assert complete("runwisp exec db:v") == ["db:vacuum"]
    assert complete("runwisp runs --status failed,tim") == ["failed,timeout"]
    assert complete("runwisp exec --log-level=d") == ["--log-level=debug"]
    assert complete("runwisp validate runw") == ["runwisp.toml"]
    assert complete("runwisp exec --config=runw") == ["--config=runwisp.toml"]
