"""Queues, attempts, giving up and the outbox, on a clock."""

from __future__ import annotations

import pytest
from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from runwisp.errors import StorageError
from runwisp.model import Seconds, UnixMs
from runwisp.notify.channel import Permanent, Retryable
from runwisp.notify.lane import MOST_WAITING
from runwisp.notify.seams import IOutbound
from runwisp.policy.coalescing import Due
from runwisp.store.outbox import Entry
from tests.notify import events
from tests.notify.depot import HOOKS, Depot

OOPS = Retryable("slack:ops: 500 Oops")
NO = Permanent("slack:ops: 404 Not Found")


def entry(depot: Depot, task_name: str = "backup", notifier: str = "ops", **changes: object) -> Entry:
    """A message that an earlier daemon has left."""
    waiting = Entry(
        id=depot.ids(),
        notifier=notifier,
        event=events.failure(task_name),
        coalesced_count=None,
        coalesced_summary=False,
        attempts=0,
        attempt_started_at=None,
        created_at=events.START,
    )
    return evolve(waiting, **changes)  # type: ignore[arg-type]  # each change is of its field's type


def test_the_real_thing_can_do_what_its_interface_says() -> None:
    verifyObject(IOutbound, Depot().outbound)


def test_a_message_goes_out_at_once_with_all_that_is_known() -> None:
    depot = Depot(HOOKS + '[daemon]\nexternal_url = "https://jobs.example.net"\n')
    depot.tails["backup"] = "line 1\nline 2"
    event = events.failure()
    depot.outbound.send("ops", Due(event, 4, coalesced_summary=True))
    assert depot.attempts == [(0, "ops", "backup failed")]
    assert depot.entries() == []
    assert depot.rows() == []
    (message,) = depot.messages
    assert event.run is not None
    assert (message.event, message.tail, message.fingerprint) == (event, "line 1\nline 2", "bright-falcon")
    assert message.link == f"https://jobs.example.net/tasks/backup/{event.run.id}"
    assert (message.coalesced_count, message.coalesced_summary) == (4, True)


def test_two_failures_and_then_a_success_deliver_once() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS, OOPS]
    depot.send()
    depot.wait(0.9)
    assert len(depot.attempts) == 1
    depot.wait(0.2)
    depot.wait(2)
    depot.wait(600)
    assert [at_s for at_s, _, _ in depot.attempts] == [0, 1.1, 3.1]
    assert (depot.entries(), depot.rows()) == ([], [])


def test_a_refusal_is_tried_once_and_makes_a_row() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [NO]
    with capturedLogs() as logged:
        event = depot.send()
        depot.wait(600)
    assert len(depot.attempts) == 1
    assert depot.entries() == []
    (row,) = depot.rows()
    assert event.run is not None
    assert (row.kind, row.title, row.task_name) == (
        "notify.delivery_failed",
        "ops could not deliver",
        "backup",
    )
    assert row.body == f"slack:ops: 404 Not Found · run {event.run.id}"
    assert row.read_at is None
    (line,) = [entry for entry in logged if entry["log_level"] is LogLevel.error]
    assert (line["error"], line["kind"], line["task"]) == ("slack:ops: 404 Not Found", "run.failed", "backup")


def test_a_busy_receiver_is_asked_again_when_it_says() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [Retryable("busy", after=Seconds(2.0)), Retryable("busy", after=Seconds(900.0))]
    depot.send()
    depot.wait(1.9)
    assert len(depot.attempts) == 1
    depot.wait(0.1)
    depot.wait(60)
    assert [at_s for at_s, _, _ in depot.attempts] == [0, 2, 62]


def test_a_budget_ends_the_attempts() -> None:
    depot = Depot(HOOKS.replace("5m", "1500ms"))
    depot.outcomes["ops"] = [OOPS] * 10
    depot.send()
    for _ in range(100):
        depot.wait(0.1)
    assert [at_s for at_s, _, _ in depot.attempts] == [0, 1]
    assert [row.body.partition(" · ")[0] for row in depot.rows()] == ["slack:ops: 500 Oops"]
    assert depot.entries() == []


def test_without_a_budget_there_is_one_attempt() -> None:
    depot = Depot(HOOKS.replace("5m", "0s"))
    depot.outcomes["ops"] = [OOPS] * 10
    depot.send()
    assert len(depot.attempts) == 1
    assert len(depot.rows()) == 1


def test_failed_deliveries_of_the_same_kind_share_a_row() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [NO] * 3
    for _ in range(3):
        depot.send()
    (row,) = depot.rows()
    assert row.count == 3


def test_without_default_notifiers_a_failed_delivery_is_stored_as_read() -> None:
    depot = Depot(HOOKS.replace('["ops", "dev"]', "[]"))
    depot.outcomes["ops"] = [NO]
    depot.send()
    (row,) = depot.rows()
    assert row.read_at is not None


def test_one_message_at_a_time_and_in_their_order() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    for name in ("a", "b", "c"):
        depot.send(name)
    assert [title for _, _, title in depot.attempts] == ["a failed"]
    answer.callback("200 OK")
    assert [title for _, _, title in depot.attempts] == ["a failed", "b failed", "c failed"]


