from __future__ import annotations

import pytest

from runwisp.client.resources import RemoteUnit
from runwisp.errors import Locked
from runwisp.tui import operations
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, live_run, service, task


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


def test_a_task_is_triggered_after_a_question(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/backup/trigger", sent.live_run())
    operations.run_unit(desk, task())
    assert desk.told == ["ask Run backup: Run backup now?", "flash success: backup was triggered"]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("queue", "1 of at most 1 run now, so it waits for its turn."),
        ("skip", "1 of at most 1 run now, so it will be skipped."),
        ("terminate", "1 of at most 1 run now, so the oldest one is stopped."),
    ],
)
def test_the_question_tells_what_becomes_of_one_run_too_many(desk: FakeDesk, policy: str, told: str) -> None:
    desk.model.put_run(live_run())
    operations.run_unit(desk, task(on_overlap=policy))
    assert desk.told[0].endswith(told)


def test_the_question_tells_that_others_run_beside(desk: FakeDesk) -> None:
    desk.model.put_run(live_run())
    operations.run_unit(desk, task(parallelism=3))
    assert desk.told[0].endswith("1 of at most 3 run now.")


def test_a_unit_that_only_its_schedule_may_fire_says_so(desk: FakeDesk) -> None:
    operations.run_unit(desk, task(api_trigger=False))
    assert desk.told == ["flash warning: backup runs on its schedule only: api_trigger = false"]
    assert desk.wire.asked == []


@pytest.mark.parametrize(
    ("unit", "verb", "told"),
    [
        (service(running=3, instances=3), "restart", "Stop and start the 3 replicas of web?"),
        (service(running=1), "restart", "Stop and start web?"),
        (service(running=0), "start", "Start web?"),
    ],
)
def test_a_service_is_restarted_or_started(desk: FakeDesk, unit: RemoteUnit, verb: str, told: str) -> None:
    desk.wire.on(f"POST /api/tasks/web/{verb}", unit.document)
    operations.run_unit(desk, unit)
    assert desk.told[0].endswith(told)
    assert desk.wire.asked == [f"POST /api/tasks/web/{verb}"]


@pytest.mark.parametrize("unit", [task(), service()])
def test_a_unit_is_stopped_after_a_question(desk: FakeDesk, unit: RemoteUnit) -> None:
    desk.wire.on(f"POST /api/tasks/{unit.name}/stop", unit.document)
    operations.stop_unit(desk, unit)
    assert desk.told[0].startswith(f"ask Stop {unit.name}: ")
    assert desk.told[1] == f"flash success: {unit.name} is stopping"


def test_a_schedule_is_paused_and_resumed_without_a_question(desk: FakeDesk) -> None:
    paused = task(paused_at="2026-03-02T02:00:00.000Z")
    desk.wire.on("POST /api/tasks/backup/pause", paused.document)
    desk.wire.on("POST /api/tasks/backup/resume", task().document)
    operations.pause_unit(desk, task())
    operations.pause_unit(desk, paused)
    assert desk.told == ["flash success: backup is paused", "flash success: backup is scheduled again"]


def test_what_has_no_schedule_cannot_be_paused(desk: FakeDesk) -> None:
    operations.pause_unit(desk, service())
    assert desk.told == ["flash warning: web has no schedule"]


def test_a_reload_tells_how_many_units_have_changed(desk: FakeDesk) -> None:
    changed = [{"name": name, "reasons": ["run"]} for name in "abc"]
    desk.wire.on(
        "POST /api/daemon/reload",
        {"added": ["new"], "removed": ["x", "y"], "changed": changed, "settings": [], "warnings": []},
    )
    operations.reload_config(desk)
    assert desk.told == ["flash success: reloaded: +1 -2 ~3"]


def test_what_the_daemon_refuses_is_told_in_its_words(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/backup/trigger", Locked("only its schedule fires backup"))
    operations.run_unit(desk, task())
    assert desk.told[1:] == ["error: only its schedule fires backup"]
