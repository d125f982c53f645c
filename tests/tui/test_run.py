from __future__ import annotations

from typing import Any

import pytest

from runwisp.model import RunId
from runwisp.tui.keys import Action
from runwisp.tui.run import RunView
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, failed_run, inks_of, live_run, rows_of, service, task
from tests.tui.lines import sent_lines

RUN_ID = RunId(sent.run_id(1))


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.model.set_units([task(), service("web", 2, 2)], [])
    return desk


def open_run(desk: FakeDesk, document: dict[str, Any]) -> RunView:
    desk.wire.on(f"GET /api/runs/{RUN_ID}", document)
    view = RunView(desk, RUN_ID)
    view.opened()
    desk.wire.taps[-1].feed("lines", {"items": sent_lines(1, 2)})
    return view


def test_a_failed_run_tells_its_exit_code_and_can_be_retried(desk: FakeDesk) -> None:
    assert rows_of(open_run(desk, sent.failed_run(1)), 80, 8) == [
        "  ← Back  backup #R001                                          exit 3  failed",
        " Started 2026-03-02 02:00:00 · Duration 41.6s · API · CLI",
        "  ↻ Retry (r)   Delete (D)   CPU 3.4s · peak memory 46 MB",
        "─" * 80,
        "   1  line 1",
        "   2  line 2",
        "",
        "",
    ]


def test_a_narrow_screen_has_the_trigger_on_a_line_of_its_own(desk: FakeDesk) -> None:
    rows = rows_of(
        open_run(desk, sent.live_run(1, task_name="a-rather-long-name-for-a-task-as-these-go")), 52, 8
    )
    assert rows[:3] == [
        "  ← Back  a-rather-long-name-for-… #R001   running",
        " Started 2026-03-02 02:00:00 · Duration 59.6s",
        " API · CLI  ● FOLLOW",
    ]


def test_a_live_run_can_be_stopped_and_tells_that_it_is_followed(desk: FakeDesk) -> None:
    view = open_run(desk, sent.live_run(1))
    assert "  ■ Stop (s)" in rows_of(view)
    assert inks_of(view, "FOLLOW") == {"success on base"}
    view.log.is_following = False
    assert "○ follow (G)" in rows_of(view)[1]


def test_a_run_that_is_being_stopped_says_so(desk: FakeDesk) -> None:
    assert "stopping…" in rows_of(open_run(desk, sent.live_run(1, stopping=True)))[1]


def test_a_run_that_waits_for_its_retry_counts_down(desk: FakeDesk) -> None:
    view = open_run(desk, sent.failed_run(1, next_retry_at="2026-03-02T02:01:12.000Z", retry_attempt=1))
    assert "retry in 12s · retry #1" in rows_of(view)[2]
    assert view.tick_s() == 1.0


