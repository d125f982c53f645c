from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from runwisp.web.problem import Code, Problem
from runwisp.web.routing import Caller, Outlet, Streamed
from runwisp.web.sse import MOST_OF_PEER, MOST_STREAMS, PING, PING_EVERY_S, Audience, Nudge, frame
from tests.web.outlets import PINGED, Listener, events_in


def caller(address: str = "") -> Caller:
    return Caller(is_socket=not address, address=address, client="10.9.8.7", is_secure=False)


async def listen(outlet: Outlet) -> None:
    outlet.write(PING)
    await Deferred[None]()


class Hall:
    """An audience and those who were admitted to it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.audience = Audience(self.clock)

    def admit(self, who: Caller) -> Listener:
        content = self.audience.answer(who, listen).content
        assert isinstance(content, Streamed)
        assert content.media_type == "text/event-stream"
        return Listener(content.send)

    def refusal(self, who: Caller) -> Problem:
        with pytest.raises(Problem) as refused:
            self.admit(who)
        return refused.value


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_an_event_is_written_as_the_standard_has_it() -> None:
    assert frame("ping", b"{}") == b"event: ping\ndata: {}\n\n"
    assert frame("run.deleted", b'{"a":1}', "5f0c91aa-413") == (
        b'id: 5f0c91aa-413\nevent: run.deleted\ndata: {"a":1}\n\n'
    )


def test_all_streams_are_pinged_by_one_timer_that_runs_only_while_there_are_any(hall: Hall) -> None:
    first = hall.admit(caller())
    hall.clock.advance(PING_EVERY_S - 1)
    second = hall.admit(caller())
    assert first.news() == second.news() == [PINGED]
    assert len(hall.clock.getDelayedCalls()) == 1
    hall.clock.advance(1)
    assert first.news() == second.news() == [PINGED]
    first.leave()
    hall.clock.advance(PING_EVERY_S)
    assert (first.news(), second.news()) == ([], [PINGED])
    second.leave()
    assert hall.clock.getDelayedCalls() == []


def test_a_client_that_takes_nothing_is_not_pinged(hall: Hall) -> None:
    listener = hall.admit(caller())
    listener.outlet.pause()
    hall.clock.advance(PING_EVERY_S)
    listener.outlet.resume()
    assert listener.news() == [PINGED]
    hall.clock.advance(PING_EVERY_S)
    assert listener.news() == [PINGED]
    listener.leave()


def test_an_address_has_so_many_streams_and_no_more_until_one_ends(hall: Hall) -> None:
    listeners = [hall.admit(caller("192.0.2.1")) for _ in range(MOST_OF_PEER)]
    problem = hall.refusal(caller("192.0.2.1"))
    assert (problem.status, problem.code) == (503, Code.STREAM_LIMIT)
    assert int(problem.headers["Retry-After"]) > 0
    listeners.append(hall.admit(caller("192.0.2.2")))
    listeners.pop(0).leave()
    listeners.append(hall.admit(caller("192.0.2.1")))
    hall.refusal(caller("192.0.2.1"))
    for listener in listeners:
        listener.leave()


def test_clients_of_the_socket_count_toward_the_total_only(hall: Hall) -> None:
    listeners = [hall.admit(caller()) for _ in range(MOST_STREAMS)]
    assert hall.refusal(caller()).code is Code.STREAM_LIMIT
    assert hall.refusal(caller("192.0.2.1")).code is Code.STREAM_LIMIT
    listeners.pop().leave()
    listeners.append(hall.admit(caller("192.0.2.1")))
    for listener in listeners:
        listener.leave()


def test_a_stream_that_was_never_begun_counts_for_nothing(hall: Hall) -> None:
    for _ in range(MOST_STREAMS + 1):
        hall.audience.answer(caller(), listen)
    assert hall.clock.getDelayedCalls() == []


def test_a_nudge_wakes_who_waits_and_is_kept_for_who_does_not_yet() -> None:
    nudge = Nudge()
    waiting = Deferred.fromCoroutine(nudge.wait())
    assert not waiting.called
    nudge.give()
    assert waiting.called
    nudge.give()
    nudge.give()
    assert Deferred.fromCoroutine(nudge.wait()).called
    last = Deferred.fromCoroutine(nudge.wait())
    assert not last.called
    nudge.give()
    assert last.called


def test_what_is_taken_apart_is_what_was_put_together() -> None:
    written = frame("a", b"[1]", "7") + PING
    assert [(told.name, told.data, told.id) for told in events_in(written)] == [
        ("a", [1], "7"),
        ("ping", {}, None),
    ]
