from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from runwisp.config.settings import NotifySettings
from runwisp.errors import StorageError
from runwisp.events import Event, NotificationChanged, UnreadCountChanged
from runwisp.model import Notification, NotifyEvent, Seconds, UnixMs
from runwisp.notify.inapp import MOST_REFUSED, PRUNE_EVERY_S, InApp
from runwisp.notify.seams import IBell
from runwisp.store import notices
from tests.engine.stage import Stage
from tests.make import config
from tests.notify.events import failure, success, undelivered

DEFAULTS = config("").notify
DAY_S = Seconds(86_400.0)


class Bell:
    def __init__(self, settings: NotifySettings = DEFAULTS) -> None:
        self.stage = Stage()
        self.settings = settings
        self.inapp = InApp(
            self.stage.clock, self.stage.wall, self.stage.database, self.stage.bus, lambda: self.settings
        )

    def ring(self, *events: NotifyEvent) -> list[Event]:
        """What the bus is told of these events."""
        self.stage.events.clear()
        self.inapp.ring(events)
        self.stage.settle()
        return list(self.stage.events)

    def rows(self) -> list[Notification]:
        return self.stage.database.now(partial(notices.page, limit=5000))

    def stop(self) -> None:
        stopped = Deferred.fromCoroutine(self.inapp.stop())
        self.stage.settle()
        assert stopped.called
        assert self.stage.clock.getDelayedCalls() == []


def test_it_is_what_others_may_ring() -> None:
    verifyObject(IBell, Bell().inapp)


def test_a_repeat_changes_the_row_and_another_event_makes_another() -> None:
    bell = Bell()
    first, second, other = failure(), failure(at_s=60), success()
    (created,) = bell.ring(first)
    told = bell.ring(second, other)
    newer, older = bell.rows()
    assert (older.id, older.count, newer.id, newer.count) == (first.id, 2, other.id, 1)
    assert isinstance(created, NotificationChanged)
    assert (created.notification.id, created.is_new, created.unread_count) == (first.id, True, 1)
    assert told == [
        NotificationChanged(notification=older, is_new=False, unread_count=1),
        NotificationChanged(notification=newer, is_new=True, unread_count=2),
    ]


def test_the_newest_of_several_rows_with_one_key_takes_the_repeat() -> None:
    bell = Bell()
    bell.ring(failure(), failure(at_s=4000), failure(at_s=5000))
    assert [row.count for row in bell.rows()] == [2, 1]


def test_window_and_ring_are_those_of_the_settings_at_the_moment() -> None:
    bell = Bell()
    bell.settings = evolve(DEFAULTS, occurrence_ring=2, coalesce_window=Seconds(10.0))
    bell.ring(*(failure(at_s=second) for second in (0, 9, 18, 29)))
    assert [(row.count, len(row.occurrence_ring)) for row in bell.rows()] == [(1, 1), (3, 2)]


def test_a_failed_delivery_is_unread_if_anybody_is_told_of_failures() -> None:
    bell = Bell(evolve(DEFAULTS, default_notifiers=("ops",)))
    bell.ring(undelivered())
    assert bell.rows()[0].read_at is None


def test_a_failed_delivery_is_read_from_the_start_if_the_bell_is_silent() -> None:
    bell = Bell(evolve(DEFAULTS, default_notifiers=()))
    (told,) = bell.ring(undelivered())
    assert isinstance(told, NotificationChanged)
    assert told.unread_count == 0
    assert told.notification.read_at == told.notification.created_at
    assert bell.ring(failure())[0] == NotificationChanged(
        notification=bell.rows()[0], is_new=True, unread_count=1
    )


FULL = StorageError("the disk is full")


def lost(logs: Sequence[LogEvent]) -> list[str]:
    return [log["task"] for log in logs if log["log_level"] is LogLevel.error]


def test_what_the_database_refuses_is_written_with_what_comes_next() -> None:
    bell = Bell()
    bell.stage.database.refusal = FULL
    with capturedLogs() as logs:
        assert bell.ring(failure("a"), failure("b")) == []
        assert bell.ring(failure("c")) == []
    assert [(log["log_level"], log["count"]) for log in logs] == [(LogLevel.warn, 2), (LogLevel.warn, 3)]
    bell.stage.database.refusal = None
    assert len(bell.ring(failure("d"))) == 4
    assert [row.task_name for row in bell.rows()] == ["d", "c", "b", "a"]
    assert bell.ring() == []


