from __future__ import annotations

from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket

import pytest

from runwisp.engine.engine import Engine
from runwisp.errors import StorageError
from runwisp.lifeline import STATUS_PAUSE_S, STUCK_S, Lifeline
from runwisp.model import Seconds
from runwisp.sdnotify import Notifier
from tests.engine.stage import Stage
from tests.make import config


class Rig:
    """A lifeline whose messages arrive at a real socket."""

    def __init__(self, tmp_path: Path) -> None:
        self.manager = socket(AF_UNIX, SOCK_DGRAM)
        self.manager.bind(str(tmp_path / "notify"))
        self.manager.setblocking(False)
        self.stage = Stage()
        self.engine = Engine(self.stage.resources, config('[tasks.t]\ncron = "@daily"\nrun = "true"'))
        self.lifeline = Lifeline(
            self.stage.clock,
            Notifier(str(tmp_path / "notify"), Seconds(4.0)),
            self.engine,
            self.stage.database,
            self.stage.bus,
        )
        self.lifeline.startService()

    def heard(self) -> list[str]:
        messages: list[str] = []
        while True:
            try:
                messages.append(self.manager.recv(4096).decode())
            except BlockingIOError:
                return messages

    def ready(self) -> None:
        self.engine.scheduler.start()
        self.lifeline.ready()
        self.heard()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_readiness_comes_with_a_status_and_a_sign_of_life(rig: Rig) -> None:
    rig.lifeline.ready()
    assert rig.heard() == ["READY=1", "STATUS=1 tasks, 0 services, 0 active runs", "WATCHDOG=1"]


def test_a_sign_of_life_is_given_at_half_the_interval(rig: Rig) -> None:
    rig.ready()
    rig.stage.clock.advance(1.9)
    assert rig.heard() == []
    rig.stage.clock.advance(0.1)
    assert rig.heard() == ["WATCHDOG=1"]


def test_there_is_none_while_the_database_does_not_answer(rig: Rig) -> None:
    rig.ready()
    release = rig.stage.database.hold()
    rig.stage.clock.pump([2, 2, 2])
    assert rig.heard() == []
    release()
    assert rig.heard() == ["WATCHDOG=1"]


def test_there_is_none_while_the_database_refuses(rig: Rig) -> None:
    rig.ready()
    rig.stage.database.refusal = StorageError("locked")
    rig.stage.clock.advance(2)
    assert rig.heard() == []
    rig.stage.database.refusal = None
    rig.stage.clock.advance(2)
    assert rig.heard() == ["WATCHDOG=1"]


def test_there_is_none_while_the_scheduler_is_late(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.ready()
    monkeypatch.setattr(rig.engine.scheduler, "lateness_s", lambda: STUCK_S + 1)
    rig.stage.clock.advance(2)
    assert rig.heard() == []


def test_a_change_is_told_at_most_once_a_minute(rig: Rig) -> None:
    rig.ready()
    for _ in range(3):
        rig.engine.trigger("t", None)
        rig.stage.settle()
    assert [message for message in rig.heard() if message.startswith("STATUS")] == []
    rig.stage.clock.advance(STATUS_PAUSE_S)
    assert [message for message in rig.heard() if message.startswith("STATUS")] == [
        "STATUS=1 tasks, 0 services, 1 active runs"
    ]


def test_stopping_asks_for_the_time_it_may_take(rig: Rig) -> None:
    rig.ready()
    rig.lifeline.stopping(2.5)
    rig.lifeline.stopService()
    assert rig.heard() == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=2500000"]
    rig.stage.clock.advance(100)
    assert rig.heard() == []
