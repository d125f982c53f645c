from __future__ import annotations

from functools import partial

import pytest
from attrs import evolve

from runwisp.events import Event, NotificationChanged, UnreadCountChanged
from runwisp.model import Notification
from runwisp.store import notices
from runwisp.web.api.notifications import NotificationsApi
from tests.engine.stage import Stage
from tests.store.test_notices import notification
from tests.web.api.history import NOON
from tests.web.requests import Response, call, resource

READ_AT = "2026-11-24T12:00:00.000Z"


class Bell:
    """The notifications of a daemon, at noon."""

    def __init__(self, *rows: Notification) -> None:
        self.stage = Stage()
        api = NotificationsApi(self.stage.database, self.stage.bus, self.stage.wall)
        self._resource = resource(api, clock=self.stage.clock, wall=self.stage.wall)
        for row in rows:
            self.stage.database.now(partial(notices.insert, notification=row))

    def call(self, method: str, path: str = "") -> Response:
        response = call(self._resource, method, f"/api/notifications{path}")
        self.stage.settle()
        return response

    def told(self) -> list[Event]:
        """What the bus was told since this was asked last."""
        told, self.stage.events[:] = list(self.stage.events), []
        return told


ROWS = [notification(number) for number in range(5)]


def test_a_notification_has_every_field() -> None:
    row = evolve(ROWS[1], count=2, occurrence_ring=(ROWS[3].created_at, ROWS[1].created_at))
    (item,) = Bell(row).call("GET").json()["items"]
    assert item == {
        "id": row.id,
        "fingerprint": "9c1f04b27ae35d68",
        "kind": "run.failed",
        "severity": "error",
        "title": "backup failed",
        "body": "failed, exit code 3",
        "task_name": "backup",
        "run_id": row.run_id,
        "count": 2,
        "occurrence_ring": ["2026-03-02T02:00:00.003Z", "2026-03-02T02:00:00.001Z"],
        "created_at": "2026-03-02T02:00:00.001Z",
        "last_occurred_at": "2026-03-02T02:00:00.001Z",
        "read_at": None,
    }


def test_the_list_is_newest_first_and_counts_all_and_the_unread() -> None:
    bell = Bell(*ROWS[:4], evolve(ROWS[4], read_at=ROWS[4].created_at))
    first = bell.call("GET", "?limit=2").json()
    assert [item["id"] for item in first["items"]] == [ROWS[4].id, ROWS[3].id]
    assert (first["total"], first["unread_count"]) == (5, 4)
    second = bell.call("GET", f"?limit=3&cursor={first['next_cursor']}").json()
    assert [item["id"] for item in second["items"]] == [ROWS[2].id, ROWS[1].id, ROWS[0].id]
    assert second["next_cursor"] is None


def test_without_rows_the_list_is_empty() -> None:
    answer = Bell().call("GET").json()
    assert answer == {"items": [], "next_cursor": None, "total": 0, "unread_count": 0}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "status=read", "limit=1&limit=2"])
def test_values_that_break_their_rule_are_refused(query: str) -> None:
    assert Bell(*ROWS).call("GET", f"?{query}").status == 422


def test_the_unread_are_counted() -> None:
    assert Bell(*ROWS).call("GET", "/unread-count").json() == {"unread_count": 5}


def test_marking_one_read_and_unread_is_told_with_the_count_after_it() -> None:
    bell = Bell(*ROWS)
    read = bell.call("POST", f"/{ROWS[2].id}/read")
    assert (read.status, read.json()["read_at"]) == (200, READ_AT)
    marked = evolve(ROWS[2], read_at=NOON)
    assert bell.told() == [NotificationChanged(notification=marked, is_new=False, unread_count=4)]
    unread = bell.call("POST", f"/{ROWS[2].id}/unread")
    assert (unread.status, unread.json()["read_at"]) == (200, None)
    assert bell.told() == [NotificationChanged(notification=ROWS[2], is_new=False, unread_count=5)]


def test_marking_twice_renews_the_time() -> None:
    bell = Bell(*ROWS)
    bell.call("POST", f"/{ROWS[2].id}/read")
    bell.stage.clock.advance(60)
    assert bell.call("POST", f"/{ROWS[2].id}/read").json()["read_at"] == "2026-11-24T12:01:00.000Z"


def test_marking_all_read_is_told_as_a_count_alone() -> None:
    bell = Bell(*ROWS)
    assert bell.call("POST", "/read").json() == {"unread_count": 0}
    assert bell.told() == [UnreadCountChanged(0)]
    answer = bell.call("GET").json()
    assert {item["read_at"] for item in answer["items"]} == {READ_AT}
    assert answer["unread_count"] == 0


@pytest.mark.parametrize("verb", ["read", "unread"])
def test_a_row_that_is_not_there_is_not_found_and_nothing_is_told(verb: str) -> None:
    bell = Bell(*ROWS)
    answer = bell.call("POST", f"/{notification(9).id}/{verb}")
    assert answer.status == 404
    assert bell.call("POST", f"/not-a-ulid/{verb}").status == 422
    assert bell.told() == []
