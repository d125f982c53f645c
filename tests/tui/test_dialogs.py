from __future__ import annotations

import pytest

from runwisp.tui.desk import Question
from runwisp.tui.dialogs import Dialog, Pager, confirmation, help_overlay, message
from tests.tui.fakes import FakeDesk, inks_of, rows_of

QUESTION = Question("Stop web", "Stop web and keep it down?", ["It is not restarted."])


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def chosen() -> list[str]:
    return []


@pytest.fixture
def dialog(desk: FakeDesk, chosen: list[str]) -> Dialog:
    made = confirmation(desk, QUESTION, lambda: chosen.append("yes"))
    desk.open_overlay(made)
    return made


def seen(dialog: Dialog | Pager, columns: int = 80, rows: int = 24) -> list[str]:
    return rows_of(dialog, *dialog.size(columns, rows))


def test_a_question_has_a_title_a_text_notes_and_buttons(dialog: Dialog) -> None:
    assert seen(dialog) == [
        "  Stop web",
        "",
        "  Stop web and keep it down?",
        "  It is not restarted.",
        "",
        "   Yes (y)   No (n)",
        "",
    ]


def test_no_is_preselected(dialog: Dialog, desk: FakeDesk, chosen: list[str]) -> None:
    assert inks_of(dialog, "No (n)", 60, 7) == {"badge primary"}
    dialog.press("enter")
    assert chosen == []
    assert desk.overlay is None


@pytest.mark.parametrize(
    "keys", [["y"], ["left", "enter"], ["h", "enter"], ["tab", "enter"], ["shift tab", "enter"]]
)
def test_yes_can_be_chosen_in_many_ways(dialog: Dialog, chosen: list[str], keys: list[str]) -> None:
    for key in keys:
        dialog.press(key)
    assert chosen == ["yes"]


@pytest.mark.parametrize("key", ["n", "esc", "ctrl c"])
def test_no_too(dialog: Dialog, desk: FakeDesk, chosen: list[str], key: str) -> None:
    dialog.press(key)
    assert (chosen, desk.overlay) == ([], None)


def test_other_keys_do_nothing(dialog: Dialog, desk: FakeDesk) -> None:
    dialog.press("q")
    dialog.press("x")
    assert desk.overlay is dialog


def test_the_buttons_can_be_clicked(dialog: Dialog, chosen: list[str]) -> None:
    row = seen(dialog).index("   Yes (y)   No (n)")
    dialog.click(30, row)
    dialog.click(4, 0)
    assert chosen == []
    dialog.click(4, row)
    assert chosen == ["yes"]


def test_the_buttons_stay_when_there_is_no_room_for_the_text(desk: FakeDesk) -> None:
    made = message(desk, "Copy the link", "word " * 400)
    rows = seen(made, 60, 15)
    assert len(rows) == 13
    assert rows[-2] == "   Close"


def test_a_text_that_is_shown_is_whole(desk: FakeDesk) -> None:
    link = "http://127.0.0.1:9477/api/auth/launch-ticket?ticket=" + "x" * 43
    rows = seen(message(desk, "Copy the link", link))
    assert link in "".join(row.strip() for row in rows)


def test_the_help_names_all_keys_and_scrolls(desk: FakeDesk) -> None:
    overlay = help_overlay(desk)
    assert seen(overlay)[0] == "  Keys"
    before = seen(overlay)
    overlay.press("j")
    assert seen(overlay) != before
    overlay.press("G")
    assert "quit" in "".join(seen(overlay))
    overlay.press("home")
    assert seen(overlay) == before
    overlay.wheel(3)
    assert seen(overlay) != before


@pytest.mark.parametrize("key", ["?", "esc", "enter", "q"])
def test_the_help_is_closed_by_several_keys(desk: FakeDesk, key: str) -> None:
    overlay = help_overlay(desk)
    desk.open_overlay(overlay)
    overlay.press("x")
    assert desk.overlay is overlay
    overlay.press(key)
    assert desk.overlay is None


def test_a_click_closes_the_help(desk: FakeDesk) -> None:
    overlay = help_overlay(desk)
    desk.open_overlay(overlay)
    overlay.click(1, 1)
    assert desk.overlay is None
