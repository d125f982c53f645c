"""What runs may be filtered by, in a query and in the body of a bulk call (spec: rest, runs)."""

from __future__ import annotations

from attrs import frozen

from runwisp.config.settings import Config
from runwisp.model import EndReason, RunId, Status, TriggeredBy, TriggerSource, UnixMs
from runwisp.store.filters import RunFilter
from runwisp.web.params import flag, integer, moment, names, text, ulid, words

#: What every run is that its unit counts as a failure.
_FAILURE = "failure"
_LONGEST_GROUP = 1000
_LONGEST_SEARCH = 256


@frozen(kw_only=True)
class RunConditions:
    """Every condition that is given has to hold; ``group`` = "" are the units without one."""

    status: tuple[str, ...] = words((*Status, *EndReason, _FAILURE))
    task_name: tuple[str, ...] = names()
    group: str | None = text(longest=_LONGEST_GROUP)
    retry_of_run_id: RunId | None = ulid()
    triggered_by: tuple[TriggeredBy, ...] = words(TriggeredBy)
    trigger_source: tuple[TriggerSource, ...] = words(TriggerSource)
    created_after: UnixMs | None = moment()
    created_before: UnixMs | None = moment()
    exit_code_min: int | None = integer()
    exit_code_max: int | None = integer()
    retries_only: bool = flag()
    search: str | None = text(shortest=1, longest=_LONGEST_SEARCH)


@frozen(kw_only=True)
class SummaryQuery:
    """The part of the conditions for which sums are made."""

    task_name: tuple[str, ...] = names()
    group: str | None = text(longest=_LONGEST_GROUP)
    created_after: UnixMs | None = moment()
    created_before: UnixMs | None = moment()


def run_filter(wanted: RunConditions | SummaryQuery, config: Config) -> RunFilter:
    """What the database is asked for; a group stands for the units that are in it under ``config``."""
    names = _names(wanted.task_name, wanted.group, config)
    if isinstance(wanted, SummaryQuery):
        return RunFilter(
            task_names=names, created_after=wanted.created_after, created_before=wanted.created_before
        )
    return RunFilter(
        task_names=names,
        statuses=tuple(word for word in wanted.status if isinstance(word, Status)),
        end_reasons=tuple(word for word in wanted.status if isinstance(word, EndReason)),
        is_failure=_FAILURE in wanted.status,
        triggered_by=wanted.triggered_by,
        trigger_source=wanted.trigger_source,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        exit_code_min=wanted.exit_code_min,
        exit_code_max=wanted.exit_code_max,
        retries_only=wanted.retries_only,
        retry_of_run_id=wanted.retry_of_run_id,
        search=wanted.search,
    )


def _names(task_names: tuple[str, ...], group: str | None, config: Config) -> tuple[str, ...] | None:
    if group is None:
        return task_names or None
    units = [*config.tasks.values(), *config.services.values()]
    members = [unit.name for unit in units if (unit.group or "") == group]
    among = frozenset(task_names or members)
    return tuple(name for name in members if name in among)
