from __future__ import annotations

import pytest

from runwisp.tui import keys
from runwisp.tui.keys import Action, Place


@pytest.mark.parametrize(
    ("place", "key", "action"),
    [
        (Place.SIDEBAR, "r", Action.RUN),
        (Place.TASK, "r", Action.RUN),
        (Place.TASK, "s", Action.STOP),
        (Place.TASK, "p", Action.PAUSE),
        (Place.RUN, "f", Action.FULLSCREEN),
        (Place.RUN, "d", Action.LOG_LINK),
        (Place.RUN, "D", Action.DELETE),
        (Place.RUNS, "f", Action.FILTER),
        (Place.RUNS, " ", Action.MARK),
        (Place.NOTICES, "r", Action.TOGGLE_READ),
        (Place.SIDEBAR, "/", Action.FILTER_NAMES),
        (Place.LIST, "G", Action.END),
        (Place.LIST, "end", Action.END),
        (Place.HOME, "n", Action.NOTICES),
        (Place.DEBUG, "R", Action.RELOAD),
        (Place.INFO, "ctrl c", Action.QUIT),
        (Place.INFO, "?", Action.HELP),
    ],
)
def test_a_key_does_what_it_does_in_its_place(place: Place, key: str, action: Action) -> None:
    assert keys.find([place], key) is action


def test_a_key_of_another_place_does_nothing() -> None:
    assert keys.find([Place.HOME], "s") is None


def test_what_is_selected_comes_before_the_run_under_the_cursor() -> None:
    assert keys.find([Place.MARKED, Place.RUN], "d") is Action.DELETE_MARKED


def test_no_key_has_two_meanings_in_one_place() -> None:
    for place in Place:
        names = [key for binding in keys.BINDINGS if place in binding.places for key in binding.keys]
        assert len(names) == len(set(names)), place


def test_the_help_bar_names_each_key_once_and_the_inner_place_first() -> None:
    shown = list(keys.bar([Place.RUNS, Place.LIST, Place.TASK]))
    assert shown[0] == ("f", "filter")
    assert ("r", "run") in shown
    names = [key for key, _ in shown]
    assert len(names) == len(set(names))


def test_the_help_has_every_binding_with_keys_as_people_write_them() -> None:
    rows = [row for _, rows in keys.overview() for row in rows]
    assert len(rows) == sum(len(binding.places) for binding in keys.BINDINGS)
    assert ("q Ctrl+C", "quit") in rows
    assert ("space", "select a run") in rows
