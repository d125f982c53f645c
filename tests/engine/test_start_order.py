from __future__ import annotations

from collections.abc import Sequence

import pytest
from twisted.logger import LogEvent, LogLevel, capturedLogs

from runwisp.engine.start_order import StartOrder
from runwisp.engine.supervisor import Supervisor
from runwisp.model import Status, TriggeredBy
from tests.engine.slots import wait
from tests.engine.stage import Stage
from tests.make import config


class Rig:
    """The services of a configuration at boot; ``services`` are lines of its tables by name."""

    def __init__(self, **services: str) -> None:
        self.stage = Stage()
        text = "".join(f'[services.{name}]\nrun = "true"\n{lines}\n' for name, lines in services.items())
        self.supervisors = {
            name: Supervisor(self.stage.resources, service) for name, service in config(text).services.items()
        }
        self.order = StartOrder(self.stage.clock, self.supervisors)

    def start(self) -> None:
        self.order.start()
        self.stage.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass in steps, so that everything is done at its time."""
        for _ in range(round(seconds * 20)):
            self.stage.clock.advance(0.05)
        self.stage.settle()

    def up(self) -> list[str]:
        """The services with a process, in the order of their starts."""
        return [run.task_name for run in self.stage.with_status(Status.RUNNING)]

    def exit(self, name: str, code: int = 0) -> None:
        (run,) = [run for run in self.stage.with_status(Status.RUNNING) if run.task_name == name]
        self.stage.spawner.of(run).exit(code)
        self.stage.settle()

    def end(self) -> None:
        for wave in self.order.stop_waves():
            for supervisor in wave:
                supervisor.close()
        self.stage.settle()
        assert self.stage.clock.getDelayedCalls() == []


def warnings(events: Sequence[LogEvent]) -> list[tuple[str, str, str]]:
    return [
        (event["task"], event["dependency"], event["state"])
        for event in events
        if event["log_level"] is LogLevel.warn and "dependency" in event
    ]


def test_services_start_by_priority_and_name_and_only_with_autostart() -> None:
    rig = Rig(b="", a="", last="priority = 1", first="priority = -1", never="autostart = false")
    rig.start()
    assert rig.up() == ["first", "a", "b", "last"]
    assert {run.triggered_by for run in rig.stage.rows()} == {TriggeredBy.SERVICE}
    rig.end()


def test_a_service_starts_when_its_dependency_has_a_healthy_replica() -> None:
    rig = Rig(db='healthy_after = "2s"\ninstances = 2', api='depends_on = ["db"]', web="")
    rig.start()
    assert rig.up() == ["db", "db", "web"]
    rig.wait(1.9)
    assert "api" not in rig.up()
    with capturedLogs() as events:
        rig.wait(0.3)
    assert rig.up()[-1] == "api"
    assert warnings(events) == []
    rig.end()


def test_it_waits_for_all_of_them_and_in_chains() -> None:
    rig = Rig(
        a='healthy_after = "1s"',
        b='healthy_after = "2s"',
        c='depends_on = ["a", "b"]\nhealthy_after = "50s"',
        d='depends_on = ["c"]',
    )
    rig.start()
    rig.wait(1.5)
    assert rig.up() == ["a", "b"]
    rig.wait(1)
    assert rig.up() == ["a", "b", "c"]
    rig.wait(49)
    assert "d" not in rig.up()
    with capturedLogs() as events:
        rig.wait(2)
    assert rig.up()[-1] == "d"
    assert warnings(events) == []
    rig.end()


def test_a_dependency_is_asked_every_quarter_of_a_second() -> None:
    rig = Rig(db='healthy_after = "50ms"', api='depends_on = ["db"]')
    rig.start()
    wait(rig.stage, 0.24)
    assert rig.up() == ["db"]
    wait(rig.stage, 0.01)
    assert rig.up() == ["db", "api"]
    rig.end()


@pytest.mark.parametrize(
    ("lines", "code"),
    [('restart = "never"', 0), ("restart_attempts = 0", 1)],
    ids=["stopped", "fatal"],
)
def test_the_wait_ends_early_when_nothing_is_left_of_a_dependency(lines: str, code: int) -> None:
    rig = Rig(db=lines, api='depends_on = ["db"]')
    rig.start()
    with capturedLogs() as events:
        rig.exit("db", code)
        rig.wait(0.3)
    assert rig.up() == ["api"]
    assert warnings(events) == [("api", "db", "gone")]
    rig.end()


def test_a_dependency_that_is_not_started_with_the_daemon_is_not_waited_for() -> None:
    rig = Rig(db="autostart = false", api='depends_on = ["db"]')
    with capturedLogs() as events:
        rig.start()
    assert rig.up() == ["api"]
    assert warnings(events) == [("api", "db", "gone")]
    rig.end()


def test_the_wait_ends_thirty_seconds_after_the_dependency_should_have_been_healthy() -> None:
    rig = Rig(db='healthy_after = "10s"\nrestart_delay = "5s"', api='depends_on = ["db"]')
    rig.start()
    for _ in range(3):
        rig.exit("db", 1)
        rig.wait(13)
    assert "api" not in rig.up()
    with capturedLogs() as events:
        rig.wait(1.5)
    assert "api" in rig.up()
    assert warnings(events) == [("api", "db", "late")]
    rig.end()


def test_the_time_for_a_dependency_begins_with_its_own_start() -> None:
    rig = Rig(
        a='healthy_after = "39s"',
        b='healthy_after = "5s"\nrestart_delay = "1s"\nrestart_backoff = "constant"\ndepends_on = ["a"]',
        c='depends_on = ["b"]',
    )
    rig.start()
    rig.wait(39.5)
    rig.exit("b", 1)
    rig.wait(2)
    assert "c" not in rig.up()
    rig.wait(5)
    assert rig.up() == ["a", "b", "c"]
    rig.end()


@pytest.mark.parametrize("verbs", [["stop"], ["start", "stop"]], ids="-".join)
def test_an_operator_who_decides_meanwhile_is_obeyed(verbs: list[str]) -> None:
    rig = Rig(db='healthy_after = "1s"', api='depends_on = ["db"]')
    rig.start()
    for verb in verbs:
        if verb == "stop":
            rig.supervisors["api"].stop()
        else:
            rig.supervisors["api"].start(TriggeredBy.API)
    rig.wait(5)
    assert rig.up() == ["db"]
    rig.end()


def test_a_trigger_meanwhile_fills_one_slot_and_the_start_the_others() -> None:
    rig = Rig(db='healthy_after = "1s"', api='depends_on = ["db"]\ninstances = 2')
    rig.start()
    rig.supervisors["api"].trigger()
    rig.stage.settle()
    assert rig.up() == ["db", "api"]
    rig.wait(2)
    assert rig.up() == ["db", "api", "api"]
    rig.end()


def test_a_service_that_a_reload_removes_is_neither_started_nor_waited_for() -> None:
    rig = Rig(db="", old='depends_on = ["db"]', new='depends_on = ["db"]')
    rig.start()
    rig.supervisors.pop("db").retire()
    rig.supervisors.pop("old").retire()
    rig.wait(1)
    assert rig.up() == ["new"]
    rig.end()


def test_at_the_shutdown_nobody_waits_any_more_and_dependents_go_first() -> None:
    rig = Rig(db='healthy_after = "1s"', api='depends_on = ["db"]', web='depends_on = ["api"]', cron="")
    rig.start()
    rig.wait(1.3)
    rig.exit("cron", 1)
    waves = rig.order.stop_waves()
    assert [[supervisor.service.name for supervisor in wave] for wave in waves] == [
        ["cron", "web"],
        ["api"],
        ["db"],
    ]
    rig.wait(200)
    assert rig.up() == ["db", "api"]
    rig.end()
