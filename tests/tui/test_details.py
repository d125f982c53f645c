from __future__ import annotations

import pytest

from runwisp.model import RunId
from runwisp.tui.details import show_run, show_unit
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, page, rows_of, task


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.wire.on("GET /api/runs", page())
    return desk


def shown(desk: FakeDesk) -> list[str]:
    assert desk.overlay is not None
    return [row.strip() for row in rows_of(desk.overlay, 78, 30)]


def test_a_run_tells_all_that_is_known(desk: FakeDesk) -> None:
    desk.wire.on(f"GET /api/runs/{sent.run_id(1)}", sent.failed_run(1, message="the disk is full"))
    desk.start(show_run(desk, RunId(sent.run_id(1))))
    rows = [row for row in shown(desk) if row]
    assert rows == [
        "backup #R001",
        "Status             failed",
        "Exit code          3",
        "Message            the disk is full",
        "Trigger            API · CLI",
        "Created            2026-03-02 02:00:00",
        "Started            2026-03-02 02:00:00",
        "Ended              2026-03-02 02:00:41",
        "Duration           41.6s",
        "CPU time           3.4s",
        "Peak memory        46 MB",
        "Zone               UTC",
        f"Id                 {sent.run_id(1)}",
    ]


def test_the_attempts_of_a_run_can_be_opened(desk: FakeDesk) -> None:
    first = sent.failed_run(1)
    second = sent.failed_run(2, retry_attempt=1, retry_of_run_id=sent.run_id(1))
    third = sent.run(3, retry_attempt=2, retry_of_run_id=sent.run_id(2))
    for document in (first, second, third):
        desk.wire.on(f"GET /api/runs/{document['id']}", document)
    after = {sent.run_id(1): second, sent.run_id(2): third}
    desk.wire.on(
        "GET /api/runs", lambda query: page(*[after[i] for i in [query["retry_of_run_id"]] if i in after])
    )
    desk.start(show_run(desk, RunId(sent.run_id(2))))
    rows = shown(desk)
    place = rows.index("Attempts")
    assert rows[place + 1 : place + 4] == [
        "1  #R001  2026-03-02 02:00:00  failed",
        "2  #R002  2026-03-02 02:00:00  failed  this run",
        "3  #R003  2026-03-02 02:00:00  success",
    ]
    assert desk.overlay is not None
    for key in ("down", "down", "enter"):
        desk.overlay.press(key)
    assert desk.told == [f"show run {sent.run_id(3)}"]


def test_a_run_that_is_gone_is_said_to_be(desk: FakeDesk) -> None:
    desk.start(show_run(desk, RunId(sent.run_id(1))))
    assert desk.told == ["flash warning: the run was deleted"]


def test_a_unit_tells_its_health_and_its_definition(desk: FakeDesk) -> None:
    stopped = sent.run(3, end_reason="stopped", duration=None)
    desk.wire.on("GET /api/runs", page(sent.live_run(4), stopped, sent.failed_run(2), sent.run(1)))
    unit = task(
        run="echo one\necho two",
        timeout=1800,
        graceful_stop=0.5,
        log_max_size=104857600,
        env={"A": "1", "B": "2"},
    )
    desk.start(show_unit(desk, unit))
    assert [row for row in shown(desk) if row] == [
        "backup, a task",
        "Health             of the last 3 runs: 1 succeeded, 1 failed, 1 other",
        "Duration           41.6s on average, at most 41.6s",
        "Last failure       2026-03-02 02:00:41  #R002",
        "api_trigger        true",
        "cron               0 2 * * *",
        "parallelism        1",
        "on_overlap         queue",
        "run                echo one",
        "echo two",
        "timeout            30m",
        "graceful_stop      0.5s",
        "log_max_size       100 MB",
        "env                A = 1",
        "B = 2",
    ]
    assert desk.overlay is not None
    desk.overlay.press("enter")
    assert desk.told == [f"show run {sent.run_id(2)}"]


def test_a_unit_that_never_ran_has_no_health(desk: FakeDesk) -> None:
    desk.start(show_unit(desk, task()))
    assert "No run has ended yet" in shown(desk)
