from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from runwisp.errors import StorageError
from runwisp.web.api.health import HealthApi
from tests.web.api.running import Running
from tests.web.requests import call, resource, start

CONFIG = """
[tasks.often]
cron = "* * * * *"
run = "true"
"""


class Probed(Running):
    def __init__(self) -> None:
        super().__init__(CONFIG)
        self.health = resource(
            HealthApi(self.engine, self.stage.database, self.stage.clock), clock=self.stage.clock
        )

    def checks(self) -> tuple[int, Any]:  # Any: JSON
        answer = call(self.health, "GET", "/ready", clock=self.stage.clock)
        body = answer.json()
        assert body["ready"] is (answer.status == 200) is all(body["checks"].values())
        return answer.status, body["checks"]


def test_health_is_a_word() -> None:
    daemon = Probed()
    answer = call(daemon.health, "GET", "/health", clock=daemon.stage.clock)
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert call(daemon.health, "HEAD", "/health", clock=daemon.stage.clock).status == 200


def test_it_is_ready_when_everything_works() -> None:
    assert Probed().checks() == (200, {"database": True, "scheduler": True, "running": True})


def test_it_is_not_ready_while_it_shuts_down() -> None:
    daemon = Probed()
    daemon.stage.resources.background.start("end", daemon.engine.shut_down(1.0))
    assert daemon.checks() == (503, {"database": True, "scheduler": True, "running": False})
    daemon.stage.settle()


@pytest.mark.parametrize(("late_s", "works"), [(9.0, True), (11.0, False)])
def test_it_is_not_ready_when_the_scheduler_is_stuck(
    monkeypatch: pytest.MonkeyPatch, late_s: float, works: bool
) -> None:
    daemon = Probed()
    monkeypatch.setattr(daemon.engine.scheduler, "lateness_s", lambda: late_s)
    assert daemon.checks() == (200 if works else 503, {"database": True, "scheduler": works, "running": True})


def test_it_is_not_ready_when_the_database_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Probed()
    monkeypatch.setattr(daemon.stage.database, "read", lambda work: fail(StorageError("no")))
    assert daemon.checks() == (503, {"database": False, "scheduler": True, "running": True})


def test_it_is_not_ready_when_the_database_does_not_answer_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon = Probed()
    never: Deferred[None] = Deferred()
    monkeypatch.setattr(daemon.stage.database, "read", lambda work: never)
    exchange = start(daemon.health, "GET", "/ready", clock=daemon.stage.clock)
    daemon.stage.clock.advance(0.9)
    assert not exchange.is_done
    daemon.stage.clock.advance(0.2)
    assert exchange.response.json()["checks"]["database"] is False
    exchange.leave()
