from __future__ import annotations

from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.events import Bus, Event, RunCreated, RunEnded
from tests.make import run


def test_events_arrive_in_order_in_a_later_turn() -> None:
    clock, seen = Clock(), list[Event]()
    bus = Bus(clock)
    bus.subscribe(seen.append)
    events: list[Event] = [RunCreated(run("a")), RunEnded(run("a")), RunCreated(run("b"))]
    for event in events:
        bus.publish(event)
    assert seen == []
    clock.advance(0)
    assert seen == events


def test_an_error_of_one_subscriber_is_logged_and_reaches_no_other(logged_failures: list[Failure]) -> None:
    clock, seen = Clock(), list[Event]()
    bus = Bus(clock)

    def broken(event: Event) -> None:
        raise RuntimeError("broken on purpose")

    bus.subscribe(broken)
    bus.subscribe(seen.append)
    bus.publish(RunCreated(run("a")))
    clock.advance(0)
    assert len(seen) == 1
    assert logged_failures.pop().check(RuntimeError)


def test_who_unsubscribed_hears_nothing_more() -> None:
    clock, seen = Clock(), list[Event]()
    bus = Bus(clock)
    unsubscribe = bus.subscribe(seen.append)
    bus.publish(RunCreated(run("a")))
    unsubscribe()
    unsubscribe()
    clock.advance(0)
    assert seen == []


def test_an_event_published_by_a_subscriber_comes_after_the_present_ones() -> None:
    clock, seen = Clock(), list[str]()
    bus = Bus(clock)

    def echo(event: Event) -> None:
        assert isinstance(event, RunCreated)
        seen.append(event.run.task_name)
        if event.run.task_name == "a":
            bus.publish(RunCreated(run("c")))

    bus.subscribe(echo)
    bus.publish(RunCreated(run("a")))
    bus.publish(RunCreated(run("b")))
    clock.advance(0)
    clock.advance(0)
    assert seen == ["a", "b", "c"]
