from __future__ import annotations

import pytest

from runwisp.client import resources
from runwisp.tui.model import Link
from runwisp.tui.subscription import RETRY_S, Subscription
from tests.client import resources as sent
from tests.tui import fakes
from tests.tui.fakes import SYSTEM, FakeDesk, Tap, unreachable


class Bench:
    """A subscription to a daemon that answers."""

    def __init__(self) -> None:
        self.desk = FakeDesk()
        self.desk.model.link = Link.CONNECTING
        self.said: list[str] = []
        self.fetched = 0
        self.answer_with()
        self.subscription = Subscription(self.desk, self.desk.clock, self._count, self.said.append)
        self.subscription.start()

    def answer_with(self, last_run: sent.Document | None = None) -> None:
        answers: dict[str, fakes.Reply] = {
            "GET /api/daemon": fakes.daemon(),
            "GET /api/system": SYSTEM,
            "GET /api/tasks": fakes.page(sent.task(last_run=last_run)),
            "GET /api/runs": fakes.page(),
            "GET /api/notifications": fakes.notices(),
            "GET /api/system/metrics": fakes.page(fakes.sample()),
            "GET /api/local/credentials": {"password": "secret"},
        }
        for request, reply in answers.items():
            self.desk.wire.on(request, reply)

    def link(self) -> Link:
        return self.desk.model.link

    @property
    def tap(self) -> Tap:
        return self.desk.wire.taps[-1]

    def _count(self) -> None:
        self.fetched += 1


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_with_the_first_ping_everything_is_fetched(bench: Bench) -> None:
    assert bench.desk.wire.asked == []
    bench.tap.feed("ping", {})
    model = bench.desk.model
    assert bench.link() is Link.LIVE
    assert set(model.units) == {"backup"}
    assert model.tells_password
    assert [sample.cpu_usage for sample in model.samples] == [50.0]
    assert (bench.fetched, bench.said) == (1, ["connected"])


def test_later_pings_fetch_nothing(bench: Bench) -> None:
    bench.tap.feed("ping", {})
    bench.tap.feed("ping", {})
    assert bench.fetched == 1


def test_events_go_into_the_model(bench: Bench) -> None:
    bench.tap.feed("ping", {})
    bench.tap.feed("run.started", {"run": sent.live_run()}, "a-1")
    assert len(bench.desk.model.live) == 1
    assert bench.desk.done[-1] == "draw"


def test_figures_of_the_machine_are_taken_up_without_drawing(bench: Bench) -> None:
    bench.tap.feed("ping", {})
    bench.desk.done.clear()
    bench.tap.feed("system", {"sample": fakes.sample(cpu=7.0), "uptime": 1.0, "usage": None})
    assert bench.desk.model.samples[-1].cpu_usage == 7.0
    assert bench.desk.done == []


@pytest.mark.parametrize("name", ["resync", "tasks.changed"])
def test_after_missed_events_and_reloads_everything_is_fetched_again(bench: Bench, name: str) -> None:
    bench.tap.feed("ping", {})
    bench.tap.feed(name, {"reason": "behind"}, "a-9")
    assert bench.fetched == 2
    assert bench.desk.wire.asked.count("GET /api/local/credentials") == 1


def test_what_is_told_while_everything_is_fetched_wins_over_it(bench: Bench) -> None:
    bench.answer_with(last_run=sent.live_run())
    bench.desk.wire.on("GET /api/runs", fakes.page(sent.live_run()))
    bench.desk.wire.waiting = []
    bench.tap.feed("ping", {})
    bench.tap.feed("run.ended", {"run": sent.failed_run()}, "a-1")
    bench.desk.wire.answer()
    assert bench.desk.model.live == {}
    assert bench.desk.model.units["backup"].last_run == resources.run(sent.failed_run())


def test_of_many_wishes_to_fetch_two_are_fulfilled(bench: Bench) -> None:
    bench.desk.wire.waiting = []
    bench.tap.feed("ping", {})
    for _ in range(5):
        bench.tap.feed("resync", {"reason": "behind"})
    bench.desk.wire.answer()
    assert bench.fetched == 2


def test_a_lost_connection_is_tried_again_from_the_last_event(bench: Bench) -> None:
    bench.tap.feed("ping", {})
    bench.tap.feed("run.started", {"run": sent.live_run()}, "a-7")
    bench.tap.end()
    assert bench.link() is Link.LOST
    assert set(bench.desk.model.units) == {"backup"}
    assert len(bench.desk.wire.taps) == 1
    bench.desk.clock.advance(RETRY_S)
    assert len(bench.desk.wire.taps) == 2
    assert bench.subscription._last_id == "a-7"
    bench.tap.end(unreachable())
    bench.desk.clock.advance(RETRY_S)
    bench.tap.feed("ping", {})
    assert bench.link() is Link.LIVE
    assert bench.fetched == 2
    assert bench.said[1] == "the connection was lost"
    assert bench.said[2].startswith("no daemon answers")


def test_a_daemon_that_breaks_off_while_it_answers_is_tried_again(bench: Bench) -> None:
    bench.desk.wire.on("GET /api/tasks", unreachable())
    bench.tap.feed("ping", {})
    assert bench.link() is Link.LOST
    assert bench.desk.wire.taps[0].is_stopped
    bench.answer_with()
    bench.desk.clock.advance(RETRY_S)
    bench.tap.feed("ping", {})
    assert bench.link() is Link.LIVE


def test_events_of_a_daemon_of_tomorrow_do_no_harm(bench: Bench) -> None:
    bench.tap.feed("ping", {})
    bench.tap.feed("something.new", {"what": "ever"}, "a-3")
    assert bench.link() is Link.LIVE
