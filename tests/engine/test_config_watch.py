from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, execute

from runwisp.config.settings import Config
from runwisp.engine.background import Background
from runwisp.engine.config_watch import ConfigWatch
from runwisp.events import ConfigStale, TasksChanged
from tests.engine.stage import Stage
from tests.make import config

T = TypeVar("T")
RELOADED = TasksChanged(added=(), removed=(), changed={}, settings=("daemon.external_url",), warnings=())


class Watched:
    """A watch whose files a test changes; what is asked of a thread waits for :meth:`answer`."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.config = config("")
        self.on_disk = self.config
        self.looks = 0
        self._answers: list[Callable[[], object]] = []
        self.watch = ConfigWatch(
            self.stage.clock,
            lambda: self.config,
            self._in_thread,
            Background(),
            self.stage.bus,
            self._look,
        )

    def _look(self, loaded: Config) -> bool:
        self.looks += 1
        return self.on_disk is not loaded

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        self._answers.append(lambda: execute(work, *args).chainDeferred(done))
        return done

    def answer(self) -> list[bool]:
        """Let the threads finish; what was told since the last time."""
        while self._answers:
            self._answers.pop(0)()
        self.stage.settle()
        told = [event.is_stale for event in self.stage.events if isinstance(event, ConfigStale)]
        self.stage.events.clear()
        return told


def test_only_changes_are_told() -> None:
    it = Watched()
    told = []
    for on_disk in (it.config, config(""), config(""), it.config, it.config):
        it.on_disk = on_disk
        it.watch.look()
        told.append(it.answer())
    assert told == [[], [True], [], [False], []]


def test_a_reload_makes_the_files_current_again() -> None:
    it = Watched()
    it.on_disk = config("")
    it.watch.look()
    assert it.answer() == [True]
    it.config = it.on_disk
    it.stage.bus.publish(RELOADED)
    it.stage.settle()
    assert it.answer() == [False]


def test_what_was_seen_of_a_configuration_that_is_replaced_meanwhile_does_not_count() -> None:
    it = Watched()
    it.on_disk = config("")
    it.watch.look()
    it.config = it.on_disk
    it.watch.look()
    assert it.answer() == []
    assert it.looks == 2


def test_wakes_in_quick_succession_lead_to_one_look() -> None:
    it = Watched()
    looks = []
    for seconds in (0.0, 1.0, 8.0, 1.0, 30.0):
        it.stage.clock.advance(seconds)
        it.watch.on_wake()
        it.watch.on_wake()
        it.answer()
        looks.append(it.looks)
    assert looks == [1, 1, 1, 2, 3]
