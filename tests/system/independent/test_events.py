"""What follows the daemon's events sees each of them once, whatever happens to its connection."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tests.system.independent.daemons import logged_in, protected, restart
from tests.system.independent.event_source import Event, EventSource
from tests.system.independent.session import Client

pytestmark = pytest.mark.system

KEPT = 1024
CONFIG = """
[tasks.hello]
run = "echo hello"
[tasks.last]
run = "true"
[tasks.nightly]
cron = "0 2 29 2 *"
run = "true"
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Logged in at a daemon that stays."""
    with protected(tmp_path_factory.mktemp("shared"), CONFIG) as daemon:
        yield logged_in(daemon)


def source(client: Client, last_id: str = "", lengths: Iterator[int] | None = None) -> EventSource:
    assert client.session is not None
    return EventSource(
        client.connect,
        "/api/events",
        client.session.bearer,
        last_id,
        iter(()) if lengths is None else lengths,
    )


def fire(client: Client, name: str) -> str:
    """The id of a run that has ended."""
    reply = client.call("POST", f"/api/tasks/{name}/trigger?wait=true")
    assert reply.json()["status"] == "ended", reply
    run_id: str = reply.json()["id"]
    return run_id


def numbered(events: Iterator[Event]) -> Iterator[Event]:
    """Without those that are for the moment only."""
    return (event for event in events if event.name not in ("ping", "system"))


def until_the_end_of(name: str, events: Iterator[Event]) -> list[Event]:
    """The numbered events up to the end of a run of ``name``."""
    seen = []
    for event in numbered(events):
        seen.append(event)
        if event.name == "run.ended" and event.data()["run"]["task_name"] == name:
            break
    return seen


def numbers(events: list[Event], boot: str) -> list[int]:
    parts = [event.id.split("-") for event in events]
    assert {part[0] for part in parts} <= {boot}
    return [int(part[1]) for part in parts]


def flip(client: Client, times: int) -> None:
    """Pause and resume, each of which is an event, on one connection."""
    assert client.session is not None
    with closing(client.connect()) as connection:
        for number in range(times):
            verb = "resume" if number % 2 else "pause"
            connection.request("POST", f"/api/tasks/nightly/{verb}", headers=client.session.bearer)
            response = connection.getresponse()
            response.read()
            assert response.status == 200


def test_a_stream_begins_with_a_ping_and_then_has_each_phase_of_a_run(client: Client) -> None:
    with closing(source(client)) as stream:
        events = iter(stream)
        assert next(events) == Event("", "ping", "{}")
        run_id = fire(client, "hello")
        seen = until_the_end_of("hello", events)
        runs = [event.data()["run"] for event in seen]
        assert [event.name for event in seen] == ["run.created", "run.started", "run.ended"]
        assert {run["id"] for run in runs} == {run_id}
        assert [run["status"] for run in runs[1:]] == ["running", "ended"]
        assert runs[-1] == client.call("GET", f"/api/runs/{run_id}").json()


@pytest.mark.parametrize("seed", range(3))
def test_a_stream_that_is_cut_anywhere_and_resumed_misses_nothing_and_repeats_nothing(
    client: Client, seed: int
) -> None:
    random = Random(seed)
    with closing(source(client)) as whole:
        events = iter(whole)
        assert next(events).name == "ping"
        fire(client, "hello")
        first = until_the_end_of("hello", events)[-1]
        cuts = (random.randrange(3_000) for _ in iter(int, 1))

        def traffic() -> None:
            for _ in range(50):
                fire(client, "hello")
            fire(client, "last")

        with ThreadPoolExecutor(1) as pool, closing(source(client, first.id, cuts)) as torn:
            done = pool.submit(traffic)
            pieced_together = until_the_end_of("last", iter(torn))
            done.result()
            assert torn.connections > 20
        assert pieced_together == until_the_end_of("last", events)
        boot, _, number = first.id.partition("-")
        begin = int(number) + 1
        assert numbers(pieced_together, boot) == list(range(begin, begin + len(pieced_together)))
        assert len(pieced_together) >= 3 * 51


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_stream_goes_on_after_a_restart_of_the_daemon_once_it_was_told(tmp_path: Path, how: str) -> None:
    with protected(tmp_path, CONFIG) as daemon, ExitStack() as stack:
        client = logged_in(daemon)
        stream = stack.enter_context(closing(source(client)))
        events = iter(stream)
        next(events)
        fire(client, "hello")
        until_the_end_of("hello", events)
        old_boot = stream.last_id.partition("-")[0]
        with ThreadPoolExecutor(1) as pool:
            restarted = pool.submit(restart, daemon, how)
            resync = next(numbered(events))
            restarted.result()
        assert (resync.name, resync.data()) == ("resync", {"reason": "restarted"})
        new_boot = resync.id.partition("-")[0]
        assert new_boot != old_boot
        fire(client, "hello")
        live = until_the_end_of("hello", events)
        assert [event.name for event in live][-3:] == ["run.created", "run.started", "run.ended"]
        begin = int(resync.id.partition("-")[2]) + 1
        assert numbers(live, new_boot) == list(range(begin, begin + len(live)))
        assert stream.connections == 2
        # From here on it is a boot like any other.
        again = stack.enter_context(closing(source(client, resync.id)))
        assert list(islice(numbered(iter(again)), len(live))) == live


def test_all_that_is_kept_is_made_up_for_and_what_is_older_asks_to_look_again(client: Client) -> None:
    with closing(source(client)) as stream:
        events = iter(stream)
        next(events)
        fire(client, "hello")
        first = until_the_end_of("hello", events)[-1]
    boot, _, number = first.id.partition("-")
    flip(client, KEPT)
    newest = int(number) + KEPT
    with closing(source(client, first.id)) as stream:
        missed = list(islice(numbered(iter(stream)), KEPT))
    assert {event.name for event in missed} == {"task.updated"}
    assert numbers(missed, boot) == list(range(int(number) + 1, newest + 1))

    flip(client, 1)
    # An answer may be ahead of its event.
    with closing(source(client, f"{boot}-{newest}")) as stream:
        assert next(numbered(iter(stream))).id == f"{boot}-{newest + 1}"
    with closing(source(client, first.id)) as stream:
        resync = next(numbered(iter(stream)))
    assert resync == Event(f"{boot}-{newest + 1}", "resync", '{"reason":"behind"}')


def test_an_id_that_was_never_given_asks_to_look_again(client: Client) -> None:
    with closing(source(client)) as stream:
        events = iter(stream)
        next(events)
        fire(client, "hello")
        newest = until_the_end_of("hello", events)[-1].id
        boot = newest.partition("-")[0]
    for last_id in ("garbage", f"{boot}-999999", f"{boot}-0x1", f"{boot.upper()}-", "-"):
        with closing(source(client, last_id)) as stream:
            events = iter(stream)
            assert next(events).name == "ping"
            assert next(events) == Event(newest, "resync", '{"reason":"unknown_id"}'), last_id


def test_an_id_in_the_address_serves_where_there_is_none_in_the_header(client: Client) -> None:
    with closing(source(client)) as stream:
        events = iter(stream)
        next(events)
        fire(client, "hello")
        created, started, ended = until_the_end_of("hello", events)
    with closing(source(client)) as stream:
        stream.path += f"?last_event_id={created.id}"
        events = numbered(iter(stream))
        assert [next(events), next(events)] == [started, ended]
    with closing(source(client, started.id)) as stream:
        stream.path += f"?last_event_id={created.id}"
        assert next(numbered(iter(stream))) == ended
