from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from runwisp.engine.capture import SLOW_WRITE_S, Capture
from runwisp.engine.process import Launch
from runwisp.logs.limits import Cut
from runwisp.model import Stream
from tests.engine.fakes import FakeChild, MemoryLog

T = TypeVar("T")


class SlowLog(MemoryLog):
    """Every write takes ``cost_s`` on the clock, or fails with ``error``."""

    clock: Clock
    cost_s = 0.0
    error: Exception | None = None

    def write(self, stream: Stream, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.clock.advance(self.cost_s)
        super().write(stream, data)


class Rig:
    """A capture whose thread works when a test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = SlowLog()
        self.log.clock = self.clock
        self.cuts: list[Cut] = []
        self._thread: list[Callable[[], object]] = []
        self.capture = Capture(self.clock, self._in_thread, self.log, self.cuts.append)
        self.child = FakeChild(self.capture, Launch(("true",), {}), 1)

    def _in_thread(self, work: Callable[..., T], /, *args: object) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        self._thread.append(lambda: execute(work, *args).chainDeferred(done))
        return done

    def work(self) -> None:
        self._thread.pop(0)()

    def become_slow(self) -> None:
        self.log.cost_s = 2 * SLOW_WRITE_S
        self.child.say(b"slow\n")
        assert not self.child.is_paused


def test_output_is_written_in_the_turn_in_which_it_was_read() -> None:
    rig = Rig()
    rig.child.say(b"out\n")
    rig.child.say(b"err\n", Stream.STDERR)
    assert rig.log.lines == [(Stream.STDOUT, b"out\n"), (Stream.STDERR, b"err\n")]


def test_after_a_slow_write_both_pipes_wait_for_a_thread() -> None:
    rig = Rig()
    rig.become_slow()
    rig.child.say(b"two\n")
    assert rig.child.is_paused
    assert rig.log.lines == [(Stream.STDOUT, b"slow\n")]
    written: list[None] = []
    rig.capture.when_written().addCallback(written.append)
    assert written == []
    rig.work()
    assert rig.log.lines[1:] == [(Stream.STDOUT, b"two\n")]
    assert not rig.child.is_paused
    assert written == [None]


def test_a_write_that_fails_in_the_thread_is_told_and_the_child_goes_on(
    logged_failures: list[Failure],
) -> None:
    rig = Rig()
    rig.become_slow()
    rig.child.say(b"lost\n")
    rig.log.error = RuntimeError("broken on purpose")
    rig.work()
    assert not rig.child.is_paused
    assert logged_failures.pop().check(RuntimeError)


def test_the_cut_of_the_log_is_told_once() -> None:
    rig = Rig()
    rig.log.limit = 6
    rig.child.say(b"enough")
    assert rig.cuts == []
    rig.child.say(b"more\n")
    rig.child.say(b"and more\n")
    assert rig.cuts == [Cut.OVERFLOW]


def test_the_cut_of_the_log_is_told_after_a_write_in_a_thread() -> None:
    rig = Rig()
    rig.become_slow()
    rig.log.is_disk_full = True
    rig.child.say(b"more\n")
    assert rig.cuts == []
    rig.work()
    assert rig.cuts == [Cut.NO_SPACE]


def test_the_cut_of_the_log_is_told_when_its_last_line_was_too_much() -> None:
    rig = Rig()
    rig.log.is_disk_full = True
    rig.child.closeStdout()
    assert rig.cuts == [Cut.NO_SPACE]


def test_a_closed_pipe_ends_its_stream() -> None:
    rig = Rig()
    rig.child.closeStderr()
    assert rig.log.ended == {Stream.STDERR}


def test_exit_and_drain_are_two_moments() -> None:
    rig = Rig()
    rig.child.keeps_pipes = True
    rig.child.exit(4)
    assert rig.capture.exited.has_happened
    assert not rig.capture.drained.has_happened
    assert (rig.capture.exit_status, rig.capture.signal) == (4, None)
    rig.child.loseConnection()
    assert rig.capture.drained.has_happened