def test_a_run_of_a_service_is_named_with_its_replica_and_restarts_the_service(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/web/restart", sent.service("web", 2, 2))
    view = open_run(desk, sent.live_run(1, task_name="web", replica_index=1))
    assert " web#1 #R001" in rows_of(view)[0]
    assert "  ■ Stop (s)   ↻ Restart (r)" in rows_of(view)
    view.act(Action.RUN)
    assert desk.told[-1] == "flash success: web is restarting"


def test_why_a_run_never_began_is_said(desk: FakeDesk) -> None:
    never = {"end_reason": "skipped", "start_at": None, "message": "one runs already"}
    view = open_run(desk, sent.run(1, **never))
    assert rows_of(view)[1].startswith(" Started — · Duration —")
    assert rows_of(view)[2] == " one runs already"


def test_stop_asks_first(desk: FakeDesk) -> None:
    desk.wire.on(f"POST /api/runs/{RUN_ID}/stop", sent.live_run(1, stopping=True))
    open_run(desk, sent.live_run(1)).act(Action.STOP)
    assert desk.told == ["ask Stop backup: Stop the run #R001?", "flash success: backup is stopping"]


def test_what_does_not_fit_the_state_of_the_run_is_explained(desk: FakeDesk) -> None:
    view = open_run(desk, sent.run(1))
    view.act(Action.STOP)
    view.act(Action.RUN)
    view = open_run(desk, sent.live_run(1))
    view.act(Action.DELETE)
    assert desk.told == [
        "flash warning: the run has ended",
        "flash warning: only a run that has ended in failure is retried",
        "flash warning: the run has not ended",
    ]


def test_a_retry_shows_the_new_run(desk: FakeDesk) -> None:
    desk.wire.on("POST /api/tasks/backup/trigger", sent.live_run(2))
    open_run(desk, sent.failed_run(1)).act(Action.RUN)
    assert desk.told == [
        "ask Retry backup: Run backup again now?",
        f"show run {sent.run_id(2)}",
        "flash success: backup was triggered",
    ]


def test_a_deleted_run_leads_back(desk: FakeDesk) -> None:
    desk.wire.on(f"DELETE /api/runs/{RUN_ID}", None)
    open_run(desk, sent.run(1)).act(Action.DELETE)
    assert desk.told == [
        "ask Delete backup: Delete the run #R001 and its log?",
        "back",
        "flash success: backup #R001 was deleted",
    ]


def test_a_run_that_others_delete_is_gone(desk: FakeDesk) -> None:
    view = open_run(desk, sent.run(1))
    desk.model.drop_run(RUN_ID)
    assert rows_of(view)[0] == "  ← Back  deleted"


def test_events_bring_the_header_up_to_date(desk: FakeDesk) -> None:
    view = open_run(desk, sent.live_run(1, status="pending", start_at=None))
    assert "pending" in rows_of(view)[0]
    desk.model.put_run(live_run(1))
    assert "running" in rows_of(view)[0]


def test_an_answer_that_is_older_than_an_event_does_not_undo_it(desk: FakeDesk) -> None:
    desk.wire.waiting = []
    view = open_run(desk, sent.live_run(1))
    desk.model.put_run(failed_run(1))
    desk.wire.answer()
    assert "failed" in rows_of(view)[0]


def test_the_full_screen_is_the_log_alone_until_a_key_ends_it(desk: FakeDesk) -> None:
    view = open_run(desk, sent.run(1))
    view.act(Action.FULLSCREEN)
    assert rows_of(view, 40, 2) == ["line 1", "line 2"]
    assert view.act(Action.NOTICES)
    assert view.act(Action.BACK)
    assert desk.told == ["fullscreen True", "fullscreen False"]
    assert not view.act(Action.BACK)


def test_leaving_the_view_ends_the_full_screen_and_the_stream(desk: FakeDesk) -> None:
    view = open_run(desk, sent.live_run(1))
    view.act(Action.FULLSCREEN)
    view.closed()
    assert desk.told == ["fullscreen True", "fullscreen False"]
    assert desk.wire.taps[-1].is_stopped
    assert not desk.model.watched


def test_the_link_to_the_log_can_be_copied(desk: FakeDesk) -> None:
    open_run(desk, sent.run(1)).act(Action.LOG_LINK)
    assert desk.told == [f"copy link to the log: http://127.0.0.1:9477/api/runs/{RUN_ID}/log/raw"]


def test_the_arrows_lead_to_what_can_be_copied(desk: FakeDesk) -> None:
    view = open_run(desk, sent.run(1))
    rows_of(view)
    for action in (Action.UP, Action.RIGHT, Action.OPEN, Action.LEFT, Action.OPEN, Action.UP, Action.OPEN):
        assert view.act(action)
        rows_of(view)
    assert desk.told == [
        "copy duration: 41.6s",
        "copy start: 2026-03-02 02:00:00",
        f"copy run id: {RUN_ID}",
    ]


def test_a_click_on_a_button_does_what_its_key_does(desk: FakeDesk) -> None:
    view = open_run(desk, sent.run(1))
    rows_of(view)
    view.click(3, 0)
    assert desk.told == ["back"]


def test_a_hit_in_another_run_opens_that_one(desk: FakeDesk) -> None:
    def hits(number: int) -> dict[str, Any]:
        hit = {"run_id": sent.run_id(number), "n": 2, "ts": None, "stream": "stdout", "text": "line 2"}
        return {"items": [hit], "next_cursor": None, "scanned_runs": 1}

    for number in (1, 2):
        view = open_run(desk, sent.run(1))
        desk.wire.on("GET /api/tasks/backup/log/search", hits(number))
        view.act(Action.SEARCH)
        overlay = desk.overlay
        assert overlay is not None
        for key in ("l", "enter", "enter"):
            overlay.press(key)
        if number == 1:
            assert inks_of(view, "line 2") == {"text on marked"}
    assert desk.told == ["show RunView"]
