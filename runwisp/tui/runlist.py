"""A list of runs, newest first, of which only the pages round what is seen are kept.

Pure: it says which page it wants next, and whoever asks for it hands it over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from enum import Enum

from attrs import define, field, frozen

from runwisp.client.resources import RemoteRun, RemoteUnit, RunPage
from runwisp.model import RunId, Status
from runwisp.units import format_time

PAGE = 100
#: So many rows are kept; those furthest from what is seen go first.
KEPT = 1000
#: The next page is asked for when so many rows are left before the end of what is there.
AHEAD = 40


class Bucket(Enum):
    """Filter by status (spec: interfaces, task view): label, and what the API calls it."""

    ALL = ("all", "")
    RUNNING = ("running", "pending,running")
    SUCCEEDED = ("succeeded", "success")
    FAILED = ("failed", "failure")
    SKIPPED = ("skipped", "skipped,dst_skipped,queue_full")
    STOPPED = ("stopped", "stopped,daemon_stopped")

    @property
    def label(self) -> str:
        return self.value[0]

    @property
    def words(self) -> str:
        """The value of the query parameter ``status``."""
        return self.value[1]

    def holds(self, run: RemoteRun) -> bool:
        words = self.words.split(",")
        return (
            self is Bucket.ALL
            or ("failure" in words and run.is_failure)
            or run.status in words
            or run.end_reason in words
        )


@frozen
class Filter:
    """Which runs; None means any. The group "" is that of units without one."""

    task_name: str | None = None
    bucket: Bucket = Bucket.ALL
    group: str | None = None

    def query(self) -> dict[str, str]:
        query = {}
        if self.task_name is not None:
            query["task_name"] = self.task_name
        if self.bucket is not Bucket.ALL:
            query["status"] = self.bucket.words
        if self.group is not None:
            query["group"] = self.group
        return query

    def holds(self, run: RemoteRun, unit: RemoteUnit | None) -> bool:
        """The run passes; ``unit`` is its unit, if that is configured."""
        return (
            self.task_name in {None, run.task_name}
            and self.bucket.holds(run)
            and (self.group is None or (unit is not None and (unit.group or "") == self.group))
        )


class Want(Enum):
    """Which page a list needs."""

    FIRST = "first"
    OLDER = "older"
    NEWER = "newer"
    LAST = "last"


@define(eq=False)
class RunList:
    """The rows from the newest kept to the oldest kept one, without a gap."""

    filter: Filter = field(factory=Filter)
    rows: list[RemoteRun] = field(factory=list, init=False)
    #: All that match, as far as that is known.
    total: int | None = field(default=None, init=False)
    #: There are, or may be, older or newer ones than those that are kept.
    has_older: bool = field(default=False, init=False)
    has_newer: bool = field(default=False, init=False)
    is_loaded: bool = field(default=False, init=False)
    #: What events have told last.
    _late: deque[tuple[RemoteRun, RemoteUnit | None]] = field(factory=lambda: deque(maxlen=PAGE), init=False)
    #: Queries for the pages after the last ones, where those end at the rows that are kept.
    _following: dict[Want, Mapping[str, str]] = field(factory=dict, init=False)

    def query(self, want: Want) -> Mapping[str, str]:
        """The query for a page."""
        if want in self._following:
            return self._following[want]
        query = self.filter.query()
        if want is Want.OLDER and self.rows:
            query["created_before"] = format_time(self.rows[-1].created_at)
        elif want is Want.NEWER and self.rows:
            query["created_after"] = format_time(self.rows[0].created_at)
        if want in {Want.NEWER, Want.LAST}:
            query["order"] = "asc"
        return query

    def wanted(self, top: int, bottom: int) -> Want | None:
        """The page that is needed while the rows ``top`` to ``bottom`` are seen."""
        if not self.is_loaded or (not self.rows and (self.has_older or self.has_newer)):
            return Want.FIRST
        if self.has_older and bottom >= len(self.rows) - AHEAD:
            return Want.OLDER
        if self.has_newer and top < AHEAD:
            return Want.NEWER
        return None

    def take(self, want: Want, page: RunPage) -> None:
        """Add the page for which :meth:`query` was asked."""
        query, has_more = self.query(want), page.next_cursor is not None
        if want in {Want.FIRST, Want.LAST}:
            self.rows, self.total, self.is_loaded = [], page.total, True
            self.has_older = self.has_newer = False
            self._following.clear()
            want = Want.OLDER if want is Want.FIRST else Want.NEWER
        known = {run.id for run in self.rows}
        items: Sequence[RemoteRun] = [run for run in page.items if run.id not in known]
        if page.next_cursor is not None:
            self._following[want] = {**query, "cursor": page.next_cursor}
        if want is Want.OLDER:
            self.rows.extend(items)
            self.has_older = has_more
            self._trim_newest()
        else:
            self.rows[:0] = items[::-1]
            self.has_newer = has_more
            self._trim_oldest()
        # The page may be older than what events have told meanwhile.
        for run, unit in self._late:
            self._put(run, unit)

    def reload(self) -> None:
        """What is there may be wrong; the next page wanted is the first one."""
        self.is_loaded = False

    def put(self, run: RemoteRun, unit: RemoteUnit | None) -> None:
        """A run is new or has changed; a row never goes back from ended to running."""
        self._late.append((run, unit))
        self._put(run, unit)

    def _put(self, run: RemoteRun, unit: RemoteUnit | None) -> None:
        place = self.index(run.id)
        holds = self.filter.holds(run, unit)
        if place is not None:
            if not holds:
                self._remove(place)
            elif _phase(run) >= _phase(self.rows[place]):
                self.rows[place] = run
        elif holds and self.is_loaded and not self.has_newer:
            self._insert(run)

    def _insert(self, run: RemoteRun) -> None:
        before = next((n for n, other in enumerate(self.rows) if _key(other) < _key(run)), None)
        if before is not None or not self.has_older:
            self.rows.insert(before if before is not None else len(self.rows), run)
            self._count(1)
            self._trim_oldest()

    def drop(self, run_id: RunId) -> None:
        self._late = deque((told for told in self._late if told[0].id != run_id), maxlen=PAGE)
        place = self.index(run_id)
        if place is not None:
            self._remove(place)

    def index(self, run_id: Hashable) -> int | None:
        """Where the run is among the rows."""
        return next((place for place, run in enumerate(self.rows) if run.id == run_id), None)

    def _trim_newest(self) -> None:
        if len(self.rows) > KEPT:
            del self.rows[:-KEPT]
            self.has_newer = True
            self._following.pop(Want.NEWER, None)

    def _trim_oldest(self) -> None:
        if len(self.rows) > KEPT:
            del self.rows[KEPT:]
            self.has_older = True
            self._following.pop(Want.OLDER, None)

    def _remove(self, place: int) -> None:
        del self.rows[place]
        self._count(-1)

    def _count(self, more: int) -> None:
        if self.total is not None:
            self.total += more


_PHASES = (Status.PENDING, Status.RUNNING, Status.ENDED)


def _phase(run: RemoteRun) -> int:
    return _PHASES.index(run.status) if run.status in _PHASES else len(_PHASES)


def _key(run: RemoteRun) -> tuple[int, str]:
    return run.created_at, run.id
