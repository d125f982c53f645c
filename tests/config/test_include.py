from __future__ import annotations

from pathlib import Path

import pytest

from runwisp.config.include import expand
from tests.config.bad import SLACK
from tests.config.loading import FILE_NAME, load_text, problems_of, write

ROOT = "[daemon]\ninclude = ['jobs.d/*.toml']\n[tasks.root]\nrun = 'x'\n"
ROUTE = "[[notification_route]]\nnotify = ['n']\nmatch.task = '{}'\n"


def test_units_notifiers_and_routes_of_all_files_add_up(tmp_path: Path) -> None:
    files = {
        "jobs.d/b.toml": "[tasks.b]\nrun = 'x'\nnotify_on_failure = ['n']\n" + ROUTE.format("b"),
        "jobs.d/a.toml": "[services.a]\nrun = 'x'\ndepends_on = ['c']\n" + SLACK + ROUTE.format("a"),
        "jobs.d/c.toml": "[services.c]\nrun = 'x'\n[daemon]\n[defaults]\n",
        "jobs.d/d.txt": "not read",
        "jobs.d/.hidden.toml": "not read",
    }
    config = load_text(tmp_path, ROOT + ROUTE.format("root"), files=files)
    assert (set(config.tasks), set(config.services)) == ({"root", "b"}, {"a", "c"})
    assert [route.match.task for route in config.routes] == ["root", "a", "b"]
    names = [FILE_NAME, "jobs.d/a.toml", "jobs.d/b.toml", "jobs.d/c.toml"]
    assert list(config.files) == [tmp_path / name for name in names]
    assert config.tasks["b"].source_file == str(tmp_path / "jobs.d/b.toml")


def test_paths_are_relative_to_the_file_that_declares_them(tmp_path: Path) -> None:
    files = {
        "jobs.d/a.toml": "[tasks.a]\nrun = 'x'\nenv_file = 'a.env'\nworking_dir = 'w'\ngroup = '${file:g}'\n",
        "jobs.d/a.env": "A=1\n",
        "jobs.d/g": "G\n",
    }
    task = load_text(tmp_path, ROOT, files=files).tasks["a"]
    assert task.working_dir == str(tmp_path / "jobs.d/w")
    assert (task.env, task.group) == ({"A": "1"}, "G")


@pytest.mark.parametrize("table", ["daemon", "storage", "defaults", "scheduler", "notify"])
def test_tables_of_the_root_file_are_refused_in_others(table: str, tmp_path: Path) -> None:
    keys = {
        "daemon": "tls = 'off'",
        "storage": "max_size = '1gb'",
        "defaults": "keep_runs = 1",
        "scheduler": "timezone = 'UTC'",
        "notify": "retry_budget = '1m'",
    }
    files = {"jobs.d/a.toml": f"[{table}]\n{keys[table]}\n"}
    (problem,) = problems_of(tmp_path, ROOT, files=files)
    assert (problem.class_, problem.key, problem.line, problem.column) == ("conflict", table, 1, 2)
    assert problem.file == str(tmp_path / "jobs.d/a.toml")
    assert f"[{table}]" in problem.message
    assert str(tmp_path / FILE_NAME) in problem.message


def test_only_the_root_file_includes(tmp_path: Path) -> None:
    files = {"jobs.d/a.toml": "[daemon]\ninclude = []\n"}
    (problem,) = problems_of(tmp_path, ROOT, files=files)
    assert (problem.class_, problem.key, problem.line) == ("conflict", "daemon.include", 2)
    assert str(tmp_path / FILE_NAME) in problem.message
    assert str(tmp_path / "jobs.d/a.toml") in problem.message


