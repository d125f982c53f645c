"""Errors as problems."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import BadRequest, NotFound

from runwisp import errors
from runwisp.errors import (
    ConfigErrors,
    ConfigNotFound,
    Locked,
    ProblemClass,
    Refused,
    RunWispError,
    ShuttingDown,
    StorageError,
    UnknownUnit,
    WrongKind,
    WrongState,
)
from runwisp.web.faults import document, problem_of
from runwisp.web.problem import Code, Flaw, Problem, not_found


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Locked("x"), 403, Code.LOCKED),
        (UnknownUnit("x", []), 404, Code.NOT_FOUND),
        (WrongKind("x"), 409, Code.WRONG_KIND),
        (WrongState("x"), 409, Code.WRONG_STATE),
        (Refused("x"), 409, Code.WRONG_STATE),
        (ConfigErrors("x", []), 422, Code.CONFIG),
        (ConfigNotFound([]), 422, Code.CONFIG),
        (ShuttingDown("x"), 503, Code.SHUTTING_DOWN),
        (StorageError("x"), 500, Code.INTERNAL),
        (RunWispError("x"), 500, Code.INTERNAL),
        (ValueError("x"), 500, Code.INTERNAL),
        (NotFound(), 404, Code.NOT_FOUND),
        (BadRequest(), 404, Code.NOT_FOUND),
    ],
)
def test_each_error_has_a_status_and_a_code(error: Exception, status: int, code: Code) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)


def test_no_refusal_lacks_a_status_of_its_own() -> None:
    refusals = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Refused)]
    assert {problem_of(cls("x")).status for cls in refusals} <= {403, 409, 503}


def test_the_detail_says_what_to_do_about_it() -> None:
    assert problem_of(UnknownUnit("bakcup", ["backup"], "backup")).detail == (
        "Unknown task 'bakcup'. Did you mean 'backup'?"
    )
    assert problem_of(Locked("only the schedule fires it.")).detail == "Only the schedule fires it."


def test_what_is_not_expected_is_not_told() -> None:
    assert "secret" not in str(problem_of(ValueError("secret")))
    assert "secret" not in str(problem_of(StorageError("secret")))


def test_a_configuration_that_is_wrong_is_told_line_by_line() -> None:
    found = errors.Problem(ProblemClass.RANGE, "must not be 0", "tasks.a.timeout", "runwisp.toml", 3, 1)
    assert problem_of(ConfigErrors("runwisp.toml", [found])).errors == (
        Flaw(message="must not be 0", location="tasks.a.timeout", file="runwisp.toml", line=3, column=1),
    )


@pytest.mark.parametrize(
    ("status", "header"), [(401, "WWW-Authenticate"), (429, "Retry-After"), (503, "Retry-After")]
)
def test_some_statuses_come_with_a_header(status: int, header: str) -> None:
    assert header in problem_of(Problem(status, Code.INTERNAL, "x")).headers


def test_a_problem_may_bring_its_own_header() -> None:
    problem = Problem(429, Code.RATE_LIMITED, "x", headers={"Retry-After": "60"})
    assert problem_of(problem).headers == {"Retry-After": "60"}


def test_a_problem_is_written_with_the_members_of_rfc_9457() -> None:
    assert document(not_found("Nothing."), "/api/x") == {
        "type": "urn:runwisp:problem:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "Nothing.",
        "instance": "/api/x",
        "errors": [],
    }


def test_a_flaw_is_written_whole() -> None:
    problem = Problem(422, Code.INVALID, "x", (Flaw(message="must be 1", location="query.n", value=2),))
    assert document(problem, "/")["title"] == "Unprocessable Entity"
    assert document(problem, "/")["errors"] == [
        {
            "message": "must be 1",
            "location": "query.n",
            "value": 2,
            "file": None,
            "line": None,
            "column": None,
        }
    ]
