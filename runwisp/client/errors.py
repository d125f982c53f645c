"""What can go wrong between a client and a daemon, and the problems of the API as our errors.

Spec: rest, errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from runwisp.errors import Locked, NotLocal, Problem, RunWispError, ShuttingDown, WrongKind, WrongState


class Reason(Enum):
    """Why there is no answer."""

    #: There is no such socket or host, or nobody listens there.
    ABSENT = "absent"
    #: The system, or the daemon itself, does not let this user in.
    FORBIDDEN = "forbidden"
    #: Somebody listens and does not answer.
    SILENT = "silent"
    #: The daemon answered before, and does not any more.
    LOST = "lost"


class Unreachable(RunWispError):
    """No daemon answers at ``address``."""

    def __init__(self, address: str, reason: Reason, detail: str) -> None:
        self.address = address
        self.reason = reason
        super().__init__(f"no daemon answers at {address}: {detail}")


class BadAnswer(RunWispError):
    """Something answers that is no RunWisp daemon, or one that is too different from this version."""

    def __init__(self, address: str, detail: str) -> None:
        super().__init__(f"the answer of {address} is not that of a RunWisp daemon: {detail}")


class ApiError(RunWispError):
    """The daemon has refused a request, for a reason that has no class of its own."""


class NotFound(ApiError):
    """There is no such task, service or run."""


class ConfigRejected(ApiError):
    """A reload is refused; the daemon goes on with what it has."""


class Unauthenticated(ApiError):
    """The daemon wants a session."""


class LoginRejected(ApiError):
    """The password is wrong."""


class RateLimited(ApiError):
    """Too many attempts."""


_CLASSES: dict[str, type[RunWispError]] = {
    "not-found": NotFound,
    "config": ConfigRejected,
    "local-only": NotLocal,
    "unauthenticated": Unauthenticated,
    "rejected": LoginRejected,
    "rate-limited": RateLimited,
    "locked": Locked,
    "wrong-kind": WrongKind,
    "wrong-state": WrongState,
    "shutting-down": ShuttingDown,
}
_TYPE = "urn:runwisp:problem:"


def problem_error(document: Mapping[str, Any]) -> RunWispError:
    """The error that a document of ``application/problem+json`` describes.

    :raises KeyError, TypeError: it is none
    """
    code = str(document["type"]).removeprefix(_TYPE)
    error = _CLASSES.get(code, ApiError)(_as_title(str(document["detail"])))
    error.hints = [_hint(flaw) for flaw in document["errors"]]
    return error


def _as_title(detail: str) -> str:
    """A sentence as the command line writes errors: it begins small and has no full stop."""
    begin = detail[:1].lower() if detail[1:2].islower() else detail[:1]
    return begin + detail[1:].removesuffix(".")


def _hint(flaw: Mapping[str, Any]) -> str:
    location = flaw["location"]
    text = str(Problem(None, flaw["message"], location, flaw["file"], flaw["line"], flaw["column"]))
    return f"{text} [{location}]" if location else text
