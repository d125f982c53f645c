"""An engine that runs on a test's clock, with the API on top of it."""

from __future__ import annotations

from runwisp.engine.boot import Boot
from runwisp.engine.engine import Engine
from runwisp.engine.recovery import Recovery
from runwisp.engine.reload import Reloading
from runwisp.model import Run
from runwisp.policy.reload import plan_reload
from runwisp.web.api.tasks import TasksApi
from runwisp.web.shown_tasks import ShownTasks
from runwisp.web.waiting import Waiting
from tests.engine.fakes import FakeChild
from tests.engine.stage import Stage
from tests.make import config
from tests.web.requests import Exchange, Response, call, resource, start


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
        self.app = resource(
            TasksApi(self.engine, self.stage.database, self.shown, self.waiting),
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

    def reload(self, text: str) -> None:
        new = config(text)
        Reloading(self.engine, new, plan_reload(self.engine.config, new)).apply()
        self.stage.settle()

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
