from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from attrs import evolve

from runwisp.model import NotifyEvent, NotifyKind, TriggerSource, UnixMs
from runwisp.store import outbox
from runwisp.store.outbox import Entry
from tests.fakes import ImmediateDatabase
from tests.notify import events

NOW = UnixMs(events.START + 5_000)


# Any: the fields of an entry have types of their own, which evolve checks no further.
def entry(event: NotifyEvent | None = None, **changes: Any) -> Entry:
    waiting = Entry(
        id=events.event_id(),
        notifier="ops:#billing",
        event=event or events.failure(),
        coalesced_count=None,
        coalesced_summary=False,
        attempts=0,
        attempt_started_at=None,
        created_at=events.START,
    )
    return evolve(waiting, **changes)


def put(database: ImmediateDatabase, *entries: Entry) -> None:
    for each in entries:
        database.now(partial(outbox.insert, entry=each))


@pytest.mark.parametrize("kind", NotifyKind)
def test_an_entry_is_read_as_it_was_written(kind: NotifyKind) -> None:
    database = ImmediateDatabase()
    written = entry(events.one_of_each()[kind], coalesced_count=10, coalesced_summary=True)
    put(database, written)
    assert database.now(outbox.everything) == [written]


def test_whoever_fired_the_run_is_kept_and_so_is_what_no_encoding_has() -> None:
    database = ImmediateDatabase()
    written = entry(events.failure("\ud800🕳️", trigger_source=TriggerSource.UI, message="\udcff"))
    put(database, written)
    assert database.now(outbox.everything) == [written]


def test_the_oldest_comes_first_and_of_a_moment_the_lower_id() -> None:
    database = ImmediateDatabase()
    first, second = entry(), entry()
    later = entry(created_at=UnixMs(events.START + 1))
    put(database, later, second, first)
    assert database.now(outbox.everything) == [first, second, later]


def test_an_attempt_is_noted_while_it_is_under_way() -> None:
    database = ImmediateDatabase()
    waiting, other = entry(), entry()
    put(database, waiting, other)
    database.now(partial(outbox.begin_attempt, entry_id=waiting.id, now=NOW))
    begun = evolve(waiting, attempts=1, attempt_started_at=NOW)
    assert database.now(outbox.everything) == [begun, other]
    database.now(partial(outbox.end_attempt, entry_id=waiting.id))
    assert database.now(outbox.everything) == [evolve(begun, attempt_started_at=None), other]


def test_what_has_ended_is_gone() -> None:
    database = ImmediateDatabase()
    waiting, other = entry(), entry()
    put(database, waiting, other)
    database.now(partial(outbox.delete, entry_id=waiting.id))
    assert database.now(outbox.everything) == [other]