def test_a_name_that_another_file_has_is_refused_with_both_files(tmp_path: Path) -> None:
    files = {
        "jobs.d/a.toml": "[services.root]\nrun = 'x'\n" + SLACK,
        "jobs.d/b.toml": "[notifiers.n]\ntype = 'ntfy'\ntopic = 'x'\n",
    }
    problems = problems_of(tmp_path, ROOT, files=files)
    assert [(problem.class_, problem.key) for problem in problems] == [
        ("dup", "services.root"),
        ("dup", "notifiers.n"),
    ]
    for problem, first, second in zip(
        problems, (FILE_NAME, "jobs.d/a.toml"), ("jobs.d/a.toml", "jobs.d/b.toml"), strict=True
    ):
        assert problem.file == str(tmp_path / second)
        assert str(tmp_path / first) in problem.message
        assert str(tmp_path / second) in problem.message


def test_every_bad_file_is_reported_with_its_path(tmp_path: Path) -> None:
    files = {
        "jobs.d/a.toml": "x = ",
        "jobs.d/b.toml": "nope = 1\n[tasks.b]\ncrno = 1\n",
        "jobs.d/c.toml/x": "",
        "jobs.d/d.toml": "[tasks.d]\nrun = 'x'\nparallelism = 0\n",
    }
    problems = problems_of(tmp_path, ROOT, files=files)
    assert [(problem.class_, Path(problem.file or "").name, problem.line) for problem in problems] == [
        ("syntax", "a.toml", 1),
        ("unknown", "b.toml", 1),
        ("unknown", "b.toml", 3),
        ("io", "c.toml", None),
    ]
    del files["jobs.d/a.toml"], files["jobs.d/b.toml"], files["jobs.d/c.toml/x"]
    for name in ("a.toml", "b.toml"):
        (tmp_path / "jobs.d" / name).unlink()
    (tmp_path / "jobs.d/c.toml/x").unlink()
    (tmp_path / "jobs.d/c.toml").rmdir()
    (problem,) = problems_of(tmp_path, ROOT, files=files)
    assert (problem.key, problem.file, problem.line) == (
        "tasks.d.parallelism",
        str(tmp_path / "jobs.d/d.toml"),
        3,
    )


def test_the_root_file_does_not_include_itself_and_no_match_is_fine(tmp_path: Path) -> None:
    text = "[daemon]\ninclude = ['*.toml', 'gone.toml', 'gone/*', 'x/../other.toml']\n[tasks]\na.run = 'x'\n"
    config = load_text(tmp_path, text, files={"other.toml": "[tasks.b]\nrun = 'x'\n", "x/y": ""})
    assert set(config.tasks) == {"a", "b"}


def test_an_included_glob_is_substituted(tmp_path: Path) -> None:
    text = "[daemon]\ninclude = ['${DIR}/*']\n"
    files = {"x/a.toml": "[tasks.a]\nrun = 'x'\n"}
    assert set(load_text(tmp_path, text, {"DIR": "x"}, files).tasks) == {"a"}
    (problem,) = problems_of(tmp_path, text, files=files)
    assert (problem.class_, problem.key) == ("ref", "daemon.include[0]")


def test_globs_expand_without_looking_into_hidden_names(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.toml": "", "a/2.toml": "", "a/.3.toml": "", "b/1.toml": "", ".c/1.toml": ""})
    root = str(tmp_path)

    def expanded(glob: str) -> list[str]:
        return sorted(path.removeprefix(root + "/") for path in expand(f"{root}/{glob}"))

    assert expanded("*/[1].toml") == ["a/1.toml", "b/1.toml"]
    assert expanded("a/?.toml") == ["a/1.toml", "a/2.toml"]
    assert expanded("a/.*") == ["a/.3.toml"]
    assert expanded("a/[^1].toml") == ["a/2.toml"]
    assert expanded("a/../?/1.toml") == ["a/../a/1.toml", "a/../b/1.toml"]
    assert expanded("gone/*") == []


def test_the_zone_of_the_scheduler_under_its_other_name_is_refused_in_others_too(tmp_path: Path) -> None:
    files = {"jobs.d/a.toml": "[daemon]\ntimezone = 'UTC'\n"}
    (problem,) = problems_of(tmp_path, ROOT, files=files)
    assert (problem.class_, problem.key, problem.line, problem.column) == ("conflict", "scheduler", 1, 2)
