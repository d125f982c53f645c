from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from sqlite3 import Connection, Cursor

import pytest
from attrs import evolve

from runwisp.model import Notification, Severity
from runwisp.store import notices
from runwisp.store.notices import Counts
from tests.store.samples import database_in_memory, moment, run_id


def notification(number: int) -> Notification:
    """An unread row that happened once, ``number`` milliseconds after the start of time."""
    return Notification(
        id=f"01JA9Y0H8N3QF5W6B2X4{number:06}",
        dedup_key="9c1f04b27ae35d68",
        kind="run.failed",
        severity=Severity.ERROR,
        task_name="backup",
        run_id=run_id(number),
        title="backup failed",
        body="failed, exit code 3",
        count=1,
        occurrence_ring=(moment(number),),
        created_at=moment(number),
        last_occurred_at=moment(number),
        read_at=None,
    )


REPEATED = evolve(
    notification(5),
    count=12,
    occurrence_ring=(moment(90), moment(50), moment(5)),
    last_occurred_at=moment(90),
    read_at=moment(99),
)
WITHOUT_RUN = evolve(notification(6), task_name=None, run_id=None)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with database_in_memory() as opened:
        yield opened


@pytest.fixture
def cursor(connection: Connection) -> Cursor:
    return connection.cursor()


@pytest.mark.parametrize("row", [notification(1), REPEATED, WITHOUT_RUN])
def test_a_notification_comes_back_as_it_went_in(cursor: Cursor, row: Notification) -> None:
    notices.insert(cursor, row)
    assert notices.get(cursor, row.id) == row


def test_a_notification_that_is_not_there_is_none(cursor: Cursor) -> None:
    assert notices.get(cursor, notification(1).id) is None
    assert notices.set_read(cursor, notification(1).id, moment(1)) is None


def test_pages_are_newest_first_and_go_on_after_a_row_that_was_deleted(cursor: Cursor) -> None:
    rows = [notification(number) for number in range(5)]
    for row in rows:
        notices.insert(cursor, row)
    first = notices.page(cursor, 2)
    assert first == [rows[4], rows[3]]
    cursor.execute("DELETE FROM notifications WHERE id = ?", (rows[3].id,))
    assert notices.page(cursor, 9, first[-1].id) == [rows[2], rows[1], rows[0]]


def test_the_unread_are_counted_and_marked(cursor: Cursor) -> None:
    assert notices.counts(cursor) == Counts(total=0, unread=0)
    for row in (notification(1), notification(2), evolve(notification(3), read_at=moment(4))):
        notices.insert(cursor, row)
    assert notices.counts(cursor) == Counts(total=3, unread=2)
    assert notices.set_read(cursor, notification(1).id, moment(7)) == evolve(
        notification(1), read_at=moment(7)
    )
    assert notices.counts(cursor) == Counts(total=3, unread=1)
    assert notices.set_read(cursor, notification(1).id, None) == notification(1)
    notices.set_all_read(cursor, moment(8))
    assert [row.read_at for row in notices.page(cursor, 9)] == [moment(4), moment(8), moment(8)]
    assert notices.counts(cursor) == Counts(total=3, unread=0)


def test_the_latest_row_of_a_key_is_the_one_that_repeated_last(cursor: Cursor) -> None:
    repeated = evolve(notification(1), last_occurred_at=moment(50))
    other = evolve(notification(3), dedup_key="0000000000000000", last_occurred_at=moment(90))
    for row in (repeated, notification(2), other):
        notices.insert(cursor, row)
    assert notices.latest(cursor, repeated.dedup_key) == repeated
    assert notices.latest(cursor, "ffffffffffffffff") is None


def test_a_row_is_replaced_by_its_id(cursor: Cursor) -> None:
    for row in (notification(5), notification(6)):
        notices.insert(cursor, row)
    notices.replace(cursor, REPEATED)
    assert notices.page(cursor, 9) == [notification(6), REPEATED]


def test_rows_beyond_the_newest_and_old_ones_are_deleted(cursor: Cursor) -> None:
    rows = [evolve(notification(number), last_occurred_at=moment(100 - number)) for number in range(6)]
    for row in rows:
        notices.insert(cursor, row)
    assert notices.prune(cursor, 4, moment(0)) == 2
    assert notices.page(cursor, 9) == rows[:1:-1]
    assert notices.prune(cursor, 4, moment(97)) == 2
    assert notices.page(cursor, 9) == [rows[3], rows[2]]
    assert notices.prune(cursor, 4, moment(97)) == 0


@pytest.mark.parametrize(
    "read",
    [
        partial(notices.latest, dedup_key="9c1f04b27ae35d68"),
        partial(notices.page, limit=50),
        partial(notices.page, limit=50, before="01JA9Y0H8N3QF5W6B2X4000001"),
        notices.counts,
    ],
)
def test_no_list_or_count_sorts_or_walks_the_table(
    connection: Connection, cursor: Cursor, read: Callable[[Cursor], object]
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    read(cursor)
    connection.set_trace_callback(None)
    assert len(statements) == 1
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]
    assert len(plan) == 1
    assert "USING" in plan[0]
    assert "INDEX" in plan[0]
