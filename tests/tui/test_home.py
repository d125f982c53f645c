from __future__ import annotations

import pytest

from runwisp.client import resources
from runwisp.tui.home import Home
from runwisp.tui.keys import Action
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, daemon, inks_of, page, rows_of, task


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.wire.on("GET /api/runs", page(sent.run(1), total=1234))
    desk.model.tells_password = True
    return desk


def home(desk: FakeDesk) -> Home:
    view = Home(desk)
    view.opened()
    rows_of(view, 52, 22)
    return view


def test_the_way_to_the_browser_is_above_the_latest_runs(desk: FakeDesk) -> None:
    assert rows_of(home(desk), 52, 10) == [
        " Home",
        "",
        " ⮕ Open Web UI",
        " Web UI    http://127.0.0.1:9477",
        " Password  ••••••••••••••••••••••",
        "",
        " Recent activity  1,234 runs",
        " TASK           STATUS       STARTED  DURATION ID",
        " backup          success     59s ago  41.6s    #R001",
        "",
    ]


def test_chips_are_there_only_when_they_are_true(desk: FakeDesk) -> None:
    desk.model.set_daemon(resources.daemon_info(daemon(config_stale=True, config_warnings=["a", "b"])))
    desk.model.set_units([task(paused_at="2026-03-02T02:00:00.000Z"), task("other")], [])
    chips = rows_of(home(desk), 82, 22)[1]
    assert chips == "  config changed on disk — press R   2 config warnings   1 paused"


def test_a_password_of_the_operator_is_not_offered(desk: FakeDesk) -> None:
    desk.model.tells_password = False
    assert "Password" not in "".join(rows_of(home(desk)))


def test_authentication_that_is_off_is_a_warning(desk: FakeDesk) -> None:
    desk.model.set_daemon(resources.daemon_info(daemon(auth_required=False)))
    view = home(desk)
    assert "•" not in "".join(rows_of(view))
    assert inks_of(view, "Authentication is off") == {"warning on base"}


def test_the_fields_can_be_opened_and_copied_and_the_password_is_never_drawn(desk: FakeDesk) -> None:
    desk.wire.on("GET /api/local/credentials", {"password": "hunter2hunter2"})
    view = home(desk)
    for _ in range(3):
        view.act(Action.UP)
        view.act(Action.OPEN)
    assert desk.told == [
        "copy password: hunter2hunter2 (secret)",
        "copy URL: http://127.0.0.1:9477",
        "open browser",
    ]
    assert "hunter2" not in "".join(rows_of(view))


def test_after_missed_events_the_runs_are_fetched_again(desk: FakeDesk) -> None:
    view = home(desk)
    view.refetch()
    rows_of(view)
    assert desk.wire.asked == ["GET /api/runs", "GET /api/runs"]


def test_new_runs_are_heard_of_only_while_the_page_is_open(desk: FakeDesk) -> None:
    view = home(desk)
    assert desk.model.lists == [view.table.runs]
    view.closed()
    assert desk.model.lists == []
