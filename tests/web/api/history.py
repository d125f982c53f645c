"""Runs in a database and an engine on a test's clock, with what the API says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Cursor
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred

from runwisp.engine.deletion import Deletion
from runwisp.engine.engine import Engine
from runwisp.engine.reload import Reloading
from runwisp.events import RunDeleted
from runwisp.model import EndReason, Run, RunId, Status, UnixMs
from runwisp.policy.reload import plan_reload
from runwisp.store import runs
from runwisp.web.api.bulk import BulkApi
from runwisp.web.api.runs import RunsApi
from tests import make
from tests.engine.fakes import in_this_thread
from tests.engine.stage import NOON_S, Stage
from tests.web.requests import Exchange, Response, call, resource, start

T = TypeVar("T")

NOON = UnixMs(int(NOON_S * 1000))


def numbered(number: int) -> RunId:
    return RunId(f"01JA9XQ4Z6M8T2V7C3K5{number:06}")


# Any: the fields of a run have types of their own, which evolve checks no further.
def waiting_run(number: int, name: str = "t", **changes: Any) -> Run:
    """The pending run with this number, created as many seconds after noon."""
    return make.run(name, id=numbered(number), created_at=UnixMs(NOON + 1000 * number), **changes)


def past_run(number: int, name: str = "t", **changes: Any) -> Run:
    """The same when it has succeeded, within a second."""
    run = waiting_run(number, name)
    run = evolve(
        run,
        status=Status.ENDED,
        end_reason=EndReason.SUCCESS,
        exit_code=0,
        start_at=run.created_at,
        end_at=UnixMs(run.created_at + 1000),
    )
    return evolve(run, **changes)


def failed_run(number: int, name: str = "t", **changes: Any) -> Run:
    return past_run(
        number, name, **{"end_reason": EndReason.FAILED, "exit_code": 1, "is_failure": True, **changes}
    )


def now(result: Deferred[Run]) -> Run:
    """The run of a Deferred that has fired."""
    runs_: list[Run] = []
    result.addCallback(runs_.append)
    return runs_[0]


class History:
    """The API over an engine with the configuration ``text``.

    ``steps`` are the numbers of runs whose files were deleted at a time.
    """

    def __init__(self, text: str, logs: Path = Path("logs")) -> None:
        self.stage = Stage()
        self.logs = logs
        self.engine = Engine(self.stage.resources, make.config(text))
        database = self.stage.database
        self.steps: list[int] = []
        deletion = Deletion(self._in_thread, database, logs, self.stage.bus)
        apis = (RunsApi(self.engine, database, deletion), BulkApi(self.engine, database, deletion))
        self._resource = resource(*apis, clock=self.stage.clock, wall=self.stage.wall)

    def add(self, *table: Run) -> Sequence[Run]:
        def work(cursor: Cursor) -> None:
            for run in table:
                runs.insert(cursor, run)

        self.stage.database.now(work)
        return table

    def fire(self, name: str) -> Run:
        run = now(self.engine.trigger(name, None))
        self.stage.settle()
        return run

    def exit(self, code: int, number: int = -1) -> None:
        """Let the process of the newest run end, or that of another."""
        self.stage.children[number].exit(code)
        self.stage.settle()

    def reload(self, text: str) -> None:
        new = make.config(text)
        Reloading(self.engine, new, plan_reload(self.engine.config, new)).apply()
        self.stage.settle()

    def begin(self, method: str, path: str, json: object = None) -> Exchange:
        """Send a request whose answer comes later."""
        return start(self._resource, method, path, json=json)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The statements that the database is given meanwhile, without begin and commit."""
        found: list[str] = []
        with self.stage.database.traced(found.append):
            yield found
        found[:] = [text for text in found if text.lstrip().split()[0] not in ("BEGIN", "COMMIT")]

    def call(self, method: str, path: str, json: object = None) -> Response:
        response = call(self._resource, method, path, json=json)
        self.stage.settle()
        return response

    def listed(self, query: str = "") -> list[str]:
        """The ids of the first page."""
        return [item["id"] for item in self.call("GET", f"/api/runs{query}").json()["items"]]

    def deleted(self) -> list[RunId]:
        return [event.run_id for event in self.stage.events if isinstance(event, RunDeleted)]

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        _, goners = args
        assert isinstance(goners, list)
        self.steps.append(len(goners))
        return in_this_thread(work, *args)

    def left(self) -> list[RunId]:
        return [run.id for run in self.stage.rows()]
