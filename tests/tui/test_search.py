from __future__ import annotations

from collections.abc import Mapping

import pytest

from runwisp.client.errors import ApiError
from runwisp.client.resources import LogHit
from runwisp.tui.search import Search
from tests.client import resources as sent
from tests.client.resources import Document
from tests.tui.fakes import FakeDesk, inks_of, rows_of

SEARCH = "GET /api/tasks/backup/log/search"


def hits(first: int, last: int, next_cursor: str | None = None) -> Document:
    items = [
        {"run_id": sent.run_id(1), "n": n, "ts": None, "stream": "stdout", "text": f"line {n}"}
        for n in range(first, last + 1)
    ]
    return {"items": items, "next_cursor": next_cursor, "scanned_runs": 1}


class Scene:
    """A search over the logs of a task, and what became of it."""

    def __init__(self) -> None:
        self.desk = FakeDesk()
        self.opened: list[LogHit] = []
        self.search = Search(self.desk, "backup", self.opened.append)
        self.desk.open_overlay(self.search)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.search.press(key)

    def rows(self) -> list[str]:
        return [row.strip() for row in rows_of(self.search, 60, 17)]

    @property
    def state(self) -> str:
        return self.rows()[-1]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_enter_searches_and_again_opens_the_hit(scene: Scene) -> None:
    queries: list[Mapping[str, str]] = []

    def answer(query: Mapping[str, str]) -> Document:
        queries.append(query)
        return hits(1, 2)

    scene.desk.wire.on(SEARCH, answer)
    scene.press("l", "i", "x", "backspace", "enter")
    assert queries == [{"q": "li", "limit": "12"}]
    assert scene.rows()[:5] == [
        "Search in the logs of backup",
        "/li▏                            Tab  regex   Alt+C  case",
        "",
        "#R001      1  line 1",
        "#R001      2  line 2",
    ]
    assert scene.state == "1 of 2; Enter opens the line"
    scene.press("down", "enter")
    assert [hit.n for hit in scene.opened] == [2]
    assert scene.desk.overlay is None


def test_nothing_is_searched_for_no_text(scene: Scene) -> None:
    scene.press("enter")
    assert scene.desk.wire.asked == []
    assert scene.state == "Enter searches, Esc closes"


def test_another_query_searches_anew(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, lambda query: hits(1, 1) if query.get("regex") else hits(5, 6))
    scene.press("x", "enter")
    assert scene.state.startswith("1 of 2")
    scene.press("tab", "enter")
    assert scene.state.startswith("1 of 1")
    assert inks_of(scene.search, "regex", 60, 17) == {"badge primary"}
    assert inks_of(scene.search, "case", 60, 17) == {"muted on raised"}


def test_letter_case_counts_when_it_is_told_to(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, lambda query: hits(1, 1) if query.get("case") == "true" else hits(1, 0))
    scene.press("meta c", "X", "enter")
    assert scene.state.startswith("1 of 1")


def test_more_hits_come_when_one_goes_on_past_the_last(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, lambda query: hits(13, 14) if "cursor" in query else hits(1, 12, "next"))
    scene.press("x", "enter")
    assert scene.state == "1 of 12, more with ↓ at the end; Enter opens the line"
    scene.press(*["down"] * 12)
    assert scene.state == "12 of 14; Enter opens the line"
    scene.press("down", "down", "down")
    assert scene.state == "14 of 14; Enter opens the line"
    assert scene.rows()[3].endswith("line 3")


def test_runs_without_a_hit_are_passed(scene: Scene) -> None:
    answers = iter([hits(1, 0, "a"), hits(1, 0, "b"), hits(7, 7)])
    scene.desk.wire.on(SEARCH, lambda query: next(answers))
    scene.press("x", "enter")
    assert scene.state.startswith("1 of 1")


def test_a_bad_expression_is_explained(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, ApiError("the regular expression cannot be used: missing )"))
    scene.press("(", "tab", "enter")
    assert scene.state == "the regular expression cannot be used: missing )"


def test_nothing_found_is_said(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, hits(1, 0))
    scene.press("x", "enter")
    assert scene.state == "nothing found"


def test_an_answer_to_an_older_query_is_left_alone(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, hits(1, 3))
    scene.desk.wire.waiting = []
    scene.press("x", "enter")
    assert scene.state == "searching…"
    waiting, scene.desk.wire.waiting = scene.desk.wire.waiting, None
    scene.desk.wire.on(SEARCH, hits(9, 9))
    scene.press("y", "enter")
    assert waiting is not None
    for arrive in waiting:
        arrive()
    assert scene.state.startswith("1 of 1")


def test_a_click_opens_a_hit(scene: Scene) -> None:
    scene.desk.wire.on(SEARCH, hits(1, 3))
    scene.press("x", "enter")
    scene.rows()
    scene.search.click(10, 4)
    assert [hit.n for hit in scene.opened] == [2]


def test_escape_closes(scene: Scene) -> None:
    scene.press("x", "esc")
    assert scene.desk.overlay is None
