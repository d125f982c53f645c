"""Which runs of a list are selected, and how the API is told (spec: interfaces, task view; rest, bulk).

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from runwisp.client.resources import BulkOutcome, RemoteRun
from runwisp.model import RunId, UnixMs
from runwisp.tui.runlist import Bucket, Filter
from runwisp.units import format_time


@define
class Selection:
    """Some runs, or all that match and were there at a moment, but for some."""

    _ids: set[RunId] = field(factory=set, init=False)
    #: All that were created until then are selected, and the ids are those that are not.
    _until: UnixMs | None = field(default=None, init=False)

    def __bool__(self) -> bool:
        return bool(self._ids) or self._until is not None

    def holds(self, run: RemoteRun) -> bool:
        if self._until is None:
            return run.id in self._ids
        return run.id not in self._ids and run.created_at <= self._until

    def toggle(self, run: RemoteRun) -> None:
        if self._until is None or run.created_at <= self._until:
            self._ids ^= {run.id}

    def select_all(self, now: UnixMs) -> None:
        """Everything that matches; what comes later is not meant."""
        self._ids.clear()
        self._until = now

    def clear(self) -> None:
        self._ids.clear()
        self._until = None

    def label(self) -> str:
        """``3 runs``, ``all runs that match but 2``."""
        count = len(self._ids)
        if self._until is None:
            return "1 run" if count == 1 else f"{count:,} runs"
        return "all runs that match" + (f" but {count:,}" if count else "")

    def body(self, filter_: Filter) -> Mapping[str, object]:
        """What a bulk call is told; ``filter_`` is that of the list."""
        if self._until is None:
            return {"match_all": False, "ids": sorted(self._ids)}
        conditions: dict[str, object] = {"created_before": format_time(self._until)}
        if filter_.task_name is not None:
            conditions["task_name"] = [filter_.task_name]
        if filter_.bucket is not Bucket.ALL:
            conditions["status"] = filter_.bucket.words.split(",")
        if filter_.group is not None:
            conditions["group"] = filter_.group
        return {"match_all": True, "filter": conditions, "except_ids": sorted(self._ids)}


def sentence(done: str, outcome: BulkOutcome) -> str:
    """``2 deleted, 1 skipped (active)``."""
    if not outcome.skipped:
        return f"{outcome.affected:,} {done}"
    reasons = ", ".join(dict.fromkeys(outcome.skipped))
    return f"{outcome.affected:,} {done}, {len(outcome.skipped):,} skipped ({reasons})"
