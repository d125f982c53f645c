"""Every exception as the problem that is answered for it: the one table from errors to statuses."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import asdict, evolve
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from runwisp.errors import (
    ConfigErrors,
    ConfigNotFound,
    Locked,
    Refused,
    RunWispError,
    ShuttingDown,
    UnknownUnit,
    WrongKind,
    WrongState,
)
from runwisp.web.headers import phrase
from runwisp.web.problem import Code, Flaw, Problem, not_found

#: After how many seconds a client may ask again where nobody knows better.
RETRY_AFTER = "5"

_STATUSES: Mapping[type[RunWispError], tuple[int, Code]] = {
    Locked: (403, Code.LOCKED),
    UnknownUnit: (404, Code.NOT_FOUND),
    WrongKind: (409, Code.WRONG_KIND),
    WrongState: (409, Code.WRONG_STATE),
    Refused: (409, Code.WRONG_STATE),
    ConfigErrors: (422, Code.CONFIG),
    ConfigNotFound: (422, Code.CONFIG),
    ShuttingDown: (503, Code.SHUTTING_DOWN),
}

#: Headers that go with a status, unless the problem brings its own.
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": RETRY_AFTER},
    503: {"Retry-After": RETRY_AFTER},
}


def problem_of(error: BaseException | None) -> Problem:
    """What to answer for ``error``; the status is 500 for whatever is not expected."""
    problem = _problem(error)
    return evolve(problem, headers={**_HEADERS.get(problem.status, {}), **problem.headers})


def document(problem: Problem, path: str) -> dict[str, object]:
    """The problem as JSON, with the members of RFC 9457, for a request of ``path``."""
    return {
        "type": f"urn:runwisp:problem:{problem.code}",
        "title": phrase(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        "errors": [asdict(flaw) for flaw in problem.errors],
    }


def _problem(error: BaseException | None) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _of_routing(error)
    for cls in type(error).__mro__:
        if cls in _STATUSES:
            assert isinstance(error, RunWispError)
            status, code = _STATUSES[cls]
            return Problem(status, code, _sentence(error), _flaws(error))
    return Problem(500, Code.INTERNAL, "Something went wrong here; the daemon's log says what.")


def _of_routing(error: HTTPException) -> Problem:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return Problem(405, Code.METHOD, f"Only {allowed} is possible here.", headers={"Allow": allowed})
    return not_found("There is nothing at this path.")


def _sentence(error: RunWispError) -> str:
    """The message, and what to do about it, as sentences."""
    return " ".join(_capitalised(text) for text in (str(error), *error.hints))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _flaws(error: RunWispError) -> tuple[Flaw, ...]:
    if not isinstance(error, ConfigErrors):
        return ()
    return tuple(
        Flaw(
            message=problem.message,
            location=problem.key,
            file=problem.file,
            line=problem.line,
            column=problem.column,
        )
        for problem in error.problems
    )