def test_what_the_database_refuses_is_written_after_a_while_if_nothing_comes() -> None:
    bell = Bell(evolve(DEFAULTS, keep_for=Seconds(1e9)))
    bell.inapp.start()
    bell.stage.database.refusal = FULL
    bell.ring(failure())
    bell.stage.database.refusal = None
    bell.stage.clock.advance(PRUNE_EVERY_S)
    assert [row.count for row in bell.rows()] == [1]
    bell.stop()


def test_a_stop_tries_what_was_refused_once_more_and_then_gives_it_up() -> None:
    bell = Bell()
    bell.stage.database.refusal = FULL
    bell.ring(failure("a"))
    bell.stage.database.refusal = None
    bell.stop()
    assert len(bell.rows()) == 1
    bell.stage.database.refusal = FULL
    bell.ring(failure("b"))
    with capturedLogs() as logs:
        bell.stop()
    assert lost(logs) == ["b"]


def test_of_too_much_that_is_refused_the_oldest_is_lost() -> None:
    bell = Bell()
    bell.stage.database.refusal = FULL
    with capturedLogs() as logs:
        bell.ring(*(failure(f"t{number}") for number in range(MOST_REFUSED)))
        assert lost(logs) == []
        bell.ring(failure("last"))
    assert lost(logs) == ["t0"]
    bell.stage.database.refusal = None
    bell.ring()
    assert [row.task_name for row in bell.rows()][:2] == ["last", f"t{MOST_REFUSED - 1}"]
    assert len(bell.rows()) == MOST_REFUSED


def of_now(bell: Bell, name: str, age_s: float = 0.0) -> NotifyEvent:
    return evolve(failure(name), timestamp=UnixMs(round((bell.stage.wall() - age_s) * 1000)))


def test_old_rows_and_those_beyond_the_newest_go_every_five_minutes_read_or_not() -> None:
    bell = Bell(evolve(DEFAULTS, keep_notifications=3, keep_for=DAY_S))
    bell.ring(*(of_now(bell, f"t{number}", age_s=DAY_S - 400 - number) for number in range(5)))
    bell.stage.database.now(partial(notices.set_read, notification_id=bell.rows()[0].id, read_at=UnixMs(1)))
    bell.stage.events.clear()
    bell.inapp.start()
    bell.stage.settle()
    assert [row.task_name for row in bell.rows()] == ["t4", "t3", "t2"]
    assert bell.stage.events == [UnreadCountChanged(2)]
    bell.ring(of_now(bell, "fresh"))
    bell.stage.events.clear()
    bell.stage.clock.advance(PRUNE_EVERY_S)
    bell.stage.settle()
    assert [row.task_name for row in bell.rows()] == ["fresh", "t4", "t3"]
    bell.stage.clock.advance(PRUNE_EVERY_S)
    bell.stage.settle()
    assert [row.task_name for row in bell.rows()] == ["fresh"]
    assert bell.stage.events == [UnreadCountChanged(2), UnreadCountChanged(1)]
    bell.stop()


def test_nothing_is_told_if_nothing_goes() -> None:
    bell = Bell()
    bell.ring(of_now(bell, "t"))
    bell.stage.events.clear()
    bell.inapp.start()
    bell.stage.settle()
    assert len(bell.rows()) == 1
    assert bell.stage.events == []
    bell.stop()


def test_a_row_that_repeats_is_as_young_as_its_latest_repeat() -> None:
    bell = Bell(evolve(DEFAULTS, keep_for=Seconds(60.0)))
    bell.ring(of_now(bell, "t", age_s=90), of_now(bell, "t", age_s=30))
    bell.inapp.start()
    bell.stage.settle()
    assert [row.count for row in bell.rows()] == [2]
    bell.stop()


def test_a_database_that_refuses_delays_the_deletion_to_the_next_time() -> None:
    bell = Bell(evolve(DEFAULTS, keep_notifications=1))
    bell.ring(of_now(bell, "a"), of_now(bell, "b"))
    bell.stage.database.refusal = StorageError("locked")
    with capturedLogs() as logs:
        bell.inapp.start()
        bell.stage.settle()
    assert [log["log_level"] for log in logs] == [LogLevel.warn]
    bell.stage.database.refusal = None
    bell.stage.clock.advance(PRUNE_EVERY_S)
    bell.stage.settle()
    assert [row.task_name for row in bell.rows()] == ["b"]
    bell.stop()


def test_a_stop_waits_for_a_deletion_under_way() -> None:
    bell = Bell()
    release = bell.stage.database.hold()
    bell.inapp.start()
    stopped = Deferred.fromCoroutine(bell.inapp.stop())
    assert not stopped.called
    release()
    assert stopped.called
