"""What follows the output of a run gets each line once and the end, whatever happens to its connection."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.system.independent.daemons import logged_in, protected, restart
from tests.system.independent.event_source import Event, EventSource, StreamRefused
from tests.system.independent.session import Client

pytestmark = pytest.mark.system

LINES = 4_000
CONFIG = f"""
[tasks.counts]
run = '''
for n in $(seq {LINES}); do
    echo "line $n"
    test $((n % 100)) != 0 || sleep 0.02
done
'''
[tasks.waits]
run = '''
seq -f "line %.0f" {LINES}
printf "Name: "
sleep 600
'''
[tasks.single]
run = "echo only; echo and >&2"
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Logged in at a daemon that stays."""
    with protected(tmp_path_factory.mktemp("shared"), CONFIG) as daemon:
        yield logged_in(daemon)


@pytest.fixture(scope="module")
def ended_run(client: Client) -> str:
    """The id of a run whose log is closed."""
    return fire(client, "counts", wait=True)


def fire(client: Client, name: str, *, wait: bool = False) -> str:
    """The id of a run that has begun, or also ended."""
    reply = client.call("POST", f"/api/tasks/{name}/trigger?wait={str(wait).lower()}")
    assert reply.status == 201, reply
    run_id: str = reply.json()["id"]
    return run_id


def log_of(client: Client, run_id: str, query: str = "", last_id: str = "") -> EventSource:
    assert client.session is not None
    return EventSource(
        client.connect, f"/api/runs/{run_id}/log/stream{query}", client.session.bearer, last_id
    )


# Any: JSON of any shape.
def lines_of(events: list[Event]) -> list[Any]:
    lines = []
    for event in events:
        if event.name == "lines":
            items = event.data()["items"]
            assert event.id == str(items[-1]["n"])
            lines += items
    return lines


def until_done(events: Iterator[Event]) -> list[Event]:
    seen = []
    for event in events:
        seen.append(event)
        if event.name == "done":
            break
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_a_stream_that_is_cut_anywhere_and_resumed_misses_no_line_and_repeats_none(
    client: Client, seed: int
) -> None:
    random = Random(seed)
    run_id = fire(client, "counts")
    with closing(log_of(client, run_id, "?from=1")) as torn:
        torn.lengths = (random.randrange(60_000) for _ in iter(int, 1))
        seen = until_done(iter(torn))
        assert torn.connections > 5
    lines = lines_of(seen)
    assert [line["n"] for line in lines] == list(range(1, LINES + 1))
    assert [line["text"] for line in lines] == [f"line {n}" for n in range(1, LINES + 1)]
    done = seen[-1].data()
    assert (done["total_lines"], done["run"]["end_reason"]) == (LINES, "success")
    page = client.call("GET", f"/api/runs/{run_id}/log?from=1&limit=10000").json()
    assert page["items"] == lines


@pytest.mark.parametrize(("how", "end_reason"), [("stopped", "stopped"), ("killed", "crashed")])
def test_a_stream_goes_on_in_the_file_after_a_restart_of_the_daemon(
    tmp_path: Path, how: str, end_reason: str
) -> None:
    with protected(tmp_path, CONFIG) as daemon, ExitStack() as stack:
        client = logged_in(daemon)
        stream = stack.enter_context(closing(log_of(client, fire(client, "waits"), "?from=1")))
        events = iter(stream)
        seen = [next(events)]
        while seen[-1].name != "partial" or seen[-1].data() != {"stream": "stdout", "text": "Name: "}:
            seen.append(next(events))
        assert len(lines_of(seen)) == LINES
        with ThreadPoolExecutor(1) as pool:
            restarted = pool.submit(restart, daemon, how)
            after = until_done(events)
            restarted.result()
    # What had no end yet is a line now; why the run ended stands behind it.
    (rest, *remarks), done = lines_of(after), after[-1].data()
    assert (rest["n"], rest["stream"], rest["text"]) == (LINES + 1, "stdout", "Name: ")
    assert [line["n"] for line in remarks] == list(range(LINES + 2, done["total_lines"] + 1))
    assert {line["stream"] for line in remarks} <= {"system"}
    assert done["run"]["end_reason"] == end_reason


def test_whoever_comes_back_after_the_end_is_told_of_it_again_and_gets_no_line_twice(client: Client) -> None:
    run_id = fire(client, "single", wait=True)
    with closing(log_of(client, run_id)) as stream:
        events = iter(stream)
        first, second = until_done(events), until_done(events)
        assert stream.connections == 2
    assert {(line["stream"], line["text"]) for line in lines_of(first)} == {
        ("stdout", "only"),
        ("stderr", "and"),
    }
    assert [event.name for event in second] == ["ping", "done"]
    assert second[-1].text == first[-1].text
    assert first[-1].data()["run"] == client.call("GET", f"/api/runs/{run_id}").json()


@pytest.mark.parametrize(
    ("query", "last_id", "expected"),
    [
        ("", "", range(LINES - 999, LINES + 1)),
        ("?from=1", "", range(1, LINES + 1)),
        ("?from=-3", "", range(LINES - 2, LINES + 1)),
        (f"?from={LINES + 1}", "", range(0)),
        ("?from=1", str(LINES - 2), range(LINES - 1, LINES + 1)),
        ("?from=-3", "garbage", range(LINES - 2, LINES + 1)),
        ("?from=-3", "0", range(LINES - 2, LINES + 1)),
        ("?from=-3", "-5", range(LINES - 2, LINES + 1)),
    ],
)
def test_the_last_id_counts_more_than_where_to_begin(
    client: Client, ended_run: str, query: str, last_id: str, expected: range
) -> None:
    with closing(log_of(client, ended_run, query, last_id)) as stream:
        seen = until_done(iter(stream))
    assert [line["n"] for line in lines_of(seen)] == list(expected)
    assert seen[-1].data()["total_lines"] == LINES
    assert all(len(event.data()["items"]) <= 500 for event in seen if event.name == "lines")


def test_what_has_no_stream_is_refused_before_one_begins(client: Client, ended_run: str) -> None:
    for known, query, status in (
        (ended_run, "?from=0", 422),
        (ended_run, "?from=x", 422),
        ("0" * 26, "", 404),
        (ended_run.lower(), "", 422),
    ):
        with closing(log_of(client, known, query)) as stream, pytest.raises(StreamRefused) as caught:
            next(iter(stream))
        assert caught.value.status == status


def test_a_run_that_waits_for_its_turn_is_followed_from_before_its_begin(client: Client) -> None:
    first = fire(client, "waits")
    second = fire(client, "waits")
    assert client.call("GET", f"/api/runs/{second}").json()["status"] == "pending"
    with closing(log_of(client, second)) as stream:
        events = iter(stream)
        assert next(events).name == "ping"
        assert client.call("POST", f"/api/runs/{first}/stop").status == 202
        assert lines_of([next(event for event in events if event.name == "lines")])[0]["text"] == "line 1"
    assert client.call("GET", f"/api/runs/{second}").json()["status"] == "running"
    client.call("POST", f"/api/runs/{second}/stop")
