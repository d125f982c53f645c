from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import EndReason, Notification, NotifyEvent, Seconds
from runwisp.policy.coalescing import Due, Repeats, Rule, arrive, dedup_key, expire, fnv_1a, fold
from tests.notify import events
from tests.notify.events import after, ended, ended_run, failure, undelivered

HOUR = Seconds(3600.0)
RULE = Rule(HOUR, 10)


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"", 0xCBF29CE484222325), (b"a", 0xAF63DC4C8601EC8C), (b"foobar", 0x85944171F73967E8)],
)
def test_the_hash_gives_the_published_values(data: bytes, number: int) -> None:
    assert fnv_1a(data) == number


def test_the_key_is_the_hash_of_kind_task_and_end_reason() -> None:
    assert dedup_key(failure()) == f"{fnv_1a(b'run.failed|backup|failed'):016x}"
    assert dedup_key(events.started()) == f"{fnv_1a(b'run.started|backup|'):016x}"
    assert dedup_key(events.trial()) == f"{fnv_1a(b'notify.test||'):016x}"
    assert dedup_key(undelivered()) == f"{fnv_1a(b'notify.delivery_failed|backup|ops|run.failed'):016x}"


def test_the_key_does_not_depend_on_the_run() -> None:
    assert dedup_key(failure()) == dedup_key(failure(at_s=60, replica_index=3, exit_code=77))


def test_other_tasks_outcomes_and_channels_have_other_keys() -> None:
    different: list[NotifyEvent] = [
        *events.one_of_each().values(),
        failure("mail"),
        ended(ended_run(EndReason.LOG_OVERFLOW)),
        ended(ended_run(EndReason.DAEMON_STOPPED)),
        undelivered(channel="pager"),
        undelivered(events.success()),
    ]
    assert len({dedup_key(event) for event in different}) == len(different)


def test_the_first_event_is_sent_at_once() -> None:
    event = failure()
    assert arrive(None, event, RULE, 100.0) == (Repeats(100.0), Due(event))
    assert arrive(Repeats(100.0), event, RULE, 3700.0) == (Repeats(3700.0), Due(event))


def test_a_repeat_is_held_and_the_latest_of_them_is_the_summary() -> None:
    first, second = failure(), failure(at_s=1)
    repeats, due = arrive(Repeats(100.0), first, RULE, 3699.0)
    assert (repeats, due) == (Repeats(100.0, 1, first), None)
    repeats, due = arrive(repeats, second, RULE, 3699.5)
    assert due is None
    assert expire(repeats, 3700.0) == (Repeats(3700.0), Due(second, 2, coalesced_summary=True))


def test_a_window_without_repeats_ends_without_a_message() -> None:
    assert expire(Repeats(100.0), 3700.0) == (None, None)


def test_the_tenth_repeat_is_a_check_in() -> None:
    event = failure()
    assert arrive(Repeats(0.0, 9, event), event, RULE, 60.0) == (Repeats(60.0), Due(event, 10))
    assert arrive(Repeats(0.0, 8, event), event, RULE, 60.0) == (Repeats(0.0, 9, event), None)


def test_a_ring_of_one_has_no_check_ins() -> None:
    event = failure()
    assert arrive(Repeats(0.0), event, Rule(HOUR, 1), 60.0)[1] is None
    assert arrive(Repeats(0.0), event, Rule(HOUR, 2), 60.0)[1] is None
    assert arrive(Repeats(0.0, 1, event), event, Rule(HOUR, 2), 60.0)[1] == Due(event, 2)


def test_without_a_window_everything_is_sent() -> None:
    event = failure()
    assert arrive(Repeats(5.0), event, Rule(Seconds(0.0), 10), 5.0) == (Repeats(5.0), Due(event))


def one_row(event: NotifyEvent) -> Notification:
    return fold(None, event, window=HOUR, ring=10)[0]


def test_an_event_without_a_row_makes_one() -> None:
    event = failure()
    row, is_new = fold(None, event, window=HOUR, ring=10)
    assert is_new
    assert event.run is not None
    assert row == Notification(
        id=event.id,
        dedup_key=dedup_key(event),
        kind="run.failed",
        severity=event.severity,
        task_name="backup",
        run_id=event.run.id,
        title="backup failed",
        body=f"failed, exit code 3, 41 s · run {event.run.id}",
        count=1,
        occurrence_ring=(event.timestamp,),
        created_at=event.timestamp,
        last_occurred_at=event.timestamp,
        read_at=None,
    )


def test_a_repeat_within_the_window_changes_the_row_and_makes_it_unread() -> None:
    row = evolve(one_row(failure()), read_at=after(5))
    event = failure(at_s=3600, replica_index=1)
    again, is_new = fold(row, event, window=HOUR, ring=10)
    assert not is_new
    assert event.run is not None
    assert again == evolve(
        row,
        count=2,
        occurrence_ring=(after(3600), after(0)),
        last_occurred_at=after(3600),
        title="backup#1 failed",
        body=f"failed, exit code 3, 41 s · run {event.run.id}",
        run_id=event.run.id,
        read_at=None,
    )


def test_a_repeat_after_the_window_makes_a_new_row() -> None:
    row = one_row(failure())
    late = failure(at_s=3600.001)
    assert fold(row, late, window=HOUR, ring=10) == (one_row(late), True)


def test_the_bell_folds_within_an_hour_if_outbound_repeats_are_not_held() -> None:
    row = one_row(failure())
    assert not fold(row, failure(at_s=3600), window=Seconds(0.0), ring=10)[1]
    assert fold(row, failure(at_s=3601), window=Seconds(0.0), ring=10)[1]


def test_a_silent_row_is_read_from_the_start_and_after_each_repeat() -> None:
    row, _ = fold(None, undelivered(), window=HOUR, ring=10, is_silent=True)
    assert row.read_at == after(0)
    again, _ = fold(row, undelivered(at_s=60), window=HOUR, ring=10, is_silent=True)
    assert (again.count, again.read_at) == (2, after(60))


@given(
    gaps=st.lists(st.integers(0, 5), min_size=1, max_size=30),
    window=st.integers(1, 4),
    ring=st.integers(1, 12),
)
def test_rows_hold_every_event_once_and_the_newest_moments_first(
    gaps: list[int], window: int, ring: int
) -> None:
    rows: list[Notification] = []
    at, moments = 0, []
    for gap in gaps:
        at += gap
        moments.append(after(at))
        row, is_new = fold(rows[-1] if rows else None, failure(at_s=at), window=Seconds(window), ring=ring)
        if is_new:
            rows.append(row)
        else:
            rows[-1] = row
    assert len(rows) == 1 + sum(gap > window for gap in gaps[1:])
    assert sum(row.count for row in rows) == len(gaps)
    seen = 0
    for row in rows:
        mine = moments[seen : seen + row.count]
        seen += row.count
        assert (row.created_at, row.last_occurred_at) == (mine[0], mine[-1])
        assert row.occurrence_ring == tuple(reversed(mine))[:ring]
