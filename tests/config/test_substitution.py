from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.config.fields import Place
from runwisp.config.problems import Rejected
from runwisp.config.substitution import substitute
from runwisp.model import Overlap, Seconds
from tests.config.loading import load_text, problems_of, write


def _substitute(text: str, directory: Path = Path("/"), **environ: str) -> str:
    return substitute(text, Place(directory, directory / "home", environ))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("${A}", "a"),
        ("x${A}y${B}z", "xay${A}z"),
        ("${EMPTY}", ""),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $5 $ $$ {A} }", "$A $5 $ $$ {A} }"),
        ("${A}}", "a}"),
    ],
)
def test_a_reference_is_replaced_once_from_left_to_right(text: str, result: str) -> None:
    assert _substitute(text, A="a", B="${A}", EMPTY="") == result


@given(st.text(alphabet="a$ }{", max_size=12).filter(lambda text: "${" not in text))
def test_text_without_a_reference_stays_as_it_is(text: str) -> None:
    assert _substitute(text) == text


def test_the_host_name_is_that_of_the_machine_unless_set() -> None:
    assert _substitute("${HOSTNAME}") == os.uname().nodename
    assert _substitute("${HOSTNAME}", HOSTNAME="box") == "box"


def test_the_content_of_a_file_is_trimmed_and_not_scanned_again(tmp_path: Path) -> None:
    write(tmp_path, {"token": "\n  ${A} b \n\n", "home/x": "h"})
    assert _substitute("<${file:token}>", tmp_path) == "<${A} b>"
    assert _substitute(f"${{file:{tmp_path}/token}}", Path("/")) == "${A} b"
    assert _substitute("${file:~/x}", tmp_path) == "h"


@pytest.mark.parametrize("content", [b"\xff", b"x" * (1 << 20) + b"x"])
def test_a_file_that_is_no_text_or_too_large_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(Rejected) as caught:
        _substitute("${file:f}", tmp_path)
    assert caught.value.faults[0].class_ == "io"


def test_nothing_is_substituted_in_run_and_run_on_start_and_names(tmp_path: Path) -> None:
    text = "[tasks.t]\nrun = 'echo ${X} $${X}'\nenv = { A = '$${X}' }\n"
    task = load_text(tmp_path, text).tasks["t"]
    assert task.run == "echo ${X} $${X}"
    assert task.env == {"A": "${X}"}
    (problem,) = problems_of(tmp_path, "[tasks.t]\nrun = 'x'\nrun_on_start = '${X}'\n", {"X": "boot"})
    assert problem.class_ == "enum"


def test_values_of_every_kind_are_substituted_before_they_are_read(tmp_path: Path) -> None:
    text = """
        [tasks.t]
        run = "x"
        cron = "${EVERY}"
        timeout = "${TIME}"
        on_overlap = "${WORD}"
        failures = ["${WORD2}"]
        log_max_size = "${SIZE}"
        description = "on ${WORD}"
    """
    environ = {"EVERY": "@daily", "TIME": "5m", "WORD": "kill", "WORD2": "stopped", "SIZE": "1kb"}
    task = load_text(tmp_path, text, environ).tasks["t"]
    assert (task.cron, task.timeout, task.on_overlap) == ("@daily", Seconds(300), Overlap.TERMINATE)
    assert (task.failures, task.log_max_size, task.description) == (("stopped",), 1024, "on kill")


def test_an_unset_variable_names_itself_and_its_key(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "[tasks.a]\nrun = 'x'\nenv.K = '${X}'\n")
    assert (problem.class_, problem.key, problem.line, problem.column) == ("ref", "tasks.a.env.K", 3, 5)
    assert "variable X" in problem.message


SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        f"[tasks.a]\nrun = 'x'\nsecrets = {{ A = '{SECRET}${{' }}\n",
        f"[tasks.a]\nrun = 'x'\nsecrets = {{ 1A = '{SECRET}' }}\n",
        f'[tasks.a]\nrun = "x"\nsecrets = {{ A = "{SECRET}\\u0000" }}\n',
        f"[tasks.a]\nrun = 'x'\nsecrets = {{ A = '{SECRET}{'x' * 40_000}' }}\n",
        f"[tasks.a]\nrun = 'x'\nsecrets = {{ A = ['{SECRET}'] }}\n",
        f"[tasks.a]\nrun = 'x'\nsecrets = '{SECRET}'\n",
        "[tasks.a]\nrun = 'x'\nsecrets_file = 'bad.env'\n",
        f"[[notifier]]\nid = 'n'\ntype = 'slack'\nwebhook_url = '{SECRET}'\n",
        f"[[notifier]]\nid = 'n'\ntype = 'gotify'\nurl = 'x'\ntoken = ['{SECRET}']\n",
        f"[[notifier]]\nid = 'n'\ntype = 'webhook'\nurl = '{SECRET}'\nheaders = {{ A = '{SECRET}\\n' }}\n",
        f"[[notifier]]\nid = 'n'\ntype = 'discord'\nwebhook_url = '{SECRET}'\ntoken = '{SECRET}'\n",
        "[[notifier]]\nid = 'n'\ntype = 'slack'\nwebhook_url = '${SECRET}'\n",
    ],
)
def test_no_message_shows_a_secret(text: str, tmp_path: Path) -> None:
    files = {"bad.env": f"A={SECRET}\n{SECRET}\n{SECRET} = x\n"}
    problems = problems_of(tmp_path, text, {"SECRET": SECRET}, files)
    assert problems != ()
    assert SECRET not in repr(problems)


def test_secrets_are_not_in_the_representation_of_a_configuration(tmp_path: Path) -> None:
    text = f"[tasks.a]\nrun = 'x'\nsecrets.A = '{SECRET}'\n"
    text += f"[[notifier]]\nid = 'n'\ntype = 'gotify'\nurl = 'http://x'\ntoken = '{SECRET}'\n"
    config = load_text(tmp_path, text)
    assert config.tasks["a"].secrets == {"A": SECRET}
    assert SECRET not in repr(config)