def test_a_dead_channel_with_a_full_queue_delays_no_other() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [Deferred()]
    for number in range(MOST_WAITING + 50):
        depot.send(f"t{number}")
    depot.send("backup", "dev")
    assert [(token, title) for _, token, title in depot.attempts] == [
        ("ops", "t0 failed"),
        ("dev", "backup failed"),
    ]


def test_from_a_full_queue_the_oldest_message_is_dropped() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    with capturedLogs() as logged:
        for number in range(MOST_WAITING + 5):
            depot.send(f"t{number}")
    # One is under way; of the others the first ones had to go.
    assert len(depot.entries()) == MOST_WAITING + 1
    assert [line["dropped"] for line in logged if line["log_level"] is LogLevel.warn] == [1, 2, 4]
    assert [line["notifier"] for line in logged if line["log_level"] is LogLevel.warn] == ["ops"] * 3
    answer.callback("200 OK")
    titles = [title for _, _, title in depot.attempts]
    assert titles == ["t0 failed", *(f"t{number} failed" for number in range(5, MOST_WAITING + 5))]
    assert (depot.entries(), depot.rows()) == ([], [])


def test_an_unexpected_error_costs_one_message_and_no_other_and_tells_no_secret() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    depot.send("a")
    depot.send("b")
    with capturedLogs() as logged:
        answer.errback(ZeroDivisionError("by https://hooks.example.net/s3cr3t"))
    assert [title for _, _, title in depot.attempts] == ["a failed", "b failed"]
    (row,) = depot.rows()
    assert row.body.startswith("slack:ops: unexpected error: ZeroDivisionError · ")
    assert any("ZeroDivisionError: by [redacted]" in line.get("traceback", "") for line in logged)
    assert "s3cr3t" not in repr(logged)


# The outbox


def test_a_message_is_in_the_outbox_before_its_first_attempt() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [Deferred()]
    first, second = depot.send("a"), depot.send("b")
    under_way, waiting = depot.entries()
    assert (under_way.event, under_way.attempts) == (first, 1)
    assert under_way.attempt_started_at == events.after(1000)
    assert (waiting.event, waiting.attempts, waiting.attempt_started_at) == (second, 0, None)


def test_between_two_attempts_it_is_known_that_it_has_not_arrived() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS]
    depot.send()
    (waiting,) = depot.entries()
    assert (waiting.attempts, waiting.attempt_started_at) == (1, None)


def test_what_a_killed_daemon_had_not_begun_to_send_is_sent_once_by_the_next() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS]
    depot.outcomes["dev"] = [Deferred()]
    retried, unknown, waiting = depot.send("a"), depot.send("b", "dev"), depot.send("c")
    depot.attempts.clear()
    depot.clock = type(depot.clock)()
    depot.clock.advance(2000)
    depot.start()
    assert [(token, title) for _, token, title in depot.attempts] == [
        ("ops", "a failed"),
        ("ops", "c failed"),
    ]
    assert [message.event for message in depot.messages[-2:]] == [retried, waiting]
    (row,) = depot.rows()
    assert row.title == "dev could not deliver"
    assert row.body.startswith("slack:dev: it may or may not have arrived")
    assert row.task_name == unknown.task_name
    assert depot.entries() == []


def test_what_is_left_is_sent_oldest_first_and_before_what_is_new() -> None:
    depot = Depot()
    depot.put(
        entry(depot, "b", created_at=UnixMs(2)),
        entry(depot, "c", created_at=UnixMs(3)),
        entry(depot, "a", created_at=UnixMs(1)),
    )
    depot.start()
    depot.send("d")
    assert [title for _, _, title in depot.attempts] == ["a failed", "b failed", "c failed", "d failed"]


def test_what_is_left_for_a_notifier_that_is_gone_ends_as_a_failure() -> None:
    depot = Depot()
    depot.put(entry(depot, notifier="gone:t4rget"))
    depot.start()
    assert depot.attempts == []
    (row,) = depot.rows()
    assert row.title == "gone could not deliver"
    assert "t4rget" not in row.title + row.body
    assert depot.entries() == []


def test_a_full_queue_of_an_earlier_daemon_is_sent_whole() -> None:
    depot = Depot()
    depot.put(*(entry(depot, f"t{number}") for number in range(MOST_WAITING + 1)))
    depot.start()
    assert len(depot.attempts) == MOST_WAITING + 1
    assert depot.entries() == []


def test_a_database_that_refuses_costs_no_message() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS]
    depot.database.refusal = StorageError("the disk is full")
    with capturedLogs() as logged:
        depot.start()
        depot.send()
        depot.wait(1)
    assert len(depot.attempts) == 2
    assert {line["log_level"] for line in logged if "error" in line} >= {LogLevel.error, LogLevel.warn}


# Inline targets


