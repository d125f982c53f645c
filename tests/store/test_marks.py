from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Cursor

import pytest

from runwisp.store import marks
from runwisp.store.marks import Registration
from tests.store.samples import database_in_memory, moment

FRESH = Registration(
    task_name="backup",
    first_seen_at=moment(1),
    last_tick_at=None,
    boot_id=None,
    paused_at=None,
    resumed_at=None,
)


@pytest.fixture
def cursor() -> Iterator[Cursor]:
    with database_in_memory() as connection:
        cursor = connection.cursor()
        marks.register(cursor, "backup", moment(1))
        yield cursor


def mark(cursor: Cursor) -> Registration:
    return marks.registrations(cursor)["backup"]


def test_a_new_task_has_only_been_seen(cursor: Cursor) -> None:
    assert marks.registrations(cursor) == {"backup": FRESH}


def test_the_time_a_task_was_first_seen_never_changes(cursor: Cursor) -> None:
    marks.register(cursor, "backup", moment(2))
    assert mark(cursor) == FRESH


def test_a_forgotten_task_is_new_when_it_returns(cursor: Cursor) -> None:
    marks.set_last_tick(cursor, "backup", moment(5))
    marks.forget(cursor, "backup")
    assert marks.registrations(cursor) == {}
    marks.register(cursor, "backup", moment(9))
    assert mark(cursor).first_seen_at == moment(9)
    assert mark(cursor).last_tick_at is None


def test_marks_of_one_task_leave_the_others_alone(cursor: Cursor) -> None:
    marks.register(cursor, "mail", moment(1))
    marks.set_last_tick(cursor, "mail", moment(5))
    marks.set_boot_id(cursor, "mail", "boot")
    marks.pause(cursor, "mail", moment(6))
    assert mark(cursor) == FRESH
    mail = marks.registrations(cursor)["mail"]
    assert (mail.last_tick_at, mail.boot_id, mail.paused_at) == (moment(5), "boot", moment(6))


def test_a_tick_of_a_task_that_is_not_registered_registers_nothing(cursor: Cursor) -> None:
    marks.set_last_tick(cursor, "gone", moment(5))
    assert list(marks.registrations(cursor)) == ["backup"]


def test_a_second_pause_keeps_the_time_of_the_first(cursor: Cursor) -> None:
    marks.pause(cursor, "backup", moment(3))
    marks.pause(cursor, "backup", moment(4))
    assert mark(cursor).paused_at == moment(3)


def test_resuming_lifts_the_pause_once(cursor: Cursor) -> None:
    marks.pause(cursor, "backup", moment(3))
    marks.resume(cursor, "backup", moment(4))
    marks.resume(cursor, "backup", moment(5))
    assert mark(cursor).paused_at is None
    assert mark(cursor).resumed_at == moment(4)


def test_a_value_of_the_daemon_is_kept_until_it_is_set_again(cursor: Cursor) -> None:
    assert marks.config_entry(cursor, "jwt_secret") is None
    marks.set_config_entry(cursor, "jwt_secret", "one")
    marks.set_config_entry(cursor, "jwt_secret", "two")
    assert marks.config_entry(cursor, "jwt_secret") == "two"
