from __future__ import annotations

from pathlib import Path

from runwisp.config.loader import FILE_NAME
from runwisp.config.restart_only import restart_problems
from runwisp.errors import NeedsRestart, Problem, ProblemClass
from tests.config.loading import write

KEYS = ["daemon.tls", "daemon.metrics_enabled"]


def places(path: Path) -> list[tuple[int | None, int | None]]:
    return [(problem.line, problem.column) for problem in restart_problems(path, KEYS)]


def test_a_key_that_needs_a_restart_is_named_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, {FILE_NAME: '# x\n[daemon]\n  tls = "auto"\nmetrics_enabled = true\n'})
    path = tmp_path / FILE_NAME
    assert restart_problems(path, KEYS) == [
        Problem(ProblemClass.CONFLICT, "daemon.tls: needs restart", "daemon.tls", str(path), 3, 3),
        Problem(
            ProblemClass.CONFLICT,
            "daemon.metrics_enabled: needs restart",
            "daemon.metrics_enabled",
            str(path),
            4,
            1,
        ),
    ]
    error = NeedsRestart(str(path), restart_problems(path, KEYS))
    assert str(error).startswith("needs restart: daemon.tls, daemon.metrics_enabled cannot change")


def test_the_place_of_a_key_that_has_gone_is_that_of_its_table(tmp_path: Path) -> None:
    write(tmp_path, {FILE_NAME: "\n[daemon]\nmetrics_enabled = true\n"})
    assert places(tmp_path / FILE_NAME) == [(2, 2), (3, 1)]


def test_without_table_or_file_there_is_no_place(tmp_path: Path) -> None:
    write(tmp_path, {FILE_NAME: ""})
    assert places(tmp_path / FILE_NAME) == [(None, None)] * 2
    write(tmp_path, {FILE_NAME: "["})
    assert places(tmp_path / FILE_NAME) == [(None, None)] * 2
    assert places(tmp_path / "gone.toml") == [(None, None)] * 2