def test_a_target_is_a_notifier_of_its_own() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [Deferred()]
    depot.send("a", "ops")
    depot.send("b", "ops:#billing")
    assert [token for _, token, _ in depot.attempts] == ["ops", "ops:#billing"]


def test_a_target_that_is_a_secret_stands_neither_in_rows_nor_in_logs() -> None:
    depot = Depot(HOOKS + '[notifiers.push]\ntype = "pushover"\ntoken = "t0ken"\nuser = "us3r"\n')
    depot.outcomes["push:k3y"] = [Deferred(), NO]
    with capturedLogs() as logged:
        for number in range(MOST_WAITING + 2):
            depot.send(f"t{number}", "push:k3y")
        depot.kill()
        depot.start()
    assert depot.rows() != []
    assert "k3y" not in repr([(row.title, row.body) for row in depot.rows()])
    assert "push:[redacted]" in depot.rows()[0].title
    assert "k3y" not in repr(logged)


# Reload


def test_an_attempt_under_way_ends_and_the_next_one_uses_the_new_settings() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    depot.send("a")
    depot.change(HOOKS.replace("s3cr3t", "corrected"))
    made = len(depot.messages)
    answer.errback(OOPS)
    depot.wait(1)
    assert len(depot.messages) == made + 1
    assert [title for _, _, title in depot.attempts] == ["a failed", "a failed"]
    assert depot.entries() == []


def test_what_waits_for_a_notifier_that_goes_is_sent_as_it_was() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    depot.send("a")
    depot.send("b")
    depot.change("")
    answer.callback("200 OK")
    assert [title for _, _, title in depot.attempts] == ["a failed", "b failed"]
    depot.change(HOOKS)
    depot.send("c")
    assert depot.attempts[-1][2] == "c failed"


def test_a_new_budget_holds_for_the_next_decision() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS] * 5
    depot.send()
    depot.change(HOOKS.replace("5m", "0s"))
    depot.wait(1)
    assert len(depot.attempts) == 2
    assert len(depot.rows()) == 1


# Shutdown


def test_a_shutdown_sends_what_waits() -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    depot.send("a")
    depot.send("b")
    stopped = depot.stop()
    assert not stopped.called
    answer.callback("200 OK")
    assert stopped.called
    assert [title for _, _, title in depot.attempts] == ["a failed", "b failed"]
    assert depot.entries() == []
    assert depot.clock.getDelayedCalls() == []


def test_a_shutdown_waits_for_no_retry_and_gives_nothing_up() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [OOPS]
    depot.send("a")
    depot.send("b")
    assert depot.stop().called
    assert len(depot.attempts) == 1
    assert [entry.attempt_started_at for entry in depot.entries()] == [None, None]
    assert depot.rows() == []
    assert depot.clock.getDelayedCalls() == []


@pytest.mark.parametrize("trouble", [OOPS, NO])
def test_what_fails_during_a_shutdown_is_left_to_the_next_daemon(trouble: Permanent | Retryable) -> None:
    depot = Depot()
    answer: Deferred[str] = Deferred()
    depot.outcomes["ops"] = [answer]
    depot.send("a")
    depot.send("b")
    stopped = depot.stop()
    answer.errback(trouble)
    assert stopped.called
    assert len(depot.attempts) == 1
    assert [entry.attempt_started_at for entry in depot.entries()] == [None, None]
    assert depot.rows() == []
    depot.outcomes["ops"] = []
    depot.start()
    assert [title for _, _, title in depot.attempts] == ["a failed", "a failed", "b failed"]


def hanging(*, has_gone_out: bool) -> Deferred[str]:
    """An attempt that ends when it is given up."""
    given_up = Retryable("given up", has_gone_out=has_gone_out)
    return Deferred(lambda attempt: attempt.errback(given_up))


@pytest.mark.parametrize("has_gone_out", [True, False])
def test_at_the_deadline_an_attempt_is_given_up(has_gone_out: bool) -> None:
    depot = Depot()
    depot.outcomes["ops"] = [hanging(has_gone_out=has_gone_out)]
    depot.send("a")
    depot.send("b")
    stopped = depot.stop(5)
    depot.wait(4.9)
    assert not stopped.called
    depot.wait(0.1)
    assert stopped.called
    first, second = depot.entries()
    # Nobody knows about what has gone out.
    assert (first.attempt_started_at is not None) == has_gone_out
    assert second.attempt_started_at is None
    assert depot.rows() == []


def test_a_shutdown_can_be_hurried() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [hanging(has_gone_out=False)]
    depot.send()
    stopped = depot.stop(5)
    stopped.addErrback(lambda failure: failure.trap(CancelledError))
    stopped.cancel()
    assert stopped.called
    assert len(depot.entries()) == 1
    assert depot.clock.getDelayedCalls() == []


def test_without_any_time_nothing_more_is_begun() -> None:
    depot = Depot()
    depot.outcomes["ops"] = [hanging(has_gone_out=False)]
    depot.send("a")
    depot.send("b")
    stopped = depot.stop(0)
    depot.wait(0)
    assert stopped.called
    assert len(depot.attempts) == 1
    assert len(depot.entries()) == 2
