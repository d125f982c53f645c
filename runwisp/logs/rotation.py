"""Turns the current segment of a log into the previous one (spec: logs, limits).

The steps have an order in which every interruption can be recognised by what is left in the directory.
"""

from __future__ import annotations

from runwisp.logs import files
from runwisp.logs.paths import LogPaths
from runwisp.logs.segment import Segment


class Rotation:
    """Remembers how far a rotation came, so that one that failed goes on with the step that did not work."""

    def __init__(self, paths: LogPaths) -> None:
        self._paths = paths
        self._steps = (
            lambda: files.unlink(paths.previous_log),
            lambda: files.unlink(paths.previous_index),
            lambda: files.rename(paths.log, paths.previous_log),
            lambda: files.rename(paths.index, paths.previous_index),
        )
        self._done = 0

    @property
    def has_begun(self) -> bool:
        """A rotation failed after its first step: the segment before the current one is gone."""
        return self._done > 0

    def perform(self, first_line: int) -> Segment:
        """Do what is left to do, and open the new segment.

        :raises OSError: the old segment stays the current one, whatever its files are called
        """
        for step in self._steps[self._done :]:
            step()
            self._done += 1
        segment = Segment.create(self._paths.log, self._paths.index, first_line)
        self._done = 0
        return segment
