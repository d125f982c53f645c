from __future__ import annotations

import pytest
from attrs import evolve

from runwisp.client.resources import RemoteUnit
from runwisp.tui.keys import Action
from runwisp.tui.model import Link
from runwisp.tui.sidebar import DEBUG, HOME, Page, Sidebar, UnitRow
from tests.client import resources as sent
from tests.tui.fakes import FakeDesk, inks_of, live_run, rows_of, service, task

UNITS = (
    task("nightly", group="Backup"),
    service("web", 3, 3, group="frontend"),
    service("api", 0, 1, group="frontend"),
    task("hello", paused_at="2026-03-02T02:00:00.000Z"),
    task("broken", last_run=sent.failed_run()),
)


@pytest.fixture
def desk() -> FakeDesk:
    return with_units(*UNITS)


@pytest.fixture
def opened() -> list[Page | UnitRow]:
    return []


@pytest.fixture
def sidebar(desk: FakeDesk, opened: list[Page | UnitRow]) -> Sidebar:
    made = Sidebar(desk, opened.append)
    seen(made)
    return made


def with_units(*units: RemoteUnit) -> FakeDesk:
    desk = FakeDesk()
    desk.model.set_units(units, [])
    return desk


def seen(sidebar: Sidebar, height: int = 24) -> list[str]:
    return rows_of(sidebar, 28, height)


def press(sidebar: Sidebar, *names: str) -> None:
    """Keys as text."""
    for name in names:
        sidebar.type(name)
    seen(sidebar)


def test_units_are_listed_by_group_with_their_marks(desk: FakeDesk, sidebar: Sidebar) -> None:
    desk.model.put_run(live_run(task_name="nightly"))
    assert [row for row in seen(sidebar) if row] == [
        " RunWisp 1.2.3",
        " calm-lake",
        "▸Home",
        " Backup",
        "  nightly                  ●",
        " frontend",
        "  api                      ■",
        "  web (×3)",
        " Ungrouped",
        "  broken                   ✗",
        "  hello                    ‖",
        " Info",
        " Debug",
    ]


def test_without_groups_there_are_no_headings() -> None:
    made = Sidebar(with_units(task("a")), lambda item: None)
    assert "Ungrouped" not in "".join(seen(made))


def test_a_long_name_is_cut_before_its_number_of_instances() -> None:
    made = Sidebar(with_units(service("a-service-with-a-very-long-name", 2, 12)), lambda item: None)
    assert "  a-service-with-a-… (×12)" in seen(made)


def test_moving_changes_nothing_until_enter(sidebar: Sidebar, opened: list[Page | UnitRow]) -> None:
    sidebar.act(Action.DOWN)
    seen(sidebar)
    assert opened == []
    sidebar.act(Action.OPEN)
    assert opened == [UnitRow("nightly")]


def test_the_cursor_passes_over_headings_to_both_ends(sidebar: Sidebar, opened: list[Page | UnitRow]) -> None:
    sidebar.act(Action.END)
    sidebar.act(Action.OPEN)
    sidebar.act(Action.TOP)
    sidebar.act(Action.OPEN)
    assert opened == [DEBUG, HOME]


def test_one_click_opens(sidebar: Sidebar, opened: list[Page | UnitRow]) -> None:
    row = seen(sidebar).index("  web (×3)")
    sidebar.click(3, row)
    assert opened == [UnitRow("web")]


def test_what_is_shown_has_a_sign_wherever_the_cursor_is(sidebar: Sidebar) -> None:
    sidebar.shown = UnitRow("web")
    assert "▸ web (×3)" in seen(sidebar)


def test_the_cursor_stays_on_its_unit_when_others_come(desk: FakeDesk, sidebar: Sidebar) -> None:
    sidebar.act(Action.END)
    sidebar.act(Action.UP)
    sidebar.act(Action.UP)
    seen(sidebar)
    desk.model.set_units([*UNITS, task("a-new-one", group="Aa")], [])
    assert "cursor" in str(inks_of(sidebar, "hello", 28))


def test_a_unit_that_goes_leaves_the_cursor_on_another_one(desk: FakeDesk, sidebar: Sidebar) -> None:
    sidebar.act(Action.DOWN)
    desk.model.set_units(UNITS[1:], [])
    seen(sidebar)
    sidebar.act(Action.RUN)
    assert desk.told != []


def test_a_filter_shows_the_names_that_match_without_headings(
    sidebar: Sidebar, opened: list[Page | UnitRow]
) -> None:
    sidebar.act(Action.FILTER_NAMES)
    assert sidebar.takes_text()
    press(sidebar, "w", "E")
    assert [row for row in seen(sidebar) if row] == [
        " RunWisp 1.2.3",
        " calm-lake",
        " /wE▏",
        "  web (×3)",
    ]
    press(sidebar, "enter")
    assert opened == [UnitRow("web")]
    assert not sidebar.takes_text()


def test_backspace_edits_the_filter_and_then_leaves_it(sidebar: Sidebar) -> None:
    sidebar.act(Action.FILTER_NAMES)
    press(sidebar, "q", "x")
    assert " no match" in seen(sidebar)
    press(sidebar, "backspace", "backspace")
    assert " /▏" in seen(sidebar)
    press(sidebar, "backspace")
    assert not sidebar.takes_text()


def test_escape_leaves_the_filter_and_nothing_is_opened(
    sidebar: Sidebar, opened: list[Page | UnitRow]
) -> None:
    sidebar.act(Action.FILTER_NAMES)
    press(sidebar, "x", "enter")
    assert opened == []
    sidebar.act(Action.FILTER_NAMES)
    press(sidebar, "w", "esc")
    assert " Home" in seen(sidebar) or "▸Home" in seen(sidebar)


def test_the_arrows_move_among_the_names_that_match(sidebar: Sidebar, opened: list[Page | UnitRow]) -> None:
    sidebar.act(Action.FILTER_NAMES)
    press(sidebar, "e", "down", "enter")
    assert opened == [UnitRow("broken")]


def test_a_key_runs_the_unit_under_the_cursor(desk: FakeDesk, sidebar: Sidebar) -> None:
    desk.wire.on("POST /api/tasks/nightly/trigger", sent.live_run())
    sidebar.act(Action.DOWN)
    sidebar.act(Action.RUN)
    assert desk.told == ["ask Run nightly: Run nightly now?", "flash success: nightly was triggered"]


def test_on_a_page_the_key_runs_nothing(desk: FakeDesk, sidebar: Sidebar) -> None:
    sidebar.act(Action.RUN)
    assert desk.told == []


def test_without_a_connection_units_are_dim(desk: FakeDesk, sidebar: Sidebar) -> None:
    desk.model.link = Link.LOST
    assert inks_of(sidebar, "nightly", 28) == {"faint on sidebar"}


def test_five_thousand_units_are_listed_at_once() -> None:
    units = [evolve(UNITS[0], name=f"task-{number:04}") for number in range(5000)]
    made = Sidebar(with_units(*units), lambda item: None)
    seen(made)
    made.act(Action.END)
    assert seen(made)[-1].strip() == "Debug"
