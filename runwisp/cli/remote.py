"""Runs and logs as the daemon tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property

from runwisp.cli.connecting import connected
from runwisp.cli.options import Globals
from runwisp.client.api import LINES_LIMIT, RUNS_LIMIT, Api
from runwisp.client.errors import Unreachable
from runwisp.client.resources import RemotePage, RemoteRun
from runwisp.logs.reader import LogLine
from runwisp.model import Run, RunId, Status
from runwisp.store.filters import RunFilter


class RemoteLog:
    """The log of a run, read page by page as far as it went when it was opened."""

    def __init__(self, api: Api, run_id: RunId, end: RemotePage) -> None:
        self._api = api
        self._run_id = run_id
        self.first_available = end.first_available
        self.total_lines = end.total_lines

    @property
    def truncated(self) -> bool:
        return self.first_available > 1

    def lines(self, first: int, last: int) -> Iterator[LogLine]:
        while first <= last:
            page = self._api.log_page(self._run_id, first, min(LINES_LIMIT, last - first + 1))
            if not page.items:
                return
            yield from page.items
            first = page.items[-1].n + 1


class ApiSource:
    """What the daemon knows. Names are those of the units that it has now."""

    def __init__(self, api: Api) -> None:
        self.api = api

    @cached_property
    def _names(self) -> list[str]:
        return sorted(unit.name for unit in self.api.units())

    def knows(self, name: str) -> bool:
        return name in self._names or bool(self.api.runs({"task_name": name}, 1))

    def names(self) -> list[str]:
        return self._names

    def runs(self, wanted: RunFilter, limit: int, group: str | None = None) -> Sequence[RemoteRun]:
        return self.api.runs({**_query(wanted), **({"group": group} if group is not None else {})}, limit)

    def run(self, run_id: RunId) -> RemoteRun | None:
        return self.api.run(run_id)

    def active_or_latest(self, name: str) -> Sequence[RemoteRun]:
        active = self.runs(RunFilter(task_names=(name,), statuses=(Status.RUNNING,)), RUNS_LIMIT)
        return active[::-1] or self.runs(RunFilter(task_names=(name,), statuses=(Status.ENDED,)), 1)

    def log(self, run: Run) -> AbstractContextManager[RemoteLog]:
        return nullcontext(RemoteLog(self.api, run.id, self.api.log_page(run.id, None, 1)))


@contextmanager
def answering(settings: Globals) -> Iterator[ApiSource | None]:
    """The daemon at the control socket, None if none answers."""
    with connected(settings) as api:
        try:
            is_healthy = api.is_healthy()
        except Unreachable:
            is_healthy = False
        yield ApiSource(api) if is_healthy else None


def _query(wanted: RunFilter) -> Mapping[str, str]:
    """The filters that the command line has, as those of the API."""
    statuses = [*wanted.statuses, *wanted.end_reasons, *(["failure"] if wanted.is_failure else [])]
    lists = {"status": statuses, "task_name": wanted.task_names or ()}
    return {key: ",".join(values) for key, values in lists.items() if values}
