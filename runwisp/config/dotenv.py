"""Files with lines ``KEY=VALUE`` (spec: config, env, secrets and their files)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from runwisp.config.files import CannotRead, digest_of, read_text
from runwisp.config.problems import Rejected, reject
from runwisp.config.shapes import MAX_ENV_ENTRIES, check_variable
from runwisp.errors import Problem, ProblemClass

#: The largest file, in megabytes.
MAX_FILE_MB = 16


class BadDotenv(Exception):
    """``problems`` lack the key that names the file; those without a line are about the whole file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


@frozen
class Dotenv:
    variables: Mapping[str, str]
    digest: str


def read_dotenv(path: str) -> Dotenv:
    """The variables of a file. Messages hold no text of it.

    :raises BadDotenv: if it cannot be read, or with every line that is wrong
    """
    variables: dict[str, str] = {}
    problems: list[Problem] = []
    text = _text(path)
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            name, value = _pair(line)
            check_variable(name, value)
            variables[name] = value
        except Rejected as error:
            for fault in error.faults:
                problems.append(Problem(fault.class_, f"line {number} {fault.rule}", None, path, number, 1))
    if len(variables) > MAX_ENV_ENTRIES:
        problems.append(
            Problem(ProblemClass.RANGE, f"must have at most {MAX_ENV_ENTRIES} entries", None, path)
        )
    if problems:
        raise BadDotenv(problems)
    return Dotenv(variables, digest_of(text))


def _text(path: str) -> str:
    try:
        return read_text(path, MAX_FILE_MB)
    except CannotRead as error:
        raise BadDotenv([Problem(ProblemClass.IO, f"cannot read {path}: {error}")]) from None


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.removeprefix("export ").partition("=")
    if not equals:
        raise reject(ProblemClass.FORMAT, "must have the form KEY=VALUE")
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return name.strip(), value
