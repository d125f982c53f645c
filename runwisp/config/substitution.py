"""``${…}`` in the strings of the file (spec: config, substitution)."""

from __future__ import annotations

import os
import re

from runwisp.config.fields import Place
from runwisp.config.files import CannotRead, read_text
from runwisp.config.problems import reject
from runwisp.errors import ProblemClass

ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_FILE = "file:"
_MAX_FILE_MB = 1


def substitute(text: str, place: Place) -> str:
    """``text`` with each reference replaced, once, from left to right.

    Messages name variables and files, and nothing else of the text.

    :raises runwisp.config.problems.Rejected: if a variable is unset, a file unreadable, a reference malformed
    """
    if "${" not in text:
        return text
    return _REFERENCE.sub(lambda match: _value(match, place), text)


def _value(match: re.Match[str], place: Place) -> str:
    name = match[1]
    if name is None:
        return "${"
    if not match[2]:
        raise reject(ProblemClass.FORMAT, "has a ${ without }; write $${ for the characters themselves")
    if name.startswith(_FILE):
        return _content(name.removeprefix(_FILE), place)
    if not ENV_NAME.fullmatch(name):
        raise reject(
            ProblemClass.FORMAT,
            "has a ${…} without the name of a variable in it; write ${NAME}, ${file:PATH}, or $${ for the"
            " characters themselves",
        )
    value = place.environ.get(name)
    if value is None and name == "HOSTNAME":
        value = os.uname().nodename
    if value is None:
        raise reject(ProblemClass.REF, f"needs the environment variable {name}, which is not set")
    return value


def _content(name: str, place: Place) -> str:
    if not name:
        raise reject(ProblemClass.FORMAT, "has a ${file:} without a path; write ${file:secrets/token}")
    path = place.resolve(name)
    try:
        return read_text(path, _MAX_FILE_MB).strip()
    except CannotRead as error:
        raise reject(ProblemClass.IO, f"cannot read {path}: {error}") from None
