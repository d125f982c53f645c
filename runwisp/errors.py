"""Every error that the program raises on purpose, as data; the sentence is made here and nowhere else.

``EXIT_CODES`` maps the classes to exit codes of the command line (spec: interfaces, exit codes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from attrs import frozen

#: Names of units that an error lists.
_LISTED = 50


class ProblemClass(StrEnum):
    """Classes of configuration errors (spec: config, conventions)."""

    SYNTAX = "syntax"
    TYPE = "type"
    UNKNOWN = "unknown"
    ENUM = "enum"
    RANGE = "range"
    FORMAT = "format"
    REQUIRED = "required"
    CONFLICT = "conflict"
    REF = "ref"
    DUP = "dup"
    IO = "io"


@frozen
class Problem:
    """One finding about a configuration file; ``class_`` is None for a warning.

    ``line`` and ``column`` count from 1 and belong to the key in ``file``.
    """

    class_: ProblemClass | None
    message: str
    key: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}:{self.column}"
        return f"{place}: {self.message}" if place else self.message


class RunWispError(Exception):
    """Base of all expected errors: a one-line sentence, and hints on what to do about it."""

    hints: Sequence[str] = ()


class ConfigErrors(RunWispError):
    """The configuration cannot be used; ``problems`` lists every reason that was found."""

    def __init__(self, path: str, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(f"{path} is not valid")


class NeedsRestart(ConfigErrors):
    """The configuration is valid, but running daemons cannot take it up; ``problems`` name the keys."""

    def __init__(self, path: str, problems: Iterable[Problem]) -> None:
        super().__init__(path, problems)
        keys = ", ".join(str(problem.key) for problem in self.problems)
        self.args = (f"needs restart: {keys} cannot change while the daemon runs",)


class ConfigNotFound(RunWispError):
    def __init__(self, tried: Iterable[str]) -> None:
        self.tried = tuple(tried)
        super().__init__("no configuration file found")
        self.hints = [f"tried {path}" for path in self.tried] + ["name one with --config PATH"]


class DataDirLocked(RunWispError):
    """Another daemon, or an ``exec``, owns the data directory; ``pid`` is None if it could not be read."""

    def __init__(self, data_dir: str, pid: int | None) -> None:
        self.data_dir = data_dir
        self.pid = pid
        owner = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"the data directory {data_dir} is in use by {owner}")


class DataDirUnusable(RunWispError):
    def __init__(self, data_dir: str, reason: str) -> None:
        super().__init__(f"the data directory {data_dir} cannot be used: {reason}")


class CannotListen(RunWispError):
    """A port or a socket cannot be listened at, or what TLS needs for it cannot be had."""

    def __init__(self, sentence: str, hints: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.hints = tuple(hints)


class StorageError(RunWispError):
    """The database cannot be opened, migrated, read or written."""


class PasswordUnusable(RunWispError):
    """The place that decides about the password holds none that can be used."""

    def __init__(self, place: str, reason: str, hint: str) -> None:
        super().__init__(f"cannot take the password from {place}: {reason}")
        self.hints = [hint]


class UnknownUnit(RunWispError):
    def __init__(self, name: str, known: Iterable[str], suggestion: str | None = None) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        self.suggestion = suggestion
        super().__init__(f"unknown task {name!r}")
        if suggestion is not None:
            self.hints = [f"did you mean {suggestion!r}?"]
        elif self.known:
            self.hints = [self.listed]

    @property
    def listed(self) -> str:
        """The first of the known names."""
        rest = len(self.known) - _LISTED
        return "known: " + ", ".join(self.known[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


class UnknownNotifier(RunWispError):
    """No notifier has this name, or it cannot have this target."""


class NotDelivered(RunWispError):
    """A test message was not accepted, or has not got anywhere."""


class Refused(RunWispError):
    """The request is understood and known, and not allowed now or for this unit."""


class Locked(Refused):
    """``api_trigger`` is false: only the configuration fires the unit."""


class WrongKind(Refused):
    """The verb does not fit this unit."""


class WrongState(Refused):
    """The verb does not fit the phase of the run, or what the unit is doing."""


class ShuttingDown(Refused):
    """The daemon is on its way out and starts nothing more."""


class NotLocal(Refused):
    """The daemon answers this over its socket only."""


class PasswordSetByOperator(Refused):
    """The daemon tells the password only if it has made it itself."""


class AuthenticationOff(Refused):
    """The daemon has no password."""


class UsageError(RunWispError):
    """A flag, variable or argument of the command line is wrong."""


EXIT_CODES: dict[type[RunWispError], int] = {
    RunWispError: 1,
    UsageError: 2,
    PasswordSetByOperator: 3,
    NotLocal: 4,
    AuthenticationOff: 5,
}


def exit_code(error: RunWispError) -> int:
    """The exit code of the command line for ``error``: that of its nearest listed class."""
    return next(EXIT_CODES[cls] for cls in type(error).__mro__ if cls in EXIT_CODES)
