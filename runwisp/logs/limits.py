"""How much of a run's output is kept, and what the log says when that is not all (spec: logs, limits).

Pure: the writer carries out what is decided here.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from runwisp.logs.lines import LINE_LIMIT
from runwisp.logs.segment import Extent
from runwisp.model import Bytes, LogOnFull
from runwisp.units import format_size

#: An index may grow to this many bytes, or to the size of its segment, before the segment counts as full.
_INDEX_MIN = 65_536
#: Smaller segments do not begin with a line about the rotation ...
_NOTICE_MIN = 4096
#: ... which needs at most this many bytes.
_NOTICE_ROOM = 160


class Cut(Enum):
    """Why a log takes no more output."""

    FULL = "full"
    OVERFLOW = "overflow"
    NO_SPACE = "no_space"


@frozen
class Limits:
    """``max_size`` of all ``.log`` files together, None for no limit, and what happens there."""

    max_size: Bytes | None
    on_full: LogOnFull

    @property
    def rotates(self) -> bool:
        return self.on_full is LogOnFull.DROP_OLD

    @property
    def segment(self) -> int | None:
        """Most bytes in one ``.log`` file. Two are the least with which a line can be kept."""
        if self.max_size is None or not self.rotates:
            return self.max_size
        return max(2, self.max_size // 2)

    @property
    def line(self) -> int:
        """Most bytes in a line, without its newline: with rotation it fits a segment that has just begun."""
        if self.segment is None or not self.rotates:
            return LINE_LIMIT
        return min(LINE_LIMIT, self.segment - (_NOTICE_ROOM if self.segment >= _NOTICE_MIN else 1))

    def fitting(self, lines: bytes, extent: Extent) -> int:
        """How many bytes of ``lines``, whole lines only, go into a segment that has this extent."""
        limit = self.segment
        if limit is None:
            return len(lines)
        if self.rotates and extent.index_size > max(limit, _INDEX_MIN):
            return 0
        if extent.size + len(lines) <= limit:
            return len(lines)
        return lines.rfind(b"\n", 0, max(0, limit - extent.size)) + 1

    def cut(self) -> tuple[Cut, str]:
        """What the end of the room means without rotation, and the line that says so."""
        if self.on_full is LogOnFull.KILL_TASK:
            return Cut.OVERFLOW, f"{self._reached}; stopping the run"
        return Cut.FULL, f"{self._reached}; the process goes on, its further output is not stored"

    def out_of_space(self, reason: str) -> str:
        """The line about the end of the space on the disk, whose ``reason`` is half a sentence."""
        stops = self.on_full is LogOnFull.KILL_TASK
        return f"{reason}; {'stopping the run' if stops else 'output is no longer stored'}"

    def rotation_notice(self, first_line: int) -> str | None:
        """The line with which a new segment starts, None if segments are too small for it.

        :param first_line: the oldest line that is still kept
        """
        if self.segment is None or self.segment < _NOTICE_MIN:
            return None
        return f"{self._reached}; lines before {first_line} are dropped"

    @property
    def _reached(self) -> str:
        return f"output limit of {format_size(self.max_size or 0)} reached"
