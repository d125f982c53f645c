"""What a list of runs may be narrowed to, and the query that walks one index in the order of the list.

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


@frozen(kw_only=True)
class RunFilter:
    """Every condition that is given has to hold.

    ``statuses``, ``end_reasons`` and ``is_failure`` are one condition: any of them has to hold.
    ``task_names`` = () matches nothing, None everything. Both ends of a range belong to it.
    """

    task_names: tuple[str, ...] | None = None
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
    direction, comparison = ("ASC", ">") if oldest_first else ("DESC", "<")
    terms = _terms(wanted)
    if beyond is not None:
        at = (format_time(beyond.created_at), beyond.id)
        terms.append(_Term(f"(created_at, id) {comparison} (?, ?)", at))
    selects, values = [], list[Value]()
    for index, first in _walks(wanted):
        conditions = [*first, *terms]
        where = " AND ".join(term.sql for term in conditions) or "TRUE"
        selects.append(f"SELECT {COLUMNS} FROM runs INDEXED BY {index} WHERE {where}")
        values += [value for term in conditions for value in term.values]
    query = " UNION ALL ".join(selects)
    return f"{query} ORDER BY created_at {direction}, id {direction} LIMIT ?", [*values, limit]


def _walks(wanted: RunFilter) -> list[tuple[str, list[_Term]]]:
    """The indexes to walk, and the conditions that lead into each; several walks are merged."""
    names = wanted.task_names
    of_tasks = [_any_of("task_name", names)] if names is not None else []
    if wanted.retry_of_run_id is not None:
        return [("runs_by_predecessor", [_Term("retry_of_run_id = ?", (wanted.retry_of_run_id,)), *of_tasks])]
    if wanted.end_reasons or Status.ENDED in wanted.statuses:
        pass
    elif wanted.statuses and not wanted.is_failure:
        return [("runs_in_flight", [_Term("status <> 'ended'"), *of_tasks])]
    elif wanted.is_failure and not wanted.statuses:
        return [("runs_failed", of_tasks)]
    if names is not None and len(set(names)) <= _MOST_MERGED:
        return [("runs_by_task", [_Term("task_name = ?", (name,))]) for name in sorted(set(names))]
    return [("runs_by_time", of_tasks)]


def _terms(wanted: RunFilter) -> list[_Term]:
    """The conditions that rows on the way are checked for."""
    terms = []
    if displayed := _displayed_status(wanted):
        terms.append(displayed)
    if wanted.triggered_by:
        terms.append(_any_of("triggered_by", wanted.triggered_by))
    if wanted.trigger_source:
        terms.append(_any_of("trigger_source", wanted.trigger_source))
    if wanted.created_after is not None:
        terms.append(_Term("created_at >= ?", (format_time(wanted.created_after),)))
    if wanted.created_before is not None:
        terms.append(_Term("created_at <= ?", (format_time(wanted.created_before),)))
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
