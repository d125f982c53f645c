"""Which runs of a unit go (spec: runtime, retention)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from runwisp.model import RunId, Seconds, UnixMs


@frozen
class StoredRun:
    """A run that is in the database; a waiting retry still needs the row of the run that failed."""

    id: RunId
    created_at: UnixMs
    is_ended: bool
    has_waiting_retry: bool = False


def oldest_kept(keep_for: Seconds, now: UnixMs) -> UnixMs:
    """The age limit as a moment: runs created before it go."""
    return UnixMs(math.ceil(now - keep_for * 1000))


def expired(
    runs: Iterable[StoredRun], *, keep_runs: int | None, keep_for: Seconds | None, now: UnixMs
) -> list[RunId]:
    """The runs to delete, oldest first: those that one of the two limits no longer covers.

    :param runs: of one unit, newest first
    :param keep_runs: how many ended runs stay; None for no such limit
    :param keep_for: the age up to which runs stay; None for no such limit
    """
    oldest = None if keep_for is None else oldest_kept(keep_for, now)
    ended = (run for run in runs if run.is_ended)
    gone = [
        run.id
        for place, run in enumerate(ended)
        if not run.has_waiting_retry
        and (
            (keep_runs is not None and place >= keep_runs) or (oldest is not None and run.created_at < oldest)
        )
    ]
    gone.reverse()
    return gone
