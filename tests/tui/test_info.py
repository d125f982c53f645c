from __future__ import annotations

import pytest

from runwisp.client import resources
from runwisp.tui.info import REFETCH_S, Info
from runwisp.tui.keys import Action
from tests.tui.fakes import SYSTEM, FakeDesk, daemon, inks_of, rows_of, sample, service, task


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.model.system = SYSTEM
    desk.model.set_units([task(), service("web", 3, 3), task("by-hand", cron=None)], [])
    desk.model.samples.extend(resources.sample(sample(cpu=value)) for value in (10.0, 90.0))
    summarise(desk, success=9, failed=1)
    return desk


def summarise(desk: FakeDesk, **figures: int) -> None:
    desk.wire.on(
        "GET /api/runs/summary",
        {"total": 10, "missed": 0, "last_failure_at": "2026-03-02T01:30:00.000Z", **figures},
    )


def info(desk: FakeDesk) -> Info:
    view = Info(desk)
    view.opened()
    return view


def test_everything_about_the_daemon_is_on_one_page(desk: FakeDesk) -> None:
    rows = rows_of(info(desk), 80, 40)
    facts = {row[:15].strip(): row[15:] for row in rows if row}
    assert facts["Uptime"] == "1h1m"
    assert facts["System"] == "linux x86_64"
    assert facts["Host"] == "builder, 4 cores"
    assert facts["CPU"].startswith("90%   ⠀")
    assert facts["Memory"].startswith("40%")
    assert facts["Success"] == "90.0%  1 failed"
    assert facts["Last failure"] == "2026-03-02 01:30:00"
    assert facts["Version"] == "1.2.3"
    assert facts["URL"] == "http://127.0.0.1:9477"
    assert facts["Fingerprint"] == "calm-lake"
    assert facts["Zone"] == "UTC, from the configuration"
    assert facts["Socket"] == "/srv/data/runwisp.sock"
    units = rows[rows.index(" 3 units") + 1 :]
    assert units[:3] == [" backup   0 2 * * *", " by-hand  manual", " web      service ×3"]


@pytest.mark.parametrize(("success", "ink"), [(90, "success"), (70, "warning"), (69, "error")])
def test_the_rate_of_success_has_its_colour(desk: FakeDesk, success: int, ink: str) -> None:
    summarise(desk, success=success, failed=100 - success)
    assert inks_of(info(desk), f"{success}.0%", 80, 40) == {f"{ink} on base"}


def test_before_any_run_there_is_no_rate(desk: FakeDesk) -> None:
    desk.wire.on(
        "GET /api/runs/summary",
        {"total": 0, "success": 0, "failed": 0, "missed": 0, "last_failure_at": None},
    )
    assert "Success" not in "".join(rows_of(info(desk), 80, 40))


def test_warnings_of_the_configuration_are_at_the_end(desk: FakeDesk) -> None:
    desk.model.set_daemon(resources.daemon_info(daemon(config_warnings=["web: " + "long " * 30])))
    rows = [row for row in rows_of(info(desk), 60, 50) if row]
    assert any(row.startswith(" ! web: long") for row in rows)
    assert all(len(row) <= 60 for row in rows)


def test_the_page_scrolls(desk: FakeDesk) -> None:
    view = info(desk)
    before = rows_of(view, 80, 10)
    assert view.act(Action.DOWN)
    assert rows_of(view, 80, 10)[2:] == [*before[3:], rows_of(view, 80, 10)[-1]]
    view.act(Action.END)
    assert rows_of(view, 80, 10)[-1] == " web      service ×3"
    view.act(Action.TOP)
    assert rows_of(view, 80, 10) == before
    view.wheel(-3)
    assert rows_of(view, 80, 10) == before
    assert not view.act(Action.OPEN)


def test_before_the_daemon_has_answered_the_page_says_so(desk: FakeDesk) -> None:
    desk.model.daemon = None
    assert rows_of(info(desk), 80, 5)[2] == " loading…"


def test_the_sums_are_asked_for_again_now_and_then(desk: FakeDesk) -> None:
    view = info(desk)
    desk.clock.advance(REFETCH_S / 2)
    rows_of(view)
    assert desk.wire.asked == ["GET /api/runs/summary"]
    desk.clock.advance(REFETCH_S / 2)
    rows_of(view)
    rows_of(view)
    assert desk.wire.asked == ["GET /api/runs/summary"] * 2
