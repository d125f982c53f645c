from __future__ import annotations

from runwisp.client import resources
from runwisp.tui.keys import Action
from runwisp.tui.notices import PANEL_ROWS, Notices
from tests.client import resources as sent
from tests.tui import fakes
from tests.tui.fakes import FakeDesk, notice, notices, rows_of


def footer(desk: FakeDesk, *items: sent.Document, unread: int = 0, is_open: bool = True) -> Notices:
    desk.model.set_notices(resources.notice_page(notices(*items, unread=unread)))
    made = Notices(desk)
    made.is_open = is_open
    return made


def panel(made: Notices, width: int = 70) -> list[str]:
    return rows_of(made, width, PANEL_ROWS)


def test_the_line_tells_the_newest_notification() -> None:
    made = footer(FakeDesk(), notice(2, count=3), notice(1), unread=2, is_open=False)
    assert rows_of(made, 80, 1) == [
        " Notifications (2, 2 unread)  ● backup failed (×3)              30s ago  n open"
    ]


def test_without_notifications_the_line_is_dim() -> None:
    made = footer(FakeDesk(), is_open=False)
    assert rows_of(made, 60, 1) == [" No notifications"]
    assert fakes.inks_of(made, "No", 60, 1) == {"muted on chart"}


def test_the_panel_has_eight_rows_with_their_rhythm() -> None:
    items = [notice(number, count=number) for number in range(9, 0, -1)]
    made = footer(FakeDesk(), *items, unread=9)
    rows = panel(made)
    assert rows[0].split() == ["Notifications", "9,", "9", "unread", "n", "close"]
    assert rows[1] == " ● backup failed ×9               9× in the last hour, latest 30s ago"
    assert len(rows) == PANEL_ROWS
    made.act(Action.END)
    assert panel(made)[8].split() == ["●", "backup", "failed", "30s", "ago"]


def test_older_ones_than_those_are_in_the_browser() -> None:
    made = footer(FakeDesk(), notice())
    made._desk.model.notices_total = 300
    assert panel(made)[-1] == " 299 older ones are in the browser"


def test_enter_opens_the_run_and_marks_it_read() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(1))
    desk.wire.on(f"GET /api/runs/{sent.run_id(1)}", sent.run(1))
    desk.wire.on(f"POST /api/notifications/{notice(1)['id']}/read", notice(1))
    panel(made)
    made.act(Action.OPEN)
    assert desk.told == ["toggle notices", f"show run {sent.run_id(1)}"]
    assert desk.wire.asked[-1].endswith("/read")


def test_a_run_that_is_gone_is_explained() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(1))
    panel(made)
    made.act(Action.OPEN)
    assert desk.told == ["flash warning: the run of this notification is gone"]


def test_a_notification_without_a_run_is_explained() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(1, run_id=None))
    panel(made)
    made.act(Action.OPEN)
    assert desk.told == ["flash warning: this notification is about no run"]


def test_a_key_toggles_what_is_read() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(2), notice(1, read_at="2026-03-02T02:00:50.000Z"))
    for verb, number in (("read", 2), ("unread", 1)):
        desk.wire.on(f"POST /api/notifications/{notice(number)['id']}/{verb}", notice(number))
    panel(made)
    made.act(Action.TOGGLE_READ)
    made.act(Action.DOWN)
    made.act(Action.TOGGLE_READ)
    assert [request.rpartition("/")[2] for request in desk.wire.asked] == ["read", "unread"]
    assert desk.told == []


def test_another_key_marks_all_read_and_shows_it() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(1), unread=1)
    desk.wire.on("POST /api/notifications/read", {"unread_count": 0})
    desk.wire.on("GET /api/notifications", notices(notice(1, read_at="2026-03-02T02:00:50.000Z")))
    made.act(Action.READ_ALL)
    assert desk.model.unread == 0
    assert panel(made)[1].startswith(" ○ backup failed")


def test_a_click_on_the_line_opens_the_panel_and_one_in_it_moves_the_cursor() -> None:
    desk = FakeDesk()
    made = footer(desk, notice(2), notice(1), is_open=False)
    made.click(5, 0)
    assert desk.told == ["toggle notices"]
    made.is_open = True
    panel(made)
    made.click(5, 2)
    assert made.cursor == 1


def test_the_line_ticks_by_the_second_only_while_that_shows() -> None:
    desk = FakeDesk()
    assert footer(desk).tick_s() is None
    assert footer(desk, notice()).tick_s() == 1.0
    old = notice(last_occurred_at="2026-03-02T01:00:00.000Z")
    assert footer(desk, old, is_open=False).tick_s() == 30.0


def test_the_cursor_stays_on_its_notification_when_another_one_comes() -> None:
    made = footer(FakeDesk(), notice(2), notice(1))
    made.act(Action.DOWN)
    panel(made)
    made._desk.model.put_notice(resources.notice(notice(3)), 3)
    panel(made)
    assert made._desk.model.notices[made.cursor].id == notice(1)["id"]
