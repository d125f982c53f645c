"""Which runs a bulk call means, and the way through them in steps (spec: rest, bulk)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from sqlite3 import Cursor

from attrs import define, evolve, field, frozen

from runwisp.config.settings import Config
from runwisp.model import Run, RunId
from runwisp.store import runs
from runwisp.store.filters import Position, RunFilter
from runwisp.store.interfaces import IDatabase
from runwisp.web.api.run_filters import RunConditions, run_filter
from runwisp.web.params import flag, nested, ulids
from runwisp.web.problem import Flaw, invalid

MOST_IDS = 10_000
#: More than fit into a body.
_MOST_EXCEPTIONS = 50_000
#: Tasks looked through in one transaction.
_STEP_TASKS = 10


@frozen(kw_only=True)
class SelectionBody:
    """Either ``match_all``: what matches ``filter``, without ``except_ids``; or exactly ``ids``."""

    match_all: bool = flag()
    filter: RunConditions | None = nested(RunConditions)
    ids: tuple[RunId, ...] = ulids(most=MOST_IDS)
    except_ids: tuple[RunId, ...] = ulids(most=_MOST_EXCEPTIONS)


@frozen(kw_only=True)
class Selection:
    """The runs that match ``wanted``, without ``except_ids``; or ``ids`` if ``wanted`` is None."""

    wanted: RunFilter | None
    ids: tuple[RunId, ...] = ()
    except_ids: frozenset[RunId] = frozenset()

    def of_phase(self, *, is_ended: bool) -> Selection:
        """Those of the runs that match which are ended, or which are not."""
        assert self.wanted is not None
        return evolve(self, wanted=evolve(self.wanted, is_ended=is_ended))

    def of_tasks(self, names: Iterable[str]) -> Selection:
        """Those of the runs that match which are of these tasks."""
        assert self.wanted is not None
        return evolve(self, wanted=evolve(self.wanted, task_names=tuple(names)))


def select(body: SelectionBody, config: Config) -> Selection:
    """The runs that ``body`` means under ``config``.

    :raises Problem: 422, the two ways to select are mixed, or none is taken
    """
    flaws = []
    if body.match_all:
        if body.ids:
            flaws.append(Flaw(message="must be empty with match_all", location="body.ids"))
    else:
        if not body.ids:
            message = f"must have 1 to {MOST_IDS} ids, unless match_all is true"
            flaws.append(Flaw(message=message, location="body.ids"))
        if body.filter not in (None, RunConditions()):
            flaws.append(Flaw(message="must be empty without match_all", location="body.filter"))
        if body.except_ids:
            flaws.append(Flaw(message="must be empty without match_all", location="body.except_ids"))
    if flaws:
        raise invalid(flaws)
    if not body.match_all:
        return Selection(wanted=None, ids=tuple(dict.fromkeys(body.ids)))
    wanted = run_filter(body.filter or RunConditions(), config)
    return Selection(wanted=wanted, except_ids=frozenset(body.except_ids))


@define
class Walk:
    """Goes through a selection, at most ``size`` runs at a time: newest first, or in the order of the ids.

    Runs that are created meanwhile are not met. ``on_unknown`` is told the ids without a run.
    """

    _database: IDatabase
    _selection: Selection
    _size: int
    _on_unknown: Callable[[RunId], object] = field(default=lambda run_id: None)
    _passed: int = field(default=0, init=False)
    _last: Position | None = field(default=None, init=False)
    _is_over: bool = field(default=False, init=False)

    def __aiter__(self) -> Walk:
        return self

    async def __anext__(self) -> list[Run]:
        if self._is_over:
            raise StopAsyncIteration
        wanted = self._selection.wanted
        return await (self._by_id() if wanted is None else self._matching(wanted))

    async def _by_id(self) -> list[Run]:
        ids = self._selection.ids[self._passed : self._passed + self._size]
        self._passed += len(ids)
        self._is_over = self._passed >= len(self._selection.ids)
        found = await self._database.read(partial(runs.get_some, run_ids=ids))
        for run_id in ids:
            if run_id not in found:
                self._on_unknown(run_id)
        return [found[run_id] for run_id in ids if run_id in found]

    async def _matching(self, wanted: RunFilter) -> list[Run]:
        page = await self._database.read(
            partial(runs.page, wanted=wanted, limit=self._size, before=self._last)
        )
        self._is_over = len(page) < self._size
        if page:
            self._last = Position.of(page[-1])
        return [run for run in page if run.id not in self._selection.except_ids]


async def matching_tasks(database: IDatabase, selection: Selection) -> list[str]:
    """The tasks and services that have runs among those that match, sorted."""
    assert selection.wanted is not None
    names = await database.read(runs.task_names)
    if selection.wanted.task_names is not None:
        wanted = frozenset(selection.wanted.task_names)
        names = [name for name in names if name in wanted]
    found = list[str]()
    for first in range(0, len(names), _STEP_TASKS):
        some = names[first : first + _STEP_TASKS]
        found += await database.read(partial(_with_matches, selection=selection, names=some))
    return found


def _with_matches(cursor: Cursor, selection: Selection, names: Sequence[str]) -> list[str]:
    return [name for name in names if _has_match(cursor, selection.of_tasks([name]))]


def _has_match(cursor: Cursor, selection: Selection) -> bool:
    assert selection.wanted is not None
    limit = min(len(selection.except_ids) + 1, 100)
    last = None
    while page := runs.page(cursor, selection.wanted, limit, last):
        if any(run.id not in selection.except_ids for run in page):
            return True
        last = Position.of(page[-1])
    return False
