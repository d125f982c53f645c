"""Streams of the real daemon, through restarts, rotations and its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import pytest

from runwisp.client.sse import Event, EventReader
from tests.system.program import Daemon, running
from tests.system.talk import SocketConnection, ask

pytestmark = pytest.mark.system

PRINTER = """
[tasks.print]
log_max_size = "1MB"
run = "seq 100000"
[tasks.prompt]
run = "printf 'password: '; sleep 0.3; echo"
"""


class Streamed:
    """A stream that is read until something comes, or to its end."""

    def __init__(self, response: HTTPResponse) -> None:
        self.events: list[Event] = []
        self._response = response
        self._reader = EventReader()

    def has_ended(self) -> bool:
        """Read to the end of the stream, which has to come."""
        self.read_until(lambda event: False)
        return True

    def read_until(self, is_last: Callable[[Event], bool]) -> list[Event]:
        """The events up to the first that ``is_last``, or to the end of the stream."""
        read: list[Event] = []
        while not (read and is_last(read[-1])):
            if not self.events:
                piece = self._response.read1()
                if not piece:
                    return read
                self.events += self._reader.feed(piece)
                continue
            read.append(self.events.pop(0))
        return read


@contextmanager
def stream(daemon: Daemon, path: str, last_id: str | None = None) -> Iterator[Streamed]:
    connection = SocketConnection(daemon.data / "runwisp.sock")
    connection.request("GET", path, headers={} if last_id is None else {"Last-Event-ID": last_id})
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
    try:
        yield Streamed(response)
    finally:
        response.close()
        connection.close()


def named(name: str) -> Callable[[Event], bool]:
    return lambda event: event.name == name


def trigger(daemon: Daemon, name: str) -> str:
    answer = ask(SocketConnection(daemon.data / "runwisp.sock"), f"/api/tasks/{name}/trigger", "POST")
    assert answer.status == 201
    return str(answer.json()["id"])


def numbers(events: list[Event]) -> list[int]:
    items = [json.loads(event.data)["items"] for event in events if event.name == "lines"]
    return [line["n"] for lines in items for line in lines]


def test_events_that_were_missed_come_later_but_not_those_of_another_daemon(tmp_path: Path) -> None:
    with running(tmp_path, PRINTER) as daemon:
        with stream(daemon, "/api/events") as events:
            assert events.read_until(named("ping"))[-1].name == "ping"
            trigger(daemon, "prompt")
            heard = events.read_until(named("run.ended"))
            assert [event.name for event in heard if event.name != "system"] == [
                "run.created",
                "run.started",
                "run.ended",
            ]
        created = heard[0].id
        with stream(daemon, "/api/events", created) as events:
            again = events.read_until(named("run.ended"))
            assert [event.id for event in again if event.id] == [event.id for event in heard[1:]]
        daemon.stop()
        daemon.start()
        with stream(daemon, "/api/events", created) as events:
            assert events.read_until(named("resync"))[-1].data == '{"reason":"restarted"}'


def test_a_stream_ends_when_the_daemon_does(tmp_path: Path) -> None:
    with (
        running(tmp_path, PRINTER) as daemon,
        stream(daemon, "/api/events") as events,
        stream(daemon, "/api/daemon/log/stream") as log,
    ):
        events.read_until(named("ping"))
        log.read_until(named("lines"))
        assert daemon.stop() == 0
        assert events.has_ended()
        assert log.has_ended()


def test_output_is_followed_from_the_first_to_the_last_line_over_rotations(tmp_path: Path) -> None:
    with running(tmp_path, PRINTER) as daemon:
        run_id = trigger(daemon, "print")
        with stream(daemon, f"/api/runs/{run_id}/log/stream?from=1") as log:
            events = log.read_until(named("done"))
        assert events[-1].name == "done"
        got = numbers(events)
        told = [event.name for event in events]
        assert got == sorted(set(got))
        assert got[-1] >= 100_000
        gaps = sum(later != earlier + 1 for earlier, later in zip([0, *got], got, strict=False))
        assert gaps == told.count("rotated")
        last_id = events[-2].id
        with stream(daemon, f"/api/runs/{run_id}/log/stream", last_id) as log:
            assert [event.name for event in log.read_until(named("done"))] == ["ping", "done"]


def test_a_prompt_is_seen_before_its_line_is_complete(tmp_path: Path) -> None:
    with running(tmp_path, PRINTER) as daemon:
        run_id = trigger(daemon, "prompt")
        with stream(daemon, f"/api/runs/{run_id}/log/stream") as log:
            names = [event.name for event in log.read_until(named("done"))]
        assert names == ["ping", "partial", "lines", "done"]
