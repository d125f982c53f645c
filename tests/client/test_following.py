"""Following through connections that break."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runwisp.client.address import SocketAddress
from runwisp.client.api import Api
from runwisp.client.errors import NotFound, Unreachable
from runwisp.client.following import (
    PAUSE_S,
    TRIES,
    Finished,
    NewLines,
    Rotated,
    Step,
    follow_events,
    follow_log,
    next_attempt,
)
from runwisp.client.resources import run as to_run
from runwisp.client.transport import Transport
from runwisp.model import RunId
from tests.client import resources
from tests.client.fake_daemon import (
    FakeDaemon,
    Hold,
    Torn,
    answer,
    event,
    line,
    listed,
    log_stream,
    problem,
    streamed,
)

ID = RunId(resources.run_id(1))
LOG = f"/api/runs/{ID}/log/stream"


@pytest.fixture
def api(daemon: FakeDaemon, here: Path) -> Iterator[Api]:
    with closing(Transport(SocketAddress(here / "data/runwisp.sock"))) as transport:
        yield Api(transport)


@pytest.fixture
def pauses() -> list[float]:
    return []


def texts(steps: list[Step]) -> list[str]:
    return [line.text for step in steps if isinstance(step, NewLines) for line in step.items]


@given(count=st.integers(0, 30), cuts=st.lists(st.integers(1, 9), max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_is_lost_or_comes_twice_wherever_the_stream_is_cut(
    daemon: FakeDaemon, api: Api, count: int, cuts: list[int]
) -> None:
    said = [f"line {n}" for n in range(count)]
    run = resources.failed_run()
    daemon.on("GET", LOG, log_stream(run, said, iter(cuts)))
    steps = list(follow_log(api, ID, 1, lambda seconds: None))
    assert texts(steps) == said
    assert steps[-1] == Finished(to_run(run))


def test_lines_that_come_again_are_shown_once(daemon: FakeDaemon, api: Api) -> None:
    batch = [line(n, str(n)) for n in range(1, 6)]
    daemon.on(
        "GET",
        LOG,
        streamed(event("lines", {"items": batch[:3]}, 3), Torn),
        streamed(event("lines", {"items": batch}, 5), event("lines", {"items": batch[:2]}, 2)),
        streamed(event("done", {"total_lines": 5, "run": resources.run()})),
    )
    assert texts(list(follow_log(api, ID, 1, lambda seconds: None))) == ["1", "2", "3", "4", "5"]


def test_following_goes_on_behind_lines_that_were_rotated_away(daemon: FakeDaemon, api: Api) -> None:
    daemon.on(
        "GET",
        LOG,
        streamed(
            event("lines", {"items": [line(1, "1")]}, 1), event("rotated", {"first_available": 40}), Torn
        ),
        streamed(event("lines", {"items": [line(40, "40")]}, 40), event("done", {"run": resources.run()})),
    )
    steps = list(follow_log(api, ID, 1, lambda seconds: None))
    assert steps[1] == Rotated(40)
    assert texts(steps) == ["1", "40"]
    assert [request.query["from"] for request in daemon.asked("GET", LOG)] == ["1", "40"]


def test_streams_that_bring_nothing_are_tried_again_for_a_while(
    daemon: FakeDaemon, api: Api, pauses: list[float]
) -> None:
    daemon.on("GET", LOG, streamed())
    with pytest.raises(Unreachable, match="the connection was lost"):
        list(follow_log(api, ID, 1, pauses.append))
    assert pauses == [PAUSE_S] * TRIES
    assert len(daemon.asked("GET", LOG)) == TRIES + 1


def test_a_daemon_that_shuts_down_and_comes_back_is_waited_for(
    daemon: FakeDaemon, api: Api, pauses: list[float]
) -> None:
    refused = problem(503, "shutting-down", "The daemon is shutting down.")
    end = event("done", {"run": resources.run()})
    daemon.on(
        "GET", LOG, streamed(event("lines", {"items": [line(1, "1")]}, 1)), refused, refused, streamed(end)
    )
    assert len(list(follow_log(api, ID, 1, pauses.append))) == 2
    assert pauses == [PAUSE_S] * 2


def test_a_stream_that_lives_is_no_empty_one(daemon: FakeDaemon, api: Api, pauses: list[float]) -> None:
    ping = event("ping", {})
    end = event("done", {"run": resources.run()})
    daemon.on("GET", LOG, *[streamed(ping)] * (TRIES + 5), streamed(end))
    assert len(list(follow_log(api, ID, 1, pauses.append))) == 1
    assert pauses == []


def test_a_run_that_is_deleted_ends_following(daemon: FakeDaemon, api: Api) -> None:
    daemon.on("GET", LOG, problem(404, "not-found", "There is no such run."))
    with pytest.raises(NotFound):
        list(follow_log(api, ID, 1, lambda seconds: None))


def test_events_go_on_behind_the_last_one_seen(daemon: FakeDaemon, api: Api) -> None:
    daemon.on(
        "GET",
        "/api/events",
        streamed(event("config.stale", {"stale": True}, "aa-1"), event("ping", {}), Torn),
        streamed(event("config.stale", {"stale": False}, "aa-2"), Hold()),
    )
    events = follow_events(api, lambda seconds: None)
    names = [next(events).name for _ in range(5)]
    assert names == ["ping", "config.stale", "ping", "ping", "config.stale"]
    asked = daemon.asked("GET", "/api/events")
    assert [request.headers.get("last-event-id") for request in asked] == [None, "aa-1"]


def test_a_gap_without_an_event_to_go_on_from_is_told(daemon: FakeDaemon, api: Api) -> None:
    daemon.on("GET", "/api/events", streamed(), streamed(Hold()))
    events = follow_events(api, lambda seconds: None)
    assert [next(events).name for _ in range(3)] == ["ping", "resync", "ping"]


def retries(daemon: FakeDaemon, *answers: list[object]) -> None:
    daemon.on("GET", "/api/runs", *[listed(runs) for runs in answers])


WAITING = resources.failed_run(1, next_retry_at="2026-03-02T02:01:00.000Z")
GIVEN_UP = resources.failed_run(1)
RETRY = resources.live_run(2, retry_of_run_id=ID, retry_attempt=1)


def test_a_run_that_succeeded_has_no_retry_and_nobody_asks(daemon: FakeDaemon, api: Api) -> None:
    assert next_attempt(api, to_run(resources.run()), lambda seconds: None) is None
    assert daemon.requests == []


def test_a_retry_that_was_started_before_we_looked_is_found(daemon: FakeDaemon, api: Api) -> None:
    retries(daemon, [RETRY])
    assert next_attempt(api, to_run(GIVEN_UP), lambda seconds: None) == to_run(RETRY)
    assert daemon.asked("GET", "/api/runs")[0].query == {"retry_of_run_id": ID, "limit": "1"}


def test_the_last_attempt_has_no_retry(daemon: FakeDaemon, api: Api) -> None:
    retries(daemon, [])
    assert next_attempt(api, to_run(GIVEN_UP), lambda seconds: None) is None


def test_a_retry_is_waited_for(daemon: FakeDaemon, api: Api) -> None:
    other = resources.live_run(9)
    retries(daemon, [])
    daemon.on("GET", f"/api/runs/{ID}", answer(WAITING))
    daemon.on(
        "GET",
        "/api/events",
        streamed(event("run.created", {"run": other}, "aa-1"), event("run.created", {"run": RETRY}, "aa-2")),
    )
    assert next_attempt(api, to_run(WAITING), lambda seconds: None) == to_run(RETRY)


def test_a_retry_that_is_created_while_the_connection_is_broken_is_found(
    daemon: FakeDaemon, api: Api
) -> None:
    retries(daemon, [], [RETRY])
    daemon.on("GET", f"/api/runs/{ID}", answer(WAITING))
    daemon.on("GET", "/api/events", streamed(Torn), streamed(Hold()))
    assert next_attempt(api, to_run(WAITING), lambda seconds: None) == to_run(RETRY)


def test_a_retry_that_is_called_off_is_not_waited_for(daemon: FakeDaemon, api: Api) -> None:
    retries(daemon, [])
    daemon.on("GET", f"/api/runs/{ID}", answer(WAITING), answer(GIVEN_UP))
    daemon.on("GET", "/api/events", streamed(event("run.updated", {"run": GIVEN_UP}, "aa-1"), Hold()))
    assert next_attempt(api, to_run(WAITING), lambda seconds: None) is None
