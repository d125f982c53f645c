from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.events import Bus
from runwisp.logs.library import Library
from runwisp.logs.reader import PAGE_TEXT_LIMIT
from runwisp.logs.writer import LogWriter
from runwisp.model import Run, Status, Stream
from runwisp.store import runs
from runwisp.web.api.log_stream import LogStreamApi
from runwisp.web.api.logs import MOST_RUNS, SEARCH_S, LogsApi
from runwisp.web.log_feed import LogFeeds, Means
from runwisp.web.log_frames import Frames
from runwisp.web.pace import Pace
from runwisp.web.run_watch import RunWatch
from runwisp.web.sse import Audience
from tests.engine.fakes import in_this_thread
from tests.fakes import ImmediateDatabase
from tests.logs.helpers import ERR, OUT, Wall, close, make_writer
from tests.web.api.history import numbered, past_run, waiting_run
from tests.web.outlets import events_in
from tests.web.requests import Exchange, Response, call, resource, start

Write = tuple[Stream, bytes]


class Desk:
    """The API over a database in memory and logs on the disk."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.database = ImmediateDatabase()
        self.library = Library(root)
        self.api = LogsApi(self.database, self.library, in_this_thread, self.clock)
        self.app = resource(self.api, self._streams(), clock=self.clock)

    def _streams(self) -> LogStreamApi:
        means = Means(
            clock=self.clock,
            in_thread=in_this_thread,
            in_reactor=partial(self.clock.callLater, 0),
            pace=Pace(self.clock, share=0.5, burst_s=1.0),
            frames=Frames(most_bytes=1_000_000, most=100),
        )
        feeds = LogFeeds(means, self.library)
        return LogStreamApi(
            self.database, RunWatch(Bus(self.clock)), self.library, feeds, Audience(self.clock)
        )

    def add(self, run: Run, *writes: Write, max_size: int | None = None) -> Run:
        """A run with a log that nobody writes any more."""
        close(self.begin(run, *writes, max_size=max_size))
        return run

    def begin(self, run: Run, *writes: Write, max_size: int | None = None) -> LogWriter:
        """A run whose log is still being written."""
        self.database.now(lambda cursor: runs.insert(cursor, run))
        writer = make_writer(self.library.paths(run), max_size=max_size)
        self.library.add(run.id, writer)
        for stream, data in writes:
            writer.write(stream, data)
        return writer

    def get(self, path: str) -> Response:
        return call(self.app, "GET", path, clock=self.clock)

    def page(self, run: Run, query: str = "") -> Any:  # Any: JSON
        response = self.get(f"/api/runs/{run.id}/log{query}")
        assert response.status == 200
        return response.json()

    def numbers(self, run: Run, query: str = "") -> list[int]:
        return [item["n"] for item in self.page(run, query)["items"]]

    def raw(self, run: Run) -> bytes:
        response = self.get(f"/api/runs/{run.id}/log/raw")
        assert response.status == 200
        return response.body

    def streamed(self, run: Run) -> list[Any]:  # Any: JSON
        """The lines that a stream from the first one begins with."""
        exchange = start(self.app, "GET", f"/api/runs/{run.id}/log/stream?from=1", clock=self.clock)
        for _ in range(20):
            self.clock.advance(0.1)
        told = events_in(exchange.head.body)
        exchange.leave()
        self.clock.advance(0)
        return [line for one in told if one.name == "lines" for line in one.data["items"]]

    def search(self, q: str, query: str = "", name: str = "t") -> Response:
        return self.get(f"/api/tasks/{name}/log/search?q={quote(q)}{query}")

    def all_hits(self, q: str, query: str = "") -> list[Any]:
        """The hits of all pages."""
        hits, cursor = [], ""
        while True:
            answer = self.search(q, query + cursor).json()
            hits += answer["items"]
            if answer["next_cursor"] is None:
                return hits
            cursor = f"&cursor={answer['next_cursor']}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "logs")


def running_run(number: int) -> Run:
    run = waiting_run(number)
    return evolve(run, status=Status.RUNNING, start_at=run.created_at)


def places(response: Response) -> list[tuple[str, int]]:
    assert response.status == 200
    return [(item["run_id"], item["n"]) for item in response.json()["items"]]


def lines(count: int) -> bytes:
    return b"".join(b"line %d\n" % n for n in range(1, count + 1))


def code(response: Response) -> tuple[int, str]:
    return response.status, response.json()["type"].rpartition(":")[2]


# Pages


def test_a_page_has_every_field_of_every_line(desk: Desk) -> None:
    run = past_run(1)
    writer = desk.begin(run, (OUT, b"10%\r100%\n"), (ERR, b"\x1b[31mred\n"))
    writer.system("the end")
    close(writer)
    ts = Wall().ms
    assert desk.page(run) == {
        "items": [
            {"n": 1, "ts": ts, "stream": "stdout", "text": "100%", "continued": False, "frame_count": None},
            {
                "n": 2,
                "ts": ts,
                "stream": "stderr",
                "text": "\x1b[31mred\x1b[0m",
                "continued": False,
                "frame_count": None,
            },
            {
                "n": 3,
                "ts": ts,
                "stream": "system",
                "text": "the end",
                "continued": False,
                "frame_count": None,
            },
        ],
        "partials": [],
        "first_available": 1,
        "total_lines": 3,
        "truncated": False,
        "finalized": True,
        "bytes": 26,
    }


def test_a_run_without_output_has_an_empty_page(desk: Desk) -> None:
    run = desk.add(past_run(1))
    empty = {
        "items": [],
        "partials": [],
        "first_available": 1,
        "total_lines": 0,
        "truncated": False,
        "bytes": 0,
    }
    assert desk.page(run) == {**empty, "finalized": True}
    assert desk.page(run, "?from=7") == {**empty, "finalized": True}
    waiting = waiting_run(2)
    desk.database.now(lambda cursor: runs.insert(cursor, waiting))
    assert desk.page(waiting) == {**empty, "finalized": False}


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", 4001, 5000),
        ("?limit=5", 4996, 5000),
        ("?from=-10&limit=5", 4991, 4995),
        ("?from=1&limit=5", 1001, 1005),
        ("?from=3000&limit=5", 3000, 3004),
        ("?from=4999", 4999, 5000),
        ("?from=-9000&limit=10000", 1001, 5000),
        ("?from=5001", 1, 0),
        ("?from=9007199254740991", 1, 0),
    ],
)
def test_where_a_page_begins_and_ends(desk: Desk, query: str, first: int, last: int) -> None:
    # Segments of 2,000 bytes: lines 1 to 1,000, then 2,000 lines each.
    run = desk.add(past_run(1), (OUT, b"x\n" * 1000 + b"\n" * 4000), max_size=4000)
    page = desk.page(run, query)
    assert [item["n"] for item in page["items"]] == list(range(first, last + 1))
    assert (page["first_available"], page["total_lines"], page["truncated"]) == (1001, 5000, True)


def test_a_page_of_long_lines_ends_early_and_the_next_goes_on(desk: Desk) -> None:
    run = desk.add(past_run(1), *[(OUT, b"x" * 60_000 + b"\n")] * 100)
    first = desk.page(run, "?from=1")
    texts = [item["text"] for item in first["items"]]
    assert PAGE_TEXT_LIMIT - 60_000 < sum(map(len, texts)) <= PAGE_TEXT_LIMIT
    assert desk.numbers(run, f"?from={len(texts) + 1}") == list(range(len(texts) + 1, 101))


def test_a_live_log_shows_its_tails_where_the_page_reaches_its_end(desk: Desk) -> None:
    run = running_run(1)
    writer = desk.begin(run, (OUT, b"one\nNext? "), (ERR, b"50%\r60%"))
    page = desk.page(run)
    assert page["partials"] == [{"stream": "stdout", "text": "Next? "}, {"stream": "stderr", "text": "60%"}]
    assert page["finalized"] is False
    assert desk.page(run, "?from=1&limit=1")["partials"] == page["partials"]
    writer.write(OUT, b"yes\n")
    assert desk.page(run, "?from=1&limit=1")["partials"] == []
    close(writer)
    # The row does not say yet that the run has ended.
    assert desk.page(run)["finalized"] is False


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("?from=0", "query.from"),
        ("?from=x", "query.from"),
        ("?limit=0", "query.limit"),
        ("?limit=10001", "query.limit"),
        ("?form=1", "query.form"),
    ],
)
def test_a_page_that_there_cannot_be_is_refused(desk: Desk, query: str, location: str) -> None:
    response = desk.get(f"/api/runs/{numbered(1)}/log{query}")
    assert code(response) == (422, "invalid")
    assert [flaw["location"] for flaw in response.json()["errors"]] == [location]


@pytest.mark.parametrize("part", ["log", "log/raw"])
def test_an_unknown_run_has_no_log(desk: Desk, part: str) -> None:
    assert code(desk.get(f"/api/runs/{numbered(1)}/{part}")) == (404, "not-found")
    assert code(desk.get(f"/api/runs/nonsense/{part}")) == (422, "invalid")


@pytest.mark.parametrize("part", ["log", "log/raw"])
def test_a_log_that_cannot_be_read_is_an_error_of_the_daemon(
    desk: Desk, part: str, logged_failures: list[Failure]
) -> None:
    run = desk.add(past_run(1))
    desk.library.paths(run).log.mkdir(parents=True)
    assert code(desk.get(f"/api/runs/{run.id}/{part}")) == (500, "internal")
    assert [failure.type for failure in logged_failures] == [IsADirectoryError]
    logged_failures.clear()


# Raw


def test_the_raw_log_is_what_was_written(desk: Desk) -> None:
    data = b"10%\r100%\n\xff\x00\n" + b"x" * 150_000 + b"\nno newline"
    run = desk.add(past_run(1, "db:x"), (OUT, data))
    response = desk.get(f"/api/runs/{run.id}/log/raw")
    assert response.body == data
    assert response.media_type == "text/plain; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="db_x-{run.id}.log"'
    assert "content-encoding" not in response.headers


def test_the_raw_log_of_a_run_without_output_is_empty(desk: Desk) -> None:
    assert desk.raw(desk.add(past_run(1))) == b""


def test_only_the_head_of_a_raw_log_opens_nothing_for_long(desk: Desk) -> None:
    run = desk.add(past_run(1), (OUT, b"one\n"))
    before = os.listdir("/proc/self/fd")
    assert call(desk.app, "HEAD", f"/api/runs/{run.id}/log/raw", clock=desk.clock).body == b""
    assert os.listdir("/proc/self/fd") == before


def test_a_raw_log_waits_for_a_client_that_takes_nothing(desk: Desk) -> None:
    run = desk.add(past_run(1), (OUT, lines(200_000)))
    before = os.listdir("/proc/self/fd")
    exchange = start(desk.app, "GET", f"/api/runs/{run.id}/log/raw", clock=desk.clock)
    assert exchange.response.body == lines(200_000)
    assert os.listdir("/proc/self/fd") == before


# Search


def test_a_hit_has_the_line_with_its_styles(desk: Desk) -> None:
    run = desk.add(past_run(1), (OUT, b"one\n"), (ERR, b"\x1b[31mdisk full\n"))
    assert desk.search("DISK").json() == {
        "items": [
            {
                "run_id": run.id,
                "n": 2,
                "ts": Wall().ms,
                "stream": "stderr",
                "text": "\x1b[31mdisk full\x1b[0m",
            }
        ],
        "next_cursor": None,
        "scanned_runs": 1,
    }


def test_the_newest_run_is_searched_first_and_other_tasks_are_not(desk: Desk) -> None:
    for number in (1, 3, 2):
        desk.add(past_run(number), (OUT, b"a\nb\na\n"))
    desk.add(past_run(4, "mail"), (OUT, b"a\n"))
    hits = [(numbered(number), n) for number in (3, 2, 1) for n in (1, 3)]
    assert places(desk.search("a")) == hits
    assert desk.search("a").json()["scanned_runs"] == 3


def test_case_counts_only_when_asked_for(desk: Desk) -> None:
    desk.add(past_run(1), (OUT, "Straße\nÄrger\nSTRASSE\n".encode()))
    assert places(desk.search("ä")) == [(numbered(1), 2)]
    assert places(desk.search("ä", "&case=true")) == []
    assert places(desk.search("Stra")) == [(numbered(1), 1), (numbered(1), 3)]
    assert places(desk.search("Stra", "&case=true")) == [(numbered(1), 1)]


def test_an_expression_is_one_only_when_asked_for(desk: Desk) -> None:
    desk.add(past_run(1), (OUT, b"a.c\nabc\n"))
    assert places(desk.search("a.c")) == [(numbered(1), 1)]
    assert places(desk.search("^A.C$", "&regex=true")) == [(numbered(1), 1), (numbered(1), 2)]


def test_an_expression_that_cannot_be_used_is_malformed(desk: Desk) -> None:
    response = desk.search("a(b", "&regex=true")
    assert code(response) == (400, "malformed")
    assert "missing )" in response.json()["detail"]
    assert response.json()["errors"][0]["location"] == "query.q"
    assert code(desk.search(r"(a)\1", "&regex=true")) == (400, "malformed")
    assert desk.search("a(b").status == 200


def test_one_run_can_be_searched_alone(desk: Desk) -> None:
    for number in (1, 2):
        desk.add(past_run(number), (OUT, b"a\na\n"))
    desk.add(past_run(3, "mail"), (OUT, b"a\n"))
    only = f"&run_id={numbered(1)}"
    assert places(desk.search("a", only)) == [(numbered(1), 1), (numbered(1), 2)]
    assert [hit["n"] for hit in desk.all_hits("a", f"{only}&limit=1")] == [1, 2]
    assert code(desk.search("a", f"&run_id={numbered(3)}")) == (404, "not-found")
    assert code(desk.search("a", f"&run_id={numbered(4)}")) == (404, "not-found")


def test_nothing_is_found_of_what_never_ran(desk: Desk) -> None:
    assert desk.search("a", name="nobody").json() == {"items": [], "next_cursor": None, "scanned_runs": 0}


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_hits_are_all_hits(desk: Desk, limit: int) -> None:
    for number in range(4):
        desk.add(past_run(number), (OUT, b"a\nb\n" * number))
    expected = [(numbered(number), n) for number in (3, 2, 1) for n in range(1, 2 * number, 2)]
    assert [(hit["run_id"], hit["n"]) for hit in desk.all_hits("a", f"&limit={limit}")] == expected


def test_runs_that_come_and_go_between_pages_disturb_no_other(desk: Desk) -> None:
    for number in (1, 2, 4):
        desk.add(past_run(number), (OUT, b"a\na\na\n"))
    cursor = desk.search("a", "&limit=2").json()["next_cursor"]
    desk.add(past_run(5), (OUT, b"a\n"))
    desk.add(past_run(3), (OUT, b"a\n"))
    rest = [
        (numbered(4), 3),
        (numbered(3), 1),
        *((numbered(number), n) for number in (2, 1) for n in (1, 2, 3)),
    ]
    assert places(desk.search("a", f"&cursor={cursor}")) == rest
    desk.database.now(lambda database: runs.delete(database, numbered(4)))
    assert places(desk.search("a", f"&cursor={cursor}")) == rest[1:]


def test_one_request_looks_into_so_many_logs_and_no_more(desk: Desk) -> None:
    for number in range(1, MOST_RUNS + 2):
        desk.add(past_run(number))
    oldest = desk.add(past_run(0), (OUT, b"a\n"))
    first = desk.search("a").json()
    assert (first["items"], first["scanned_runs"]) == ([], MOST_RUNS)
    second = desk.search("a", f"&cursor={first['next_cursor']}").json()
    assert [hit["run_id"] for hit in second["items"]] == [oldest.id]
    assert (second["scanned_runs"], second["next_cursor"]) == (2, None)


def test_a_run_in_flight_is_searched_up_to_its_last_line(desk: Desk) -> None:
    run = running_run(1)
    writer = desk.begin(run, (OUT, b"a\nb\na"))
    assert places(desk.search("a")) == [(run.id, 1)]
    close(writer)
    assert places(desk.search("a")) == [(run.id, 1), (run.id, 3)]


def test_system_lines_are_searched_too(desk: Desk) -> None:
    writer = desk.begin(past_run(1))
    writer.system("timeout is over")
    close(writer)
    assert places(desk.search("timeout")) == [(numbered(1), 1)]


def garbage(cursor: str) -> Iterator[str]:
    yield from ("x", "%E2%82%AC", "AAAA", "-" * 512, cursor[:-1], cursor + "AA", cursor[::-1])


def test_a_cursor_is_good_for_the_same_search_only(desk: Desk) -> None:
    desk.add(past_run(1), (OUT, b"a\na\n"))
    cursor = desk.search("a", "&limit=1").json()["next_cursor"]
    for other in garbage(cursor):
        assert code(desk.search("a", f"&cursor={other}")) == (422, "invalid"), other
    assert code(desk.search("b", f"&cursor={cursor}")) == (422, "invalid")
    assert code(desk.search("a", f"&case=true&cursor={cursor}")) == (422, "invalid")
    assert code(desk.search("a", f"&run_id={numbered(1)}&cursor={cursor}")) == (422, "invalid")
    assert code(desk.search("a", f"&cursor={cursor}", name="mail")) == (422, "invalid")
    assert places(desk.search("a", f"&limit=7&cursor={cursor}")) == [(numbered(1), 2)]


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=" + "x" * 1025, "q=a&limit=0", "q=a&limit=1001", "q=a&regex=1", "q=a&run_id=x", "q=a&p=1"],
)
def test_a_search_that_there_cannot_be_is_refused(desk: Desk, query: str) -> None:
    assert code(desk.get(f"/api/tasks/t/log/search?{query}")) == (422, "invalid")


def test_a_log_that_cannot_be_searched_is_an_error_of_the_daemon(
    desk: Desk, logged_failures: list[Failure]
) -> None:
    run = desk.add(past_run(1))
    desk.library.paths(run).log.mkdir(parents=True)
    assert code(desk.search("a")) == (500, "internal")
    assert [failure.type for failure in logged_failures] == [IsADirectoryError]
    logged_failures.clear()


# Time


@define
class Threads:
    """Threads that get to their work when a test says so."""

    waiting: list[tuple[Any, Deferred[Any]]] = field(factory=list)  # Any: whatever the work comes to

    def __call__(self, work: Any, /, *args: object) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((lambda: work(*args), done))
        return done

    def work(self) -> None:
        """Do the oldest piece of work."""
        work, done = self.waiting.pop(0)
        done.callback(work())


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def slow(desk: Desk, threads: Threads) -> Desk:
    desk.api = LogsApi(desk.database, desk.library, threads, desk.clock)
    desk.app = resource(desk.api, clock=desk.clock)
    return desk


def begin(desk: Desk, path: str) -> Exchange:
    return start(desk.app, "GET", path, clock=desk.clock)


def test_a_search_stops_when_its_time_is_over(desk: Desk) -> None:
    for number in (1, 2):
        desk.add(past_run(number), (OUT, lines(50_000)))

    class Watch(Clock):
        """Shows that a third of the time has passed whenever somebody looks."""

        def seconds(self) -> float:
            self.advance(SEARCH_S / 3)
            return float(super().seconds())

    desk.api = LogsApi(desk.database, desk.library, in_this_thread, Watch())
    desk.app = resource(desk.api, clock=desk.clock)
    first = desk.search("nowhere").json()
    assert (first["items"], first["scanned_runs"]) == ([], 1)
    assert first["next_cursor"] is not None
    assert desk.all_hits("nowhere") == []
    assert [hit["text"] for hit in desk.all_hits("line 49999")] == ["line 49999"] * 2


def test_a_search_stops_when_its_client_leaves(slow: Desk, threads: Threads) -> None:
    for number in (1, 2, 3):
        slow.add(past_run(number), (OUT, b"a\n"))
    exchange = begin(slow, "/api/tasks/t/log/search?q=a")
    threads.work()
    ((searching, _),) = threads.waiting
    exchange.leave()
    assert searching().scanned == 1


def test_only_two_search_at_a_time(slow: Desk, threads: Threads) -> None:
    slow.add(past_run(1), (OUT, b"a\n"))
    exchanges = [begin(slow, "/api/tasks/t/log/search?q=a") for _ in range(3)]
    # The expressions of all three are made ready, then two may search.
    for _ in range(3):
        threads.work()
    assert len(threads.waiting) == 2
    # One that has left keeps its thread until that is free.
    exchanges[0].leave()
    assert len(threads.waiting) == 2
    threads.work()
    assert len(threads.waiting) == 2
    threads.work()
    threads.work()
    assert [exchange.response.status for exchange in exchanges[1:]] == [200, 200]


def test_a_client_that_leaves_a_raw_log_leaves_no_file_open(slow: Desk, threads: Threads) -> None:
    run = slow.add(past_run(1), (OUT, lines(100_000)))
    before = os.listdir("/proc/self/fd")
    exchange = begin(slow, f"/api/runs/{run.id}/log/raw")
    threads.work()
    threads.work()
    exchange.leave()
    assert len(threads.waiting) == 1
    threads.work()
    assert os.listdir("/proc/self/fd") == before


def test_a_raw_log_is_read_no_further_than_the_client_takes(slow: Desk, threads: Threads) -> None:
    run = slow.add(past_run(1), (OUT, lines(100_000)))
    exchange = begin(slow, f"/api/runs/{run.id}/log/raw")
    threads.work()
    exchange.pause()
    threads.work()
    assert threads.waiting == []
    exchange.resume()
    while threads.waiting:
        threads.work()
    assert exchange.response.body == lines(100_000)


# Everything agrees


def test_page_raw_stream_and_search_agree_before_and_after_rotation(desk: Desk) -> None:
    run = running_run(1)
    writer = desk.begin(run, max_size=9000)
    sent = 0
    for _ in range(8):
        for _ in range(200):
            sent += 1
            writer.write((OUT, ERR)[sent % 3 == 0], b"line %d\r\n" % sent)
        check_agreement(desk, run)
    assert desk.page(run)["truncated"]
    assert "system" in [item["stream"] for item in desk.page(run)["items"]]
    close(writer)
    check_agreement(desk, run)


def check_agreement(desk: Desk, run: Run) -> None:
    page = desk.page(run, "?from=1&limit=10000")
    items: Sequence[dict[str, Any]] = page["items"]
    assert [item["n"] for item in items] == list(range(page["first_available"], page["total_lines"] + 1))
    raw = desk.raw(run).replace(b"\r\n", b"\n").decode().splitlines()
    assert raw == [item["text"] for item in items]
    assert desk.streamed(run) == items
    assert page["bytes"] == len(desk.raw(run))
    hits = desk.all_hits(".", "&regex=true&limit=7")
    shown = [{key: item[key] for key in ("n", "ts", "stream", "text")} for item in items]
    assert [{key: hit[key] for key in ("n", "ts", "stream", "text")} for hit in hits] == shown
