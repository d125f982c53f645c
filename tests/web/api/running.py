"""An engine that runs on a test's clock, with the API on top of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.reload import Reloading
from runwisp.engine.samples import HostFigures, Samples
from runwisp.events import TasksChanged
from runwisp.model import Bytes, Run, UnixMs
from runwisp.policy.reload import plan_reload
from runwisp.web.about import About
from runwisp.web.api.daemon import DaemonApi
from runwisp.web.api.system import SystemApi
from runwisp.web.api.tasks import TasksApi
from runwisp.web.shown_tasks import ShownTasks
from runwisp.web.waiting import Waiting
from tests.engine.fakes import FakeChild
from tests.engine.stage import NOON_S, Stage
from tests.make import config
from tests.web.requests import Exchange, Response, call, resource, start

FIGURES = HostFigures(cpu_usage=12.5, mem_used=Bytes(3_435_973_836), mem_total=Bytes(8_339_816_448))
ABOUT = About(
    fingerprint="bright-falcon",
    pid=4711,
    started_at=UnixMs(int(NOON_S * 1000)),
    began_s=0.0,
    host="127.0.0.1",
    port=9477,
    data_dir=Path("/var/lib/runwisp"),
    socket=Path("/var/lib/runwisp/runwisp.sock"),
    work_dir="/srv",
    is_auth_required=True,
    is_service_managed=False,
    can_switch_user=True,
)


class Running:
    """A daemon with the configuration ``text``, booted."""

    def __init__(self, text: str) -> None:
        self.stage = Stage()
        known = config(text)
        self.engine = Engine(self.stage.resources, known)
        recovery = Recovery(self.stage.resources, known, lambda run, note: None, lambda orphans: {})
        boot = Boot(self.engine, recovery, self.stage.database, lambda: None)
        self.stage.resources.background.start("boot", boot.bring_up())
        self.stage.settle()
        self.shown = ShownTasks(self.engine, self.stage.database)
        self.waiting = Waiting(self.stage.clock, self.stage.bus)
        self.samples = Samples(self.stage.clock, self.stage.wall, lambda: FIGURES)
        self.next_reload: Callable[[], TasksChanged] = lambda: self._apply(text)
        self.app = resource(
            TasksApi(self.engine, self.stage.database, self.shown, self.waiting),
            DaemonApi(self.engine, ABOUT, self._reload),
            SystemApi(self.stage.clock, ABOUT, self.samples),
            clock=self.stage.clock,
            wall=self.stage.wall,
        )

    def get(self, path: str) -> Response:
        return call(self.app, "GET", path, clock=self.stage.clock)

    def post(self, path: str, json: object = None) -> Response:
        """The answer to what is answered at once."""
        response = call(self.app, "POST", path, json=json, clock=self.stage.clock)
        self.stage.settle()
        return response

    def begin(self, path: str) -> Exchange:
        """What is answered later."""
        exchange = start(self.app, "POST", path, clock=self.stage.clock)
        self.stage.settle()
        return exchange

    def wait(self, seconds: float) -> None:
        """Let time pass in steps that no scheduler takes for a sleep of the machine."""
        self.stage.clock.pump([30.0] * int(seconds // 30) + [seconds % 30])
        self.stage.settle()

    def reload(self, text: str) -> TasksChanged:
        changes = self._apply(text)
        self.stage.settle()
        return changes

    def _apply(self, text: str) -> TasksChanged:
        new = config(text)
        return Reloading(self.engine, new, plan_reload(self.engine.config, new)).apply()

    async def _reload(self) -> TasksChanged:
        return self.next_reload()

    def shut_down(self) -> None:
        self.stage.resources.background.start("shutdown", self.engine.shut_down(10.0))
        self.stage.settle()

    def child(self, number: int = -1) -> FakeChild:
        return self.stage.children[number]

    def exit(self, child: FakeChild, code: int = 0) -> None:
        child.exit(code)
        self.stage.settle()

    def rows(self, name: str) -> list[Run]:
        return [run for run in self.stage.rows() if run.task_name == name]
