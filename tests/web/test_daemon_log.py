from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from twisted.logger import Logger, LogLevel, LogPublisher

from runwisp.daemonlog import KEPT_LINES, LogObserver
from runwisp.web.daemon_log import DaemonLog
from tests.web.outlets import PINGED, Listener, Told


class Rig:
    def __init__(self) -> None:
        self.observer = LogObserver(
            level="info", stream=StringIO(), is_json=False, shows_time=False, is_coloured=False
        )
        publisher = LogPublisher(self.observer)
        self._logger = Logger(namespace="runwisp.test", observer=publisher)
        self.calls: list[Callable[[], None]] = []
        self.log = DaemonLog(self.observer, self.calls.append)

    def say(self, *texts: str) -> None:
        for text in texts:
            self._logger.emit(LogLevel.info, text)

    def turn(self) -> None:
        """What was asked of the reactor happens."""
        while self.calls:
            self.calls.pop(0)()

    def listen(self, tail: int) -> Listener:
        return Listener(lambda outlet: self.log.send(outlet, tail))


@pytest.fixture
def rig() -> Rig:
    return Rig()


def lines(told: list[Told]) -> list[str]:
    return [text for each in told if each.name == "lines" for text in each.data["items"]]


def test_the_last_lines_come_first_and_then_those_that_are_new(rig: Rig) -> None:
    rig.say("one", "two", "three")
    listener = rig.listen(2)
    assert listener.news() == [PINGED, Told("lines", {"items": ["[INFO] two", "[INFO] three"]})]
    rig.say("four")
    rig.turn()
    assert listener.news() == [Told("lines", {"items": ["[INFO] four"]})]
    listener.leave()


@pytest.mark.parametrize("tail", [0, 5])
def test_there_need_not_be_as_many_lines_as_are_asked_for(rig: Rig, tail: int) -> None:
    listener = rig.listen(tail)
    assert listener.news() == [PINGED]
    listener.leave()


def test_lines_in_quick_succession_wake_the_reactor_once(rig: Rig) -> None:
    rig.say("nobody listens")
    assert rig.calls == []
    listener = rig.listen(0)
    rig.say("one", "two")
    assert len(rig.calls) == 1
    rig.turn()
    assert lines(listener.news()) == ["[INFO] one", "[INFO] two"]
    listener.leave()


def test_a_client_that_is_too_slow_for_what_is_kept_skips_lines(rig: Rig) -> None:
    listener = rig.listen(0)
    listener.outlet.pause()
    rig.say(*(str(number) for number in range(KEPT_LINES + 500)))
    rig.turn()
    listener.outlet.resume()
    assert lines(listener.news()) == [f"[INFO] {number}" for number in range(500, KEPT_LINES + 500)]
    listener.leave()


def test_all_that_is_kept_can_be_had_in_events_of_some_size(rig: Rig) -> None:
    rig.say(*(str(number) for number in range(KEPT_LINES + 1)))
    listener = rig.listen(KEPT_LINES)
    told = listener.news()
    assert lines(told) == [f"[INFO] {number}" for number in range(1, KEPT_LINES + 1)]
    assert len(told) > 2
    listener.leave()
