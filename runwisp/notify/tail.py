"""The end of a run's output, as much of it as a message shows (spec: notifications, building blocks)."""

from __future__ import annotations

from runwisp.logs.reader import Snapshot
from runwisp.logs.render import without_styles
from runwisp.notify.shorten import end, utf8_bytes

_LINES = 3
_BYTES = 300
#: So many lines are looked at for some that are not blank.
_FAR = 1000
_STEP = 50


def tail_of(snapshot: Snapshot) -> str:
    """The last lines that are not blank, without styles; cut at the front, and empty if there are none.

    It reads files, and so may block.

    :raises OSError: the files cannot be read
    """
    found: list[str] = []
    last = snapshot.total_lines
    lowest = max(snapshot.first_available, last - _FAR + 1)
    while last >= lowest and len(found) < _LINES:
        first = max(lowest, last - _STEP + 1)
        texts = (without_styles(line.text).rstrip() for line in snapshot.lines(first, last))
        found = [text for text in texts if text][-_LINES:] + found
        last = first - 1
    return end("\n".join(found[-_LINES:]), _BYTES, utf8_bytes)
