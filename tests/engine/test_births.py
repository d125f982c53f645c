from __future__ import annotations

import pytest

from runwisp.engine.births import begun, never_ran, new_run
from runwisp.model import EndReason, Status, TriggeredBy, TriggerSource
from tests.engine.stage import Stage
from tests.make import service


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_new_run_is_pending_and_knows_who_asked_for_it(stage: Stage) -> None:
    run = new_run(stage.resources, service(name="web"), TriggeredBy.API, TriggerSource.UI)
    assert (run.task_name, run.status, run.start_at) == ("web", Status.PENDING, None)
    assert (run.triggered_by, run.trigger_source, run.created_at) == ("api", "ui", int(stage.wall() * 1000))


def test_a_run_begins_in_its_slot_and_never_before_it_was_created(stage: Stage) -> None:
    run = new_run(stage.resources, service(), TriggeredBy.SERVICE)
    stage.wall_offset_s -= 3600
    begins = begun(stage.resources, run, 3)
    assert (begins.status, begins.replica_index, begins.start_at) == (Status.RUNNING, 3, run.created_at)


def test_a_run_that_never_ran_ends_with_its_reason_and_no_exit_code(stage: Stage) -> None:
    unit = service('failures = ["+skipped"]')
    run = new_run(stage.resources, unit, TriggeredBy.API)
    stage.wall_offset_s -= 3600
    ended = never_ran(stage.resources, unit, run, EndReason.SKIPPED, "every replica was up")
    assert (ended.status, ended.end_reason, ended.exit_code) == (Status.ENDED, EndReason.SKIPPED, -1)
    assert (ended.start_at, ended.end_at, ended.is_failure) == (None, run.created_at, True)
    assert ended.message == "every replica was up"
