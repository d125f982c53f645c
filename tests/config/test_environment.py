from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.dotenv import BadDotenv, read_dotenv
from tests.config.loading import FILE_NAME, load_text, problems_of

LAYERS = """
    [defaults]
    env_file = "defaults.env"
    env = { C = "defaults", D = "defaults" }
    secrets_file = "defaults.secrets"
    secrets = { S3 = "defaults", S4 = "defaults" }
    [tasks.t]
    run = "x"
    env_file = "unit.env"
    env = { D = "unit", E = "unit" }
    secrets_file = "unit.secrets"
    secrets = { S4 = "unit" }
    [services.s]
    run = "x"
"""
FILES = {
    "defaults.env": "A=defaults.env\nB=defaults.env\nC=defaults.env\n",
    "unit.env": "B=unit.env\nD=unit.env\n",
    "defaults.secrets": "S1=defaults.secrets\nS2=defaults.secrets\nS3=defaults.secrets\n",
    "unit.secrets": "S2=unit.secrets\nS4=unit.secrets\nA=secret\n",
}


def test_later_layers_win_over_earlier_ones(tmp_path: Path) -> None:
    config = load_text(tmp_path, LAYERS, files=FILES)
    task, service = config.tasks["t"], config.services["s"]
    assert task.env == {"A": "defaults.env", "B": "unit.env", "C": "defaults", "D": "unit", "E": "unit"}
    assert task.secrets == {
        "S1": "defaults.secrets",
        "S2": "unit.secrets",
        "S3": "defaults",
        "S4": "unit",
        "A": "secret",
    }
    assert service.env == {"A": "defaults.env", "B": "defaults.env", "C": "defaults", "D": "defaults"}
    assert service.secrets["S3"] == "defaults"


def test_the_files_are_named_by_absolute_paths_and_only_env_files_are_watched(tmp_path: Path) -> None:
    config = load_text(tmp_path, LAYERS, files=FILES)
    task, service = config.tasks["t"], config.services["s"]
    assert (task.env_file, service.env_file) == (str(tmp_path / "unit.env"), str(tmp_path / "defaults.env"))
    assert task.secrets_file == str(tmp_path / "unit.secrets")
    assert list(config.files) == [tmp_path / name for name in (FILE_NAME, "defaults.env", "unit.env")]


def test_dotenv_lines_are_trimmed_unquoted_and_not_expanded(tmp_path: Path) -> None:
    lines = [
        "\ufeff# comment",
        "",
        "  # another",
        "A=1",
        "export B = two words ",
        "C='single'",
        'D="double"',
        "E=\"un'even'",
        "F=$x ${y} # z",
        "G=",
        "H==",
        "I='",
        "A=2\r",
    ]
    (tmp_path / "f").write_text("\n".join(lines))
    assert read_dotenv(str(tmp_path / "f")).variables == {
        "A": "2",
        "B": "two words",
        "C": "single",
        "D": "double",
        "E": "\"un'even'",
        "F": "$x ${y} # z",
        "G": "",
        "H": "=",
        "I": "'",
    }


@pytest.mark.parametrize(
    ("content", "class_", "line", "says"),
    [
        ("A=1\nnonsense\n", "format", 2, "KEY=VALUE"),
        ("\n1A=1\n", "format", 2, "name of a variable"),
        ("A=\0\n", "format", 1, "NUL"),
        ("A=" + "x" * 32_769, "range", 1, "32768"),
        ("".join(f"A{number}=\n" for number in range(257)), "range", None, "256"),
    ],
)
def test_a_bad_line_is_reported_with_file_and_line(
    content: str, class_: str, line: int | None, says: str, tmp_path: Path
) -> None:
    text = "[tasks.t]\nrun = 'x'\nenv_file = 'f.env'\n"
    (problem,) = problems_of(tmp_path, text, files={"f.env": content})
    assert (problem.class_, problem.key) == (class_, "tasks.t.env_file")
    assert problem.line == line
    assert problem.file == str(tmp_path / "f.env")
    assert says in problem.message


def test_a_file_that_several_units_name_is_reported_once(tmp_path: Path) -> None:
    text = (
        "[defaults]\nenv_file = 'gone.env'\n[tasks]\na.run = 'x'\nb = { run = 'x', env_file = 'gone.env' }\n"
    )
    (problem,) = problems_of(tmp_path, text)
    assert (problem.class_, problem.key, problem.line) == ("io", "defaults.env_file", 2)
    assert str(tmp_path / "gone.env") in problem.message


def test_a_dotenv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"A=\xff")
    with pytest.raises(BadDotenv) as caught:
        read_dotenv(str(tmp_path / "f"))
    assert caught.value.problems[0].class_ == "io"
