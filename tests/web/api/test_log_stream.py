from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from runwisp.engine.births import begun, new_run
from runwisp.events import RunDeleted
from runwisp.logs.library import Library
from runwisp.logs.writer import LogWriter
from runwisp.model import EndReason, LogOnFull, Status, Stream, TriggeredBy
from runwisp.store import runs
from runwisp.web.api.log_stream import LogStreamApi
from runwisp.web.log_feed import HAND_OUT_EVERY_S, LogFeeds, Means
from runwisp.web.log_frames import Frames
from runwisp.web.pace import Pace
from runwisp.web.resources.run import run_resource
from runwisp.web.run_watch import RunWatch
from runwisp.web.sse import Audience
from runwisp.web.wire import plain
from tests.engine.fakes import in_this_thread
from tests.engine.stage import Stage
from tests.make import task
from tests.web.outlets import PINGED, Told, events_in
from tests.web.requests import Exchange, HeaderPairs, Response, call, resource, start


class Rig:
    """A run, its row and its log, and the route that streams it."""

    def __init__(self, logs: Path) -> None:
        self.stage = Stage()
        self.library = Library(logs)
        self.writer: LogWriter | None = None
        self.run = new_run(self.stage.resources, task(), TriggeredBy.API)
        self.stage.resources.ledger.record(self.run)
        clock = self.stage.clock
        means = Means(
            clock=clock,
            in_thread=in_this_thread,
            in_reactor=partial(clock.callLater, 0),
            pace=Pace(clock, share=0.5, burst_s=1.0),
            frames=Frames(most_bytes=1_000_000, most=100),
        )
        watch = RunWatch(self.stage.bus)
        feeds = LogFeeds(means, self.library)
        api = LogStreamApi(self.stage.database, watch, self.library, feeds, Audience(clock))
        self.app = resource(api, clock=clock)
        self.stage.settle()

    def begin(self) -> LogWriter:
        """The run starts; its log is there before the bus delivers."""
        self.run = begun(self.stage.resources, self.run)
        self.stage.resources.ledger.start(self.run)
        writer = self.open_log()
        self.stage.settle()
        return writer

    def open_log(self) -> LogWriter:
        self.writer = LogWriter(
            self.library.paths(self.run),
            max_size=None,
            on_full=LogOnFull.DROP_OLD,
            masker=None,
            wall=lambda: 1.5,
        )
        self.library.add(self.run.id, self.writer)
        return self.writer

    def close_log(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer.sync()
        self.pass_time()

    def end(self) -> None:
        self.run = evolve(
            self.run,
            status=Status.ENDED,
            end_reason=EndReason.SUCCESS,
            exit_code=0,
            end_at=self.run.created_at,
        )
        self.stage.resources.ledger.end(self.run)
        self.pass_time()

    def pass_time(self) -> None:
        self.stage.settle()
        self.stage.clock.advance(HAND_OUT_EVERY_S)
        self.stage.settle()

    def open(self, query: str = "", headers: HeaderPairs = ()) -> Exchange:
        path = f"/api/runs/{self.run.id}/log/stream{query}"
        return start(self.app, "GET", path, headers=headers, clock=self.stage.clock)

    def refusal(self, path: str) -> Response:
        return call(self.app, "GET", path, clock=self.stage.clock)

    @property
    def done(self) -> Told:
        total = self.writer.total_lines if self.writer is not None else 0
        return Told("done", {"total_lines": total, "run": plain(run_resource(self.run, stopping=False))})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close_log()
    assert rig.stage.clock.getDelayedCalls() == []


def told(exchange: Exchange) -> list[Told]:
    return events_in(exchange.head.body)


def texts(exchange: Exchange) -> list[str]:
    return [line["text"] for each in told(exchange) if each.name == "lines" for line in each.data["items"]]


def test_a_run_is_followed_from_before_its_start_to_its_end(rig: Rig) -> None:
    exchange = rig.open()
    assert told(exchange) == [PINGED]
    writer = rig.begin()
    writer.write(Stream.STDOUT, b"one\ntwo\n")
    rig.pass_time()
    assert texts(exchange) == ["one", "two"]
    writer.write(Stream.STDOUT, b"three\n")
    rig.close_log()
    assert texts(exchange) == ["one", "two", "three"]
    assert not exchange.is_done
    rig.end()
    assert told(exchange)[-1] == rig.done
    assert exchange.is_done
    exchange.leave()


def test_a_run_that_never_starts_is_done_when_it_ends(rig: Rig) -> None:
    exchange = rig.open()
    rig.end()
    assert told(exchange) == [PINGED, rig.done]
    exchange.leave()


def test_a_run_whose_log_opens_a_little_after_its_start_is_waited_for(rig: Rig) -> None:
    rig.run = begun(rig.stage.resources, rig.run)
    commit = rig.stage.database.hold()
    rig.stage.resources.ledger.start(rig.run)
    exchange = rig.open()
    commit()
    writer = rig.open_log()
    rig.stage.settle()
    writer.write(Stream.STDOUT, b"one\n")
    rig.pass_time()
    assert texts(exchange) == ["one"]
    exchange.leave()


def test_an_ended_run_is_sent_and_done_and_a_client_that_comes_back_is_told_so_again(rig: Rig) -> None:
    rig.begin().write(Stream.STDOUT, b"one\ntwo\n")
    rig.close_log()
    rig.end()
    exchange = rig.open()
    assert texts(exchange) == ["one", "two"]
    assert told(exchange)[-1] == rig.done
    again = rig.open(headers={"Last-Event-ID": "2"})
    assert told(again) == [PINGED, rig.done]
    for each in (exchange, again):
        each.leave()


@pytest.mark.parametrize(
    ("query", "headers", "first"),
    [
        ("", {}, 201),
        ("?from=1", {}, 1),
        ("?from=-3", {}, 1198),
        ("?from=1200", {}, 1200),
        ("?from=1", {"Last-Event-ID": "1100"}, 1101),
        ("?from=-3", {"Last-Event-ID": "0"}, 1198),
        ("?from=-3", {"Last-Event-ID": "garbage"}, 1198),
        ("?from=-3", {"Last-Event-ID": "5f0c91aa-7"}, 1198),
        ("?from=-3", {"Last-Event-ID": "9" * 40}, 1198),
    ],
)
def test_a_stream_begins_where_it_is_asked_to(
    rig: Rig, query: str, headers: dict[str, str], first: int
) -> None:
    rig.begin().write(Stream.STDOUT, b"".join(b"%d\n" % number for number in range(1, 1201)))
    rig.close_log()
    rig.end()
    exchange = rig.open(query, headers)
    assert texts(exchange) == [str(number) for number in range(first, 1201)]
    exchange.leave()


def test_what_is_refused_is_refused_before_the_stream_begins(rig: Rig) -> None:
    run_id = rig.run.id
    assert rig.refusal("/api/runs/01JD0000000000000000000000/log/stream").status == 404
    assert rig.refusal("/api/runs/nonsense/log/stream").status == 422
    for query, location in (("from=0", "query.from"), ("from=x", "query.from"), ("form=1", "query.form")):
        refused = rig.refusal(f"/api/runs/{run_id}/log/stream?{query}")
        assert (refused.status, refused.json()["errors"][0]["location"]) == (422, location)


def test_the_stream_of_a_run_that_is_deleted_before_it_begins_just_ends(rig: Rig) -> None:
    exchange = rig.open()
    rig.stage.database.now(lambda cursor: runs.delete(cursor, rig.run.id))
    rig.stage.bus.publish(RunDeleted(rig.run.id, "t"))
    rig.stage.settle()
    assert told(exchange) == [PINGED]
    assert exchange.is_done
    exchange.leave()


def test_others_runs_are_nobodys_business(rig: Rig) -> None:
    exchange = rig.open()
    rig.stage.resources.ledger.record(new_run(rig.stage.resources, task(), TriggeredBy.API))
    rig.stage.settle()
    assert told(exchange) == [PINGED]
    exchange.leave()
