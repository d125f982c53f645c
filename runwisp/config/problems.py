"""How a bad value is told: the part that refuses it raises, the loader adds where it stands and collects.

A message never holds a value that may be secret: what was written is kept apart from the rule it breaks.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import field, frozen

from runwisp.errors import ProblemClass

#: Steps from the root of a file to a value: keys, and the indices of lists.
KeyPath: TypeAlias = tuple[str | int, ...]

_SHOWN_LENGTH = 100
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Fault:
    """One reason to refuse a value.

    ``rule`` continues a sentence that begins with the key: "must be 1 to 1024". ``shown`` is what was
    written, for values that may be seen; ``steps`` lead from the key to the part that is wrong.
    """

    class_: ProblemClass
    rule: str
    shown: str | None = field(default=None, repr=False)
    steps: KeyPath = ()

    def sentence(self, is_secret: bool) -> str:
        if self.shown is None or is_secret:
            return self.rule
        return f"{self.rule}, not {_shortened(self.shown)!r}"


class Rejected(Exception):
    """A value is refused, for one reason or several."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults


def reject(class_: ProblemClass, rule: str, shown: str | None = None) -> Rejected:
    """The exception for a value with a single fault."""
    return Rejected((Fault(class_, rule, shown),))


def dotted(path: KeyPath) -> str:
    """A key path as messages write it: ``tasks.backup.env.HOME``, ``notifier[0].id``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE_KEY.fullmatch(step) else _quoted(step))
    return text


def shown(name: str) -> str:
    """A name as it stands in a sentence."""
    return _shortened(name) or "''"


def one_line(message: str) -> str:
    """``message`` with what cannot be seen, such as a newline in a name, written as an escape."""
    if message.isprintable():
        return message
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"


def _quoted(key: str) -> str:
    """A key between quotes, on one line."""
    if key.isprintable() and not {'"', "\\"} & set(key):
        return f'"{key}"'
    import json

    return json.dumps(key, ensure_ascii=False)
