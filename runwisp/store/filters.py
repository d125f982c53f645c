"""What a list of runs may be narrowed to, and the queries that walk one index in the order of the list.

SQLite would often rather sort. So the index is named in the query: a page then costs what it shows plus what
the filter passes over, however long the table is (spec: rest, runs).
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from runwisp.model import EndReason, Run, RunId, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.store.rows import COLUMNS, Value
from runwisp.units import format_time

#: With more names the index over all runs is walked instead of merging one walk for each name.
_MOST_MERGED = 32
#: Only moments of the years 1970 to 9999 have a text whose order is that of time.
_LAST_MOMENT = UnixMs(253_402_300_799_999)
_SUMS = """
SELECT count(*), total(end_reason IS 'success'), total(is_failure AND end_reason IS NOT 'missed'),
    total(end_reason IS 'missed'), max(CASE WHEN is_failure AND end_reason IS NOT 'missed' THEN end_at END)
"""


@frozen(kw_only=True)
class RunFilter:
    """Every condition that is given has to hold.

    ``statuses``, ``end_reasons`` and ``is_failure`` are one condition: any of them has to hold.
    ``task_names`` = () matches nothing, None everything. Both ends of a range belong to it. The text of
    ``search`` is a part of the task's name or of the id, in upper or lower case.
    """

    task_names: tuple[str, ...] | None = None
    is_ended: bool | None = None
    statuses: tuple[Status, ...] = ()
    end_reasons: tuple[EndReason, ...] = ()
    is_failure: bool = False
    triggered_by: tuple[TriggeredBy, ...] = ()
    trigger_source: tuple[TriggerSource, ...] = ()
    created_after: UnixMs | None = None
    created_before: UnixMs | None = None
    exit_code_min: int | None = None
    exit_code_max: int | None = None
    retries_only: bool = False
    retry_of_run_id: RunId | None = None
    replica_index: int | None = None
    search: str | None = None

    @property
    def is_empty(self) -> bool:
        """No run can match."""
        return self.task_names == ()

    @property
    def is_by_task_alone(self) -> bool:
        """Nothing but the task matters, so that the kept sums can tell how many match."""
        return self == RunFilter(task_names=self.task_names)


@frozen
class Position:
    """The place of a run in a list, which stays when others come and go."""

    created_at: UnixMs
    id: RunId

    @classmethod
    def of(cls, run: Run) -> Position:
        return cls(run.created_at, run.id)


@frozen
class _Term:
    """A condition in SQL with the values of its places."""

    sql: str
    values: tuple[Value, ...] = ()


def page_query(
    wanted: RunFilter, limit: int, beyond: Position | None, *, oldest_first: bool
) -> tuple[str, list[Value]]:
    """SQL and values for the ``limit`` runs that follow the position ``beyond`` in the list."""
    direction = "ASC" if oldest_first else "DESC"
    query, values = _select(COLUMNS, wanted, _place(wanted, beyond, oldest_first=oldest_first))
    return f"{query} ORDER BY created_at {direction}, id {direction} LIMIT ?", [*values, limit]


def count_query(wanted: RunFilter, most: int) -> tuple[str, list[Value]]:
    """SQL and values for the number of runs that match, counted up to ``most``."""
    query, values = _select("1", wanted, _place(wanted, None, oldest_first=False))
    return f"SELECT count(*) FROM ({query} LIMIT ?)", [*values, most]


def sums_query(wanted: RunFilter) -> tuple[str, list[Value]]:
    """SQL and values for what ``run_totals`` keeps, over the runs that match."""
    place = _place(wanted, None, oldest_first=False)
    query, values = _select("end_reason, is_failure, end_at", wanted, place)
    return f"{_SUMS} FROM ({query})", values


def _select(columns: str, wanted: RunFilter, place: list[_Term]) -> tuple[str, list[Value]]:
    """One select for each index to walk, merged, without order and limit."""
    terms = [*_terms(wanted), *place]
    selects, values = [], list[Value]()
    for index, first in _walks(wanted):
        conditions = [*first, *terms]
        where = " AND ".join(term.sql for term in conditions) or "TRUE"
        selects.append(f"SELECT {columns} FROM runs INDEXED BY {index} WHERE {where}")
        values += [value for term in conditions for value in term.values]
    return " UNION ALL ".join(selects), values


def _place(wanted: RunFilter, beyond: Position | None, *, oldest_first: bool) -> list[_Term]:
    """The part of the time that is walked: never two bounds on one side, for SQLite starts at either."""
    after, before = wanted.created_after, wanted.created_before
    if beyond is not None and oldest_first and (after is None or beyond.created_at >= after):
        lower: _Term | None = _beyond(beyond, ">")
    else:
        lower = _bound(after, ">=")
    if beyond is not None and not oldest_first and (before is None or beyond.created_at <= before):
        upper: _Term | None = _beyond(beyond, "<")
    else:
        upper = _bound(before, "<=")
    return [term for term in (lower, upper) if term is not None]


def _beyond(position: Position, comparison: str) -> _Term:
    return _Term(f"(created_at, id) {comparison} (?, ?)", (format_time(position.created_at), position.id))


def _bound(moment: UnixMs | None, comparison: str) -> _Term | None:
    if moment is None:
        return None
    within = UnixMs(min(max(0, moment), _LAST_MOMENT))
    return _Term(f"created_at {comparison} ?", (format_time(within),))


def _walks(wanted: RunFilter) -> list[tuple[str, list[_Term]]]:
    """The indexes to walk, and the conditions that lead into each; several walks are merged."""
    names = wanted.task_names
    of_tasks = [_any_of("task_name", names)] if names is not None else []
    if wanted.retry_of_run_id is not None:
        return [("runs_by_predecessor", [_Term("retry_of_run_id = ?", (wanted.retry_of_run_id,)), *of_tasks])]
    if (rare := _rare_kind(wanted)) is not None:
        index, condition = rare
        return [(index, [condition, *of_tasks])]
    if names is not None and len(set(names)) <= _MOST_MERGED:
        return [("runs_by_task", [_Term("task_name = ?", (name,))]) for name in sorted(set(names))]
    return [("runs_by_time", of_tasks)]


def _rare_kind(wanted: RunFilter) -> tuple[str, _Term] | None:
    """The partial index that has every match, with the condition under which SQLite takes it."""
    asked = bool(wanted.statuses), bool(wanted.end_reasons), wanted.is_failure
    is_by_phase = asked == (True, False, False) and Status.ENDED not in wanted.statuses
    if is_by_phase or wanted.is_ended is False:
        return "runs_in_flight", _Term("status <> 'ended'")
    if asked == (False, True, False) and EndReason.SUCCESS not in wanted.end_reasons:
        return "runs_without_success", _Term("end_reason <> 'success'")
    return ("runs_failed", _Term("is_failure = 1")) if asked == (False, False, True) else None


def _terms(wanted: RunFilter) -> list[_Term]:
    """The conditions that rows on the way are checked for."""
    terms = []
    if wanted.is_ended is not None:
        terms.append(_Term("status = 'ended'" if wanted.is_ended else "status <> 'ended'"))
    if displayed := _displayed_status(wanted):
        terms.append(displayed)
    if wanted.triggered_by:
        terms.append(_any_of("triggered_by", wanted.triggered_by))
    if wanted.trigger_source:
        terms.append(_any_of("trigger_source", wanted.trigger_source))
    if wanted.exit_code_min is not None:
        terms.append(_Term("exit_code >= ?", (wanted.exit_code_min,)))
    if wanted.exit_code_max is not None:
        terms.append(_Term("exit_code <= ?", (wanted.exit_code_max,)))
    if wanted.retries_only:
        terms.append(_Term("retry_attempt > 0"))
    if wanted.replica_index is not None:
        terms.append(_Term("replica_index = ?", (wanted.replica_index,)))
    if wanted.search is not None:
        text = wanted.search.lower()
        terms.append(_Term("(instr(lower(task_name), ?) > 0 OR instr(lower(id), ?) > 0)", (text, text)))
    return terms


def _displayed_status(wanted: RunFilter) -> _Term | None:
    choices = []
    if wanted.statuses:
        choices.append(_any_of("status", wanted.statuses))
    if wanted.end_reasons:
        choices.append(_any_of("end_reason", wanted.end_reasons))
    if wanted.is_failure:
        choices.append(_Term("is_failure = 1"))
    if not choices:
        return None
    sql = " OR ".join(choice.sql for choice in choices)
    return _Term(f"({sql})", tuple(value for choice in choices for value in choice.values))


def _any_of(column: str, values: Iterable[str]) -> _Term:
    """``column`` has one of these values; plain text, because that is bound fastest."""
    plain = tuple(str(value) for value in values)
    return _Term(f"{column} IN ({', '.join('?' * len(plain))})", plain)
