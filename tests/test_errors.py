from __future__ import annotations

import pytest

from runwisp.errors import (
    ConfigErrors,
    DataDirLocked,
    Problem,
    ProblemClass,
    Refused,
    RunWispError,
    UnknownUnit,
    UsageError,
    exit_code,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("bad flag"), 2),
        (Refused("no"), 1),
        (UnknownUnit("x", ["y"]), 1),
        (DataDirLocked("data", 12), 1),
        (ConfigErrors("runwisp.toml", []), 1),
    ],
)
def test_every_error_has_an_exit_code(error: RunWispError, code: int) -> None:
    assert exit_code(error) == code


def test_an_unknown_unit_is_answered_with_a_suggestion_or_with_what_there_is() -> None:
    assert UnknownUnit("bakcup", ["backup", "mail"], "backup").hints == ["did you mean 'backup'?"]
    assert UnknownUnit("x", ["mail", "backup"]).hints == ["known: backup, mail"]
    assert UnknownUnit("x", [f"job-{n:02}" for n in range(60)]).listed.endswith(", job-49 and 10 more")


def test_the_owner_of_a_locked_data_directory_is_named() -> None:
    assert "process 4711" in str(DataDirLocked("/srv/data", 4711))
    assert "another process" in str(DataDirLocked("/srv/data", None))


def test_a_problem_names_its_place() -> None:
    problem = Problem(ProblemClass.RANGE, "must be 1 to 9", "tasks.a.x", "runwisp.toml", 3, 5)
    assert str(problem) == "runwisp.toml:3:5: must be 1 to 9"
    assert str(Problem(None, "only a warning")) == "only a warning"
