"""Fixtures for the whole suite: the reactor, and the rule that a test leaves nothing behind.

pytest-twisted by itself passes a test that drops a failed Deferred or leaves a call for later.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import cast

import pytest
import pytest_twisted
from attrs import frozen
from hypothesis import settings
from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor, IWriteDescriptor
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from runwisp.engine import procfs

# How long an example takes depends on who else uses the machine.
# In a pipeline the examples are the same each time; elsewhere every run looks at new ones.
settings.register_profile("runwisp", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("runwisp")

# Who starts the suite in the background lets it ignore Ctrl-C, and what it starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: What is on its way out gets this many turns of the reactor to leave.
_TURNS = 3


@frozen
class _Ends:
    """What the process holds that a test may have forgotten."""

    calls: frozenset[IDelayedCall]
    readers: frozenset[IReadDescriptor]
    writers: frozenset[IWriteDescriptor]
    children: frozenset[int]

    def since(self, before: _Ends) -> _Ends:
        return _Ends(
            self.calls - before.calls,
            self.readers - before.readers,
            self.writers - before.writers,
            self.children - before.children,
        )

    def __bool__(self) -> bool:
        return bool(self.calls or self.readers or self.writers or self.children)


@implementer(ILogObserver)
class _FailureObserver:
    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def __call__(self, event: LogEvent) -> None:
        # The reactor itself still logs by the old interface, where the key has no prefix.
        failure = event.get("log_failure") or event.get("failure")
        if failure is not None:
            self.failures.append(failure)


@pytest.fixture(scope="session")
def reactor() -> PosixReactorBase:
    """The running reactor of pytest-twisted."""
    running = cast(PosixReactorBase, _reactor)
    # Its own descriptors are there from now on, so that no test is blamed for them.
    pytest_twisted.blockon(deferLater(running, 0))
    return running


@pytest.fixture
def logged_failures() -> Iterator[list[Failure]]:
    """The failures that were logged in this test; one that expects them takes them out of the list."""
    observer = _FailureObserver()
    globalLogPublisher.addObserver(observer)
    yield observer.failures
    globalLogPublisher.removeObserver(observer)


@pytest.fixture(autouse=True)
def no_loose_ends(reactor: PosixReactorBase, logged_failures: list[Failure]) -> Iterator[None]:
    """Fail a test that leaves a delayed call, a port, a child process or an unhandled failure."""
    before = _loose_ends(reactor)
    yield
    for _ in range(_TURNS):
        if not (left := _loose_ends(reactor).since(before)):
            break
        pytest_twisted.blockon(deferLater(reactor, 0))
    # An unhandled failure is noticed when its Deferred is collected. What survives is frozen: the next
    # collection then looks only at what the next test has made, which keeps this cheap.
    gc.collect()
    gc.freeze()
    _tie_up(reactor, left)
    problems = [f"left behind: {left}"] if left else []
    problems += [f"unhandled: {failure.getTraceback()}" for failure in logged_failures]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def _loose_ends(reactor: PosixReactorBase) -> _Ends:
    return _Ends(
        frozenset(reactor.getDelayedCalls()),
        frozenset(reactor.getReaders()),
        frozenset(reactor.getWriters()),
        _children(),
    )


def _children() -> frozenset[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return frozenset()
    return frozenset(child.pid for child in procfs.children(os.getpid()))


def _tie_up(reactor: PosixReactorBase, left: _Ends) -> None:
    """Keep the fault of one test from spreading to the next."""
    for call in left.calls:
        if call.active():
            call.cancel()
    for reader in left.readers:
        reactor.removeReader(reader)
    for writer in left.writers:
        reactor.removeWriter(writer)
    for pid in left.children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
