"""The API of a daemon as a caller sees it: one method for each thing to ask (spec: rest, endpoints)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

from attrs import frozen

from runwisp.client import resources
from runwisp.client.errors import BadAnswer, NotFound
from runwisp.client.resources import (
    BulkOutcome,
    DaemonInfo,
    Document,
    HitPage,
    Notice,
    NoticePage,
    Reloaded,
    RemotePage,
    RemoteRun,
    RemoteUnit,
    RunPage,
    RunSummary,
    Sample,
    SystemStats,
)
from runwisp.client.transport import EventStream, Transport
from runwisp.model import RunId

#: Most runs, and most lines, in one answer.
RUNS_LIMIT, LINES_LIMIT = 1000, 10_000

T = TypeVar("T")


@frozen
class Api:
    """Every method raises :class:`Unreachable` if there is no answer, and the refusals of the daemon."""

    transport: Transport
    #: What its runs will have as their ``trigger_source``.
    via: str = "cli"

    def is_healthy(self) -> bool:
        """The daemon at this address is well."""
        return self.transport.is_healthy()

    def daemon(self) -> DaemonInfo:
        return self._read(resources.daemon_info, self.transport.ask("GET", "/api/daemon"))

    def system(self) -> SystemStats:
        return self._read(resources.system_stats, self.transport.ask("GET", "/api/system"))

    def samples(self) -> Sequence[Sample]:
        """The last figures of the machine, oldest first."""
        return self._items(resources.sample, self.transport.ask("GET", "/api/system/metrics"))

    def launch_ticket(self) -> str:
        """What logs a browser in, once and within a minute."""
        return self._read(
            lambda answer: str(answer["ticket"]), self.transport.ask("POST", "/api/auth/launch-ticket")
        )

    def reload(self) -> Reloaded:
        return self._read(resources.reloaded, self.transport.ask("POST", "/api/daemon/reload"))

    def password(self) -> str:
        """The generated password.

        :raises NotFound: there is none to tell
        """
        return self._read(
            lambda answer: str(answer["password"]), self.transport.ask("GET", "/api/local/credentials")
        )

    def tells_password(self) -> bool:
        """There is a generated password that :meth:`password` tells."""
        try:
            self.password()
        except NotFound:
            return False
        return True

    def units(self) -> Sequence[RemoteUnit]:
        """Every task and service by name."""
        return self._items(resources.unit, self.transport.ask("GET", "/api/tasks"))

    def unit(self, name: str) -> RemoteUnit:
        return self._read(resources.unit, self.transport.ask("GET", f"/api/tasks/{quote(name, safe='')}"))

    def trigger(self, name: str) -> RemoteRun:
        answer = self.transport.ask("POST", _unit_path(name, "trigger"), {"via": self.via})
        return self._read(resources.run, answer)

    def start(self, name: str) -> RemoteUnit:
        return self._read(
            resources.unit, self.transport.ask("POST", _unit_path(name, "start"), {"via": self.via})
        )

    def restart(self, name: str) -> RemoteUnit:
        return self._read(
            resources.unit, self.transport.ask("POST", _unit_path(name, "restart"), {"via": self.via})
        )

    def stop(self, name: str) -> RemoteUnit:
        return self._read(resources.unit, self.transport.ask("POST", _unit_path(name, "stop")))

    def pause(self, name: str) -> RemoteUnit:
        return self._read(resources.unit, self.transport.ask("POST", _unit_path(name, "pause")))

    def resume(self, name: str) -> RemoteUnit:
        return self._read(resources.unit, self.transport.ask("POST", _unit_path(name, "resume")))

    def runs(self, query: Mapping[str, str], limit: int) -> Sequence[RemoteRun]:
        """The newest runs that pass the filters of ``query``, at most 1,000."""
        return self._items(
            resources.run, self.transport.ask("GET", "/api/runs", {**query, "limit": str(limit)})
        )

    def run_page(self, query: Mapping[str, str], limit: int) -> RunPage:
        """The first runs that pass the filters of ``query``; its ``cursor`` goes on after another page."""
        answer = self.transport.ask("GET", "/api/runs", {**query, "limit": str(limit)})
        return self._read(resources.run_page, answer)

    def summary(self, query: Mapping[str, str]) -> RunSummary:
        """How the runs ended that pass the filters."""
        return self._read(resources.run_summary, self.transport.ask("GET", "/api/runs/summary", query))

    def run(self, run_id: RunId) -> RemoteRun | None:
        try:
            return self._read(resources.run, self.transport.ask("GET", f"/api/runs/{run_id}"))
        except NotFound:
            return None

    def retry_of(self, run_id: RunId) -> RemoteRun | None:
        """The attempt after this one, if it exists."""
        return next(iter(self.runs({"retry_of_run_id": run_id}, 1)), None)

    def stop_run(self, run_id: RunId) -> RemoteRun:
        return self._read(resources.run, self.transport.ask("POST", f"/api/runs/{run_id}/stop"))

    def delete_run(self, run_id: RunId) -> None:
        self.transport.ask("DELETE", f"/api/runs/{run_id}")

    def bulk(self, verb: str, selection: Mapping[str, object]) -> BulkOutcome:
        """``stop``, ``delete`` or ``rerun`` all runs of the selection (spec: rest, bulk)."""
        answer = self.transport.ask("POST", f"/api/runs/bulk/{verb}", body=selection)
        return self._read(resources.bulk_outcome, answer)

    def search_log(self, name: str, query: Mapping[str, str]) -> HitPage:
        """Lines in the logs of a unit, its newest run first; none with a cursor means to go on."""
        answer = self.transport.ask("GET", _unit_path(name, "log/search"), query)
        return self._read(resources.hit_page, answer)

    def notices(self, limit: int, cursor: str | None = None) -> NoticePage:
        """The newest notifications, at most 500."""
        query = {"limit": str(limit), **({"cursor": cursor} if cursor is not None else {})}
        return self._read(resources.notice_page, self.transport.ask("GET", "/api/notifications", query))

    def mark_notice(self, notice_id: str, *, is_read: bool) -> Notice:
        verb = "read" if is_read else "unread"
        answer = self.transport.ask("POST", f"/api/notifications/{notice_id}/{verb}")
        return self._read(resources.notice, answer)

    def mark_all_read(self) -> None:
        self.transport.ask("POST", "/api/notifications/read")

    def log_page(self, run_id: RunId, start: int | None, limit: int) -> RemotePage:
        """At most ``limit`` lines from ``start`` on; None means the last ones."""
        query = {"limit": str(limit), **({"from": str(start)} if start is not None else {})}
        return self._read(resources.log_page, self.transport.ask("GET", f"/api/runs/{run_id}/log", query))

    def log_stream(self, run_id: RunId, start: int) -> EventStream:
        """The log from line ``start`` on, until the connection ends."""
        return self.transport.stream(f"/api/runs/{run_id}/log/stream", {"from": str(start)})

    def events(self, last_id: str | None) -> EventStream:
        """What happens, after the event ``last_id`` if that is given, until the connection ends."""
        return self.transport.stream("/api/events", last_id=last_id)

    def daemon_log(self, tail: int) -> EventStream:
        """The last lines of the daemon's own log, and those to come."""
        return self.transport.stream("/api/daemon/log/stream", {"tail": str(tail)})

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Names what was sent as a bad answer if it does not have the shape that is read here.

        :raises BadAnswer: that
        """
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadAnswer(str(self.transport.address), detail) from error

    def _read(self, make: Callable[[Document], T], answer: Document) -> T:
        with self.judged():
            return make(answer)

    def _items(self, make: Callable[[Document], T], answer: Document) -> Sequence[T]:
        with self.judged():
            return [make(item) for item in answer["items"]]


def _unit_path(name: str, verb: str) -> str:
    return f"/api/tasks/{quote(name, safe='')}/{verb}"
